"""What `ctest --output-junit` wrote."""

import re
import xml.etree.ElementTree
from pathlib import Path

PASS, SKIP, FAIL = "pass", "skip", "fail"
# <variant>.<backend>.<RULE>; a mutant's test (mutant.<name>.<RULE>) looks alike.
RULE_TEST = re.compile(r"(?!mutant\.)([a-z0-9_]+)\.([a-z0-9_]+)\.([A-Z]+(?:-[A-Z]+)?-[0-9]+)")
SKIP_REASON = re.compile(r"^(?:.*: )?Skipped\n+(.+)$", re.M)  # GoogleTest's


class Refused(Exception):
    """Why there is no page; the text names cause and remedy."""


class Case:
    def __init__(self, element):
        skipped, failure = element.find("skipped"), element.find("failure")
        message = (skipped if skipped is not None else failure).get("message", "") if (skipped, failure) != (None, None) else ""
        output = element.findtext("system-out") or ""
        self.name = element.get("name", "")
        # Not run for another reason than its own exit status: disabled, or its program is missing.
        unrun = element.get("status") != "run" and not message.startswith("SKIP_") and failure is None
        self.state = FAIL if failure is not None or unrun else SKIP if skipped is not None else PASS
        self.reason = ""
        if self.state == SKIP:
            self.reason = "; ".join(dict.fromkeys(SKIP_REASON.findall(output))) or message
        elif self.state == FAIL:
            self.reason = message or element.get("status", "") or "no message"


class Run:
    """The file of one preset. Its name is that of its folder (build/release/test.xml), or what stands before `=`."""

    def __init__(self, argument):
        label, _, path = argument.rpartition("=")
        self.path = Path(path)
        self.label = label or self.path.resolve().parent.name
        try:
            root = xml.etree.ElementTree.parse(self.path).getroot()
        except OSError as error:
            raise Refused(f"cannot read {path}: {error.strerror}; remedy: scripts/test --preset={self.label}") from None
        except xml.etree.ElementTree.ParseError as error:
            raise Refused(f"{path} isn't a JUnit file ({error}); remedy: make it with scripts/test, or ctest --output-junit") from None
        self.started = root.get("timestamp") or "unknown"
        commit = self.path.with_suffix(".commit")  # scripts/test's
        self.commit = commit.read_text().strip() if commit.exists() else "unknown"
        self.cases = {case.name: case for case in map(Case, root.iter("testcase"))}
        if not any(RULE_TEST.fullmatch(name) for name in self.cases):
            raise Refused(f"{path} has no test of a rule (<variant>.<backend>.<RULE>); remedy: run ctest without a filter")

    def count(self, state, prefix=""):
        return sum(case.state == state and name.startswith(prefix) for name, case in self.cases.items())
