"""scripts/mutants --self-test: a kit that does what this file says, on the tree of check_spec's self-test."""

import contextlib
import io
import json
import os
import select
import sys
import tempfile
import unittest
from pathlib import Path

from reactorlab_spec import selftest as tree

from . import cli

# What the stand-in does for `--mutant=M --rule=R`, by "M R"; for `--rule=R --note-switches`, by "R".
PLAN = {"REG-01": "switches: lost twice", "REG-02": "no body", "VAR-TL-01": "switches: lost",
        "lost REG-01": "fail", "twice REG-01": "hang", "lost VAR-TL-01": "crash"}
STAND_IN = """#!{python}
import json, os, pathlib, signal, subprocess, sys
here = pathlib.Path(sys.argv[0]).parent
options = dict(word.removeprefix("--").partition("=")[::2] for word in sys.argv[1:])
key = " ".join(options[name] for name in ("mutant", "rule") if name in options)
with open(here / "calls", "a") as calls:
    calls.write(key + "\\n")
action = json.loads((here / "plan.json").read_text())[key]
if action == "leave a child":
    child = subprocess.Popen(["sleep", "600"])
    (here / "child").write_text(str(child.pid))
    action = "fail"
if action.startswith("switches"):
    print(action)
print({{"hang": "nothing can happen any more", "spin": "it runs on and on"}}.get(action, ""), flush=True)
if action == "crash":
    os.kill(os.getpid(), signal.SIGABRT)
sys.exit({{"fail": 1, "no body": 3, "hang": 4, "spin": 4, "skip": 77}}.get(action, 0))
"""


class Mutants(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="reactorlab-mutants-")
        self.addCleanup(scratch.cleanup)
        self.root, self.bin = Path(scratch.name) / "tree", Path(scratch.name) / "bin"
        tree.plant(self.root)
        self.bin.mkdir()
        self.binary, self.json, self.plan = self.bin / "conformance", self.bin / "mutants.json", dict(PLAN)
        self.binary.write_text(STAND_IN.format(python=sys.executable))
        self.binary.chmod(0o755)

    def work(self, *words):
        """(status, output, what was asked of the kit, sorted: it works in parallel)"""
        (self.bin / "plan.json").write_text(json.dumps(self.plan))
        (self.bin / "calls").write_text("")
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            status = cli.work(cli.parse([f"--json={self.json}", *words]), self.root)
        return status, output.getvalue(), sorted((self.bin / "calls").read_text().splitlines())

    def run_all(self, *words):
        return self.work(f"--binary={self.binary}", *words)

    def rows(self):
        return json.loads(self.json.read_text())["rows"]

    def test_the_matrix(self):
        status, text, calls = self.run_all(f"--out={self.bin / 'text'}")
        self.assertEqual((status, self.rows()), (0, {"lost": "FC.", "twice": "H.."}))  # REG-01, VAR-TL-01, REG-02
        self.assertEqual(calls, sorted(PLAN))  # VAR-TL-01 never comes to `twice`
        said = json.loads(self.json.read_text())["command_line"]
        self.assertEqual(said[1:3], ["--json=mutants.json", "--binary=conformance"], "without the folders of this machine")
        self.assertIn("score: 100.0 %: 2 of 2 mutants", text)
        self.assertIn("3 of 3 killed", text)
        self.assertIn("rules: 2 of 2 kill at least one mutant; 1 hold by construction", text)
        self.assertIn("\nlost   F!", text)
        self.assertTrue((self.bin / "text").read_text() in text)

    def test_more_than_what_is_named(self):
        self.plan |= {"VAR-TL-01": "switches: lost twice", "twice VAR-TL-01": "spin"}
        self.assertEqual((self.run_all()[0], self.rows()["twice"]), (0, "HW."))
        self.assertEqual((self.run_all("--quick")[0], self.rows()["twice"]), (0, "H?."))

    def test_survivors(self):
        for verdict in ("pass", "skip"):
            self.plan["twice REG-01"] = verdict
            status, text, _ = self.run_all("--fresh")
            self.assertEqual((status, self.rows()["twice"]), (1, "-.."))
            self.assertIn("twice survives REG-01", text)
            self.assertIn("score: 50.0 %", text)
        self.plan["lost VAR-TL-01"] = "pass"
        self.assertIn("VAR-TL-01 kills nothing", self.run_all("--fresh")[1])

    def test_a_pair_that_is_named_runs_though_the_switch_wasnt_seen(self):
        self.plan["REG-01"] = "switches: "
        self.assertEqual((self.run_all()[0], self.rows()["twice"]), (0, "H.."))

    def test_a_rule_that_fails_anyway_proves_nothing(self):
        self.plan["REG-01"] = "fail"
        status, text, _ = self.run_all()
        self.assertEqual((status, self.json.exists()), (1, False))
        self.assertIn("REG-01 fails without a fault", text)
        self.plan["REG-01"] = "no body"
        self.assertIn("no test of REG-01 in the binary", self.run_all()[1])

    def test_children_that_a_broken_rule_leaves_behind_are_ended(self):
        self.plan["twice REG-01"] = "leave a child"
        self.assertEqual(self.run_all()[0], 0)
        with contextlib.suppress(ProcessLookupError):  # it is gone already
            child = os.pidfd_open(int((self.bin / "child").read_text()))
            self.addCleanup(os.close, child)
            ended, _, _ = select.select([child], [], [], 60)  # it has been killed, which takes it a moment
            self.assertTrue(ended)

    def test_only_what_is_new_runs_again(self):
        self.assertEqual(self.run_all("--only=twice")[0], 0)
        self.assertTrue(json.loads(self.json.read_text())["partial"])
        self.assertEqual([call for call in self.run_all()[2] if " " in call], ["lost REG-01", "lost VAR-TL-01"])
        self.assertEqual(self.run_all()[2], [])
        self.assertIn("twice REG-01", self.run_all("--fresh")[2])
        self.binary.write_text(self.binary.read_text() + "# another binary\n")
        self.assertIn("twice REG-01", self.run_all()[2])
        self.assertEqual(self.run_all("--only=nothing")[0], 1)

    def test_only_the_rules_that_were_asked_for(self):
        status, _, calls = self.run_all("--rules=^REG-01$")
        self.assertEqual((status, self.rows()), (0, {"lost": "F??", "twice": "H??"}))
        self.assertEqual(calls, ["REG-01", "lost REG-01", "twice REG-01"])
        self.assertIn("unfinished or partial", self.work("--check")[1])
        self.assertEqual((self.run_all()[0], self.rows()), (0, {"lost": "FC.", "twice": "H.."}), "not taken over by a whole run")
        self.assertIn("no rule matches", self.run_all("--rules=nothing")[1])

    def test_a_published_matrix_gets_what_it_hasnt(self):
        self.run_all()
        published = {**json.loads(self.json.read_text()), "rows": {"lost": "F?."}}
        self.plan |= {"lost REG-01": "hang", "twice REG-01": "fail"}  # today
        run = self.bin / "run.json"
        self.run_all(f"--json={run}", "--fresh")
        self.json.write_text(json.dumps(published))
        status, _, calls = self.work(f"--extend={run}")
        self.assertEqual((status, calls, self.rows()), (0, [], {"lost": "FC.", "twice": "F.."}), "what is known stays")
        self.assertEqual(json.loads(self.json.read_text())["extended"][0]["mutants"], ["twice"])
        self.json.write_text(json.dumps({**published, "partial": True}))
        self.assertIn("must be of the present rules", self.work(f"--extend={run}")[1])

    def test_the_published_matrix(self):
        self.assertIn("cannot read", self.work("--check")[1])
        self.run_all()
        self.assertEqual(self.work("--check")[::2], (0, []))
        published = json.loads(self.json.read_text())
        faults = [  # what is wrong, and how it is reported
            ({"rows": {"lost": "FC."}}, "twice: a mutant of"),
            ({"rows": {**published["rows"], "gone": "F.."}}, "gone: in the matrix, but no mutant"),
            ({"rules": ["REG-01", "VAR-TL-01", "REG-99"]}, "REG-99: in the matrix, but no rule"),
            ({"rules": ["REG-01", "VAR-TL-01", "REG-99"]}, "REG-02: a rule of"),
            ({"rows": {"lost": "FC.", "twice": "-.."}}, "twice survives REG-01"),
            ({"rows": {"lost": "F..", "twice": "H.."}}, "VAR-TL-01 kills nothing"),
            ({"partial": True}, "unfinished or partial"),
            ({"quick": True}, "--quick"),
            ({"schema": 0}, "isn't a matrix of this version"),
            ({"rows": {"lost": "F"}}, "isn't a matrix of this version"),
        ]
        for change, part in faults:
            self.json.write_text(json.dumps({**published, **change}))
            status, text, _ = self.work("--check")
            self.assertEqual(status, 1)
            self.assertIn(part, text)
            self.assertIn("remedy", text)


def run():
    """0 if every check holds, 1 otherwise."""
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Mutants)
    return 0 if unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful() else 1
