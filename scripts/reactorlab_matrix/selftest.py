"""scripts/conformance_matrix --self-test: pages from synthetic runs, on the tree of check_spec's self-test."""

import contextlib
import html.parser
import io
import re
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from reactorlab_mutants.matrix import Matrix
from reactorlab_spec import selftest as tree
from reactorlab_spec.tree import DEVIATIONS, SKIPS

from . import cli

OUTPUT = {"skip": "[ RUN      ] REG_01.x\nkit.cpp:1: Skipped\nneeds migration\n", "fail": "it broke", "pass": ""}


class Balance(html.parser.HTMLParser):
    """Whether every element that is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.targets, self.outside = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in ("meta", "br", "wbr", "col", "link", "img"):
            self.open.append(tag)
        self.ids.append(attributes.get("id"))
        self.targets += [attributes["href"][1:]] if attributes.get("href", "").startswith("#") else []
        self.outside += [tag] if "src" in attributes or tag == "link" else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"


class Pages(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="reactorlab-matrix-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name) / "tree"
        tree.plant(self.root)
        self.matrix = Matrix(["REG-01", "VAR-TL-01", "REG-02"], {"preset": "release", "commit": "c" * 40, "modified_files": 0,
                                                              "started_at": "2000-01-01T00:00:00Z"}, {"lost": "FC.", "twice": "H-."})
        self.tests = {"home.epoll.REG-01": "skip", "home.epoll.REG-02": "pass", "home.epoll.VAR-TL-01": "pass",
                      "peer.epoll.REG-01": "fail", "peer.epoll.REG-02": "pass", "core.slab": "pass",
                      "mutant.lost.REG-01": "pass"}

    def junit(self, preset, tests):
        suite = ElementTree.Element("testsuite", name="Linux-c++", timestamp="2000-01-02T00:00:00")
        for name, state in tests.items():
            status = {"pass": "run", "fail": "fail"}.get(state, "notrun")
            case = ElementTree.SubElement(suite, "testcase", name=name, status=status)
            if state in ("skip", "missing"):
                ElementTree.SubElement(case, "skipped", message="SKIP_RETURN_CODE=77" if state == "skip" else "Unable to find executable")
            if state == "fail":
                ElementTree.SubElement(case, "failure", message="Failed")
            ElementTree.SubElement(case, "system-out").text = OUTPUT.get(state, "")
        file = self.root / "build" / preset / "test.xml"
        file.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(suite).write(file)
        return str(file)

    def pages(self, *runs):
        """(status, README.md, index.html, what was said)"""
        out, said = self.root / "results/conformance", io.StringIO()
        if self.matrix:
            self.matrix.save(out / "mutants.json")
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = cli.work(cli.parse([*runs, f"--out={out}"]), self.root)
        texts = [(out / name).read_text() if (out / name).exists() else "" for name in cli.PAGES]
        return status, *texts, said.getvalue()

    def row(self, markdown, rule):
        """Its cells, without the rule's name and title."""
        line = next(line for line in markdown.splitlines() if line.startswith(f"| [{rule}]"))
        return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[3:-1]]

    def test_every_state(self):
        status, markdown, page, _ = self.pages(self.junit("release", self.tests))
        self.assertEqual(status, 0)
        self.assertEqual(self.row(markdown, "REG-01"), ["skip", "≠", "`lost`, `twice`"])  # home, peer, mutants
        self.assertEqual(self.row(markdown, "REG-02"), ["✓", "✓", "holds by construction"])
        self.assertEqual(self.row(markdown, "VAR-TL-01"), ["✓", "", "`lost`"])
        self.assertIn("| home epoll | REG-01 | no such capability |", markdown)
        self.assertIn("| peer epoll | REG-01 | does it its own way |", markdown)
        self.assertIn("(../../docs/SPEC.md#reg-01-title)", markdown)
        self.assertIn("score: 100.0 %: 2 of 2", markdown)
        self.assertIn("| release | 2000-01-02T00:00:00 | unknown | 5 | 1 | 1 |", markdown)
        self.assertNotIn("## Failures", markdown)  # the only one is explained
        self.assertIn('class="state deviation" title="does it its own way"', page)

    def test_the_page_is_whole(self):
        self.tests["home.epoll.REG-02"] = "fail"
        page = Balance(self.pages(self.junit("release", self.tests))[2])
        self.assertEqual((page.open, page.outside), ([], []))
        self.assertEqual(set(page.targets) - set(page.ids), set())

    def test_the_worst_of_several_presets(self):
        release = self.junit("release", self.tests)
        tsan = self.junit("tsan", {**self.tests, "home.epoll.REG-02": "fail", "home.epoll.REG-01": "pass"})
        _, markdown, page, _ = self.pages(release, f"thread sanitizer={tsan}")
        self.assertEqual(self.row(markdown, "REG-02")[0], "**FAIL**")
        self.assertEqual(self.row(markdown, "REG-01")[0], "skip")
        self.assertIn("| thread sanitizer | home.epoll.REG-02 | Failed |", markdown)
        self.assertIn("thread sanitizer: Failed", page)

    def test_what_could_not_run_has_failed(self):
        self.tests["home.epoll.VAR-TL-01"] = "missing"
        markdown = self.pages(self.junit("release", self.tests))[1]
        self.assertEqual(self.row(markdown, "VAR-TL-01")[0], "**FAIL**")
        self.assertIn("Unable to find executable", markdown)

    def test_a_skip_says_why_without_the_table_too(self):
        (self.root / SKIPS).write_text("")
        self.assertIn("| home epoll | REG-01 | needs migration |", self.pages(self.junit("release", self.tests))[1])

    def test_a_failure_of_a_peer_that_nobody_explains_is_a_failure(self):
        (self.root / DEVIATIONS).unlink()
        markdown = self.pages(self.junit("release", self.tests))[1]
        self.assertEqual(self.row(markdown, "REG-01")[1], "**FAIL**")
        self.assertNotIn("## Deviations", markdown)

    def test_further_backends_are_columns(self):
        markdown = self.pages(self.junit("release", {**self.tests, "home.uring.REG-01": "pass"}))[1]
        self.assertEqual(self.row(markdown, "REG-01")[:3], ["skip", "✓", "≠"])
        self.assertIn("| home epoll | home uring | peer epoll |", markdown)

    def test_survivors_are_named(self):
        self.matrix.rows["twice"] = "--."
        _, markdown, page, said = self.pages(self.junit("release", self.tests))
        self.assertIn("twice survives REG-01", said)
        self.assertIn("`twice` **survives**", markdown)
        self.assertIn("REG-01&nbsp;(survives)", page)

    def test_the_commit_is_that_of_the_run(self):
        release = self.junit("release", self.tests)
        Path(release).with_suffix(".commit").write_text("abc-dirty\n")
        self.assertIn("| abc-dirty |", self.pages(release)[1])

    def test_text_is_escaped(self):
        (self.root / SKIPS).write_text("home REG-01 a|b <i>\n")
        _, markdown, page, _ = self.pages(self.junit("release", self.tests))
        self.assertIn(r"a\|b", markdown)
        self.assertIn("a|b &lt;i&gt;", page)

    def test_what_cant_be_read_is_an_error(self):
        self.assertEqual(self.pages(str(self.root / "absent.xml"))[0], 1)
        self.assertEqual(self.pages(self.junit("release", {"core.slab": "pass"}))[0], 1)
        (self.root / "broken.xml").write_text("<testsuite>")
        self.assertEqual(self.pages(str(self.root / "broken.xml"))[0], 1)
        self.matrix = None
        (self.root / "results/conformance/mutants.json").unlink(missing_ok=True)
        status, _, _, said = self.pages(self.junit("release", self.tests))
        self.assertEqual(status, 1)
        self.assertIn("remedy: scripts/mutants", said)


def run():
    """0 if every check holds, 1 otherwise."""
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Pages)
    return 0 if unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful() else 1
