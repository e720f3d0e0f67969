"""scripts/readme --self-test: synthetic results with known figures."""

import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

from . import cli
from .generate import HEADLINE


class Readme(unittest.TestCase):
    README = "".join(f"before {name}\n<!-- generated:{name} -->\n<!-- end:{name} -->\n" for name in ("chart", "costs", "run"))

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="reactorlab-readme-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.results = self.root / "results/x"
        (self.results / "charts").mkdir(parents=True)
        (self.results / "charts/summary.svg").write_text("<svg/>")
        (self.root / "README.md").write_text(self.README)
        ratio = {"baseline": "raw_epoll", "value": 1.0312, "low": 1.02, "high": 1.0449, "rounds": 15}
        self.summary = {"partial": False, "seed": 7, "rounds_planned": 15, "rows": [
            self.row("arc_mutex+fine", {**ratio, "low": None, "high": None, "rounds": 3}), self.row("thread_local", ratio),
            self.row("raw_epoll", None), {**self.row("thread_local", ratio), "params": {**HEADLINE, "conns": 1}}]}
        self.counts = {"params": HEADLINE, "workers": 1, "rows": [
            {"server": "thread_local", "instructions": 170.6, "syscalls": 2.016, "allocations": 0.0, "mappings": 0.0},
            {"server": "raw_epoll", "instructions": 55.4, "syscalls": None, "allocations": 0.0, "mappings": None}]}
        self.provenance = {"started_at": "2000-01-01T00:00:00Z", "command_line": ["bench", "--impl=all", "a|b"],
                           "machine": {"cpu_model": "Synthetic", "cpus": 2, "hypervisor": "yes", "kernel": "Linux 0"},
                           "build": {"commit": "c" * 40, "modified_files": 0, "compiler": "none", "flags": "-O9"}}

    def row(self, impl, ratio):
        return {"workload": "tcp_echo", "params": HEADLINE, "impl": impl, "workers": 1, "rounds": 15, "voids": 0,
                "server_cpu_ns_per_op": {"median": 3456.0}, "ratio": ratio, "verdict": "slower" if ratio else None}

    def run_on(self, *words):
        """(status, README.md) after this call on the synthetic results."""
        for name in ("summary", "counts", "provenance"):
            if (content := getattr(self, name)) is not None:
                (self.results / f"{name}.json").write_text(json.dumps(content))
        with open(os.devnull, "w") as quiet:
            errors, sys.stderr = sys.stderr, quiet
            try:
                status = cli.work(cli.parse([str(word) for word in words]), self.root)
            finally:
                sys.stderr = errors
        return status, (self.root / "README.md").read_text()

    def test_every_figure_comes_from_the_files(self):
        status, text = self.run_on(self.results)
        self.assertEqual(status, 0)
        rows = [line for line in text.splitlines() if line.startswith("| [`")]
        self.assertEqual(rows, [
            "| [`raw_epoll`](impls/raw_epoll/) | 3.46 | baseline |  | 55 | n/a | n/a |",
            "| [`thread_local`](impls/thread_local/) | 3.46 | 1.031 [1.020, 1.045] | slower | 171 | 2.02 | 0.00 |",
            "| [`arc_mutex+fine`](impls/arc_mutex/) | 3.46 | 1.031 [n/a: 3 rounds] | slower | n/a | n/a | n/a |"])
        self.assertIn("](results/x/charts/summary.svg)", text)
        self.assertIn("before costs\n", text)
        self.assertIn(r"a\|b", text)

    def test_check_tells_a_fresh_file_from_a_stale_one(self):
        self.assertEqual(self.run_on("--check", self.results), (1, self.README))
        self.run_on(self.results)
        self.assertEqual(self.run_on("--check")[0], 0)  # the run that README.md shows
        self.counts["rows"][0]["instructions"] = 180.0
        self.assertEqual(self.run_on("--check")[0], 1)

    def test_nothing_is_written_from_what_must_not_be_published(self):
        self.summary["partial"] = True
        self.assertEqual(self.run_on(self.results), (1, self.README))
        self.summary["partial"] = False
        self.counts["params"] = {**HEADLINE, "conns": 8}
        self.assertEqual(self.run_on(self.results), (1, self.README))
        self.counts = None
        self.assertEqual(self.run_on(self.results, "--counts", self.root / "absent.json"), (1, self.README))
        self.summary["rows"] = self.summary["rows"][3:]
        self.assertEqual(self.run_on(self.results), (1, self.README))

    def test_no_counts_are_not_zero(self):
        self.counts = None
        self.assertIn("| slower | n/a | n/a | n/a |", self.run_on(self.results)[1])

    def test_a_missing_part_or_file_is_an_error(self):
        (self.root / "README.md").write_text(self.README.replace("generated:run", "generated:rune"))
        self.assertEqual(self.run_on(self.results)[0], 1)
        (self.root / "README.md").write_text(self.README)
        self.assertEqual(self.run_on("--check")[0], 1)  # shows no run
        self.assertEqual(self.run_on(self.root.parent)[0], 1)  # outside
        (self.results / "charts/summary.svg").unlink()
        self.assertEqual(self.run_on(self.results)[0], 1)


def run():
    """0 if every check holds, 1 otherwise."""
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Readme)
    return 0 if unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful() else 1
