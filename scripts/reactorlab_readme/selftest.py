"""scripts/readme --self-test: synthetic results with known figures."""

import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

from reactorlab_plot import synthetic
from reactorlab_plot.catalogue import HEADLINES

from . import cli, decision
from .figures import Figures

ECHO = HEADLINES["tcp_echo"]
RATIO = {"baseline": "raw_epoll", "value": 1.0312, "low": 1.02, "high": 1.0449, "rounds": 15, "verdict": "slower"}


def row(impl, workload="tcp_echo", params=ECHO, value=3456.0, unit="ns", ratio=None, reason=None):
    """A row of summary.json, schema 2."""
    return {"workload": workload, "params": params, "impl": impl, "workers": 1, "rounds": 0 if reason else 15, "voids": 0, "stalled": 1,
            "not_applicable": reason, "unit": unit, "value": None if reason else {"median": value},
            "ratio": ratio, "ratios": {"server_cpu_ns_per_op": ratio}}


class Readme(unittest.TestCase):
    BLOCKS = ("decision", "costs", "chart", "run")
    README = "".join(f"before {name}\n<!-- generated:{name} -->\n<!-- end:{name} -->\n" for name in BLOCKS)

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="reactorlab-readme-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.results = self.root / "results/x"
        (self.results / "charts").mkdir(parents=True)
        (self.results / "charts/summary.svg").write_text("<svg/>")
        (self.root / "README.md").write_text(self.README)
        no_interval = {**RATIO, "low": None, "high": None, "rounds": 3, "verdict": "inconclusive"}
        self.summary = {"schema": 2, "partial": False, "seed": 7, "rounds_planned": 15, "rows": [
            row("libuv", ratio=RATIO), row("arc_mutex+fine", ratio=no_interval), row("thread_local", ratio=RATIO), row("raw_epoll"),
            row("thread_local", params={**ECHO, "conns": 1}, value=9.0, ratio={**RATIO, "value": 9.0}),
            row("thread_local", "spawn_join", {}, 17.4), row("arc_mutex+fine", "spawn_join", {}, 43.6),
            row("libuv", "spawn_join", {}, reason="no tasks"), row("raw_epoll", "spawn_join", {}, reason="no tasks"),
            row("thread_local", "timer_insert_cancel", {"live": 100}, 20.0), row("thread_local", "timer_insert_cancel", {"live": 1_000_000}, 24.0),
            row("thread_local", "idle_memory", {"conns": 8000}, 204.8, "B"), row("thread_local", "cross_thread_wake", {}, 9_310.0)]}
        self.counts = {"params": ECHO, "workers": 1, "rows": [
            {"server": "thread_local", "instructions": 170.6}, {"server": "arc_mutex+fine", "instructions": 222.2},
            {"server": "raw_epoll", "instructions": -0.2}]}
        self.provenance = {"started_at": "2000-01-01T00:00:00Z", "command_line": ["bench", "--impl=all", "a|b"],
                           "machine": {"cpu_model": "Synthetic", "cpus": 2, "hypervisor": "yes", "kernel": "Linux 0"},
                           "build": {"commit": "c" * 40, "modified_files": 0, "compiler": "none", "flags": "-O9"}}

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

    def test_every_stored_run_is_listed(self):
        same = [{"impl": "raw_epoll#again", "outcome": "equivalent"}, {"impl": "thread_local#again", "outcome": "n/a"}]
        positive = [{"impl": "thread_local#+5%", "outcome": "found", "found_on_counts": True, "spin_counted": 9},
                    {"impl": "thread_local#+2%", "outcome": "not found", "found_on_counts": True, "spin_counted": 3}]
        self.summary |= {"controls": {"same": same, "positive": positive}, "noise": {"rounds": 15, "excluded": [{}]}}
        self.assertEqual(self.run_on(self.results)[0], 0)
        other = self.root / "results/older"
        other.mkdir()
        (other / "provenance.json").write_text(json.dumps({**self.provenance, "started_at": "1999-01-01T00:00:00Z"}))
        (other / "summary.json").write_text(json.dumps({"partial": False, "rounds_planned": 9}))
        self.assertEqual(self.run_on("--check", self.results)[0], 1, "one more is stored")
        self.assertEqual(self.run_on(self.results)[0], 0)
        rows = [line for line in (self.root / "results/README.md").read_text().splitlines() if line.startswith("| [")]
        self.assertEqual(rows, [
            "| [x](x/README.md) | 2000-01-01T00:00:00Z | cccccccccccc | `bench --impl=all 'a\\|b'` | 15 | 1 equivalent | 1 found | 1 of 1 | 1 of 15 |",
            "| [older](older/README.md) | 1999-01-01T00:00:00Z | cccccccccccc | `bench --impl=all 'a\\|b'` | 9 | none | none | none | not judged |"])
        self.assertEqual(self.run_on("--check", self.results)[0], 0)
        (other / "summary.json").write_text(json.dumps({"partial": True}))
        self.assertEqual(self.run_on(self.results)[0], 1, "interrupted")

    def test_every_figure_comes_from_the_files(self):
        status, text = self.run_on(self.results)
        self.assertEqual(status, 0)
        rows = [line for line in text.splitlines() if line.startswith("| [`") or line.startswith("|  |")]
        self.assertEqual(rows, [
            "|  | reach | driver | instructions | CPU ratio [95 %] | spawn + join, ns | timer create + cancel, ns | wake, round trip, µs "
            "| idle connection, B |",
            "| [`thread_local`](impls/thread_local/) | a thread-local pointer | its only thread | 171 | 1.031 [1.020, 1.045] slower | 17.4 "
            "| 24.0 | 9.31 | 205 |",
            "| [`arc_mutex+fine`](impls/arc_mutex/) | the same | the same | 222 | 1.031 [n/a: 3 rounds] inconclusive | 43.6 | n/a | n/a | n/a |",
            "| [`raw_epoll`](impls/raw_epoll/) | no runtime: the floor | its only thread | 0 | baseline | n/a | n/a | n/a | n/a |",
            "| [`libuv`](impls/libuv/) | a `uv_loop_t*` | who calls `uv_run()` | n/a | 1.031 [1.020, 1.045] slower | n/a | n/a | n/a | n/a |"])
        self.assertIn("timer create + cancel: live 1,000,000", text)
        self.assertIn("](results/x/charts/summary.svg)", text)
        self.assertIn("before costs\n", text)
        self.assertIn(r"a\|b", text)
        self.assertIn("| samples | 165, of them void: 0, stalled: 11 |", text)

    def test_an_echo_by_itself_has_a_column_where_it_was_measured(self):
        alone, ratio = {"conns": 64, "payload": 64, "rate": 20_000}, {**RATIO, "value": 1.47}
        self.summary["rows"] += [row("raw_epoll", "echo_paced", alone), row("thread_local", "echo_paced", alone, ratio=ratio),
                                 row("dedicated_thread", ratio=RATIO), row("dedicated_thread", "echo_paced", alone, ratio=ratio)]
        text = self.run_on(self.results)[1]
        self.assertIn("| CPU ratio [95 %] | CPU ratio, alone [95 %] | spawn + join, ns |", text)
        self.assertIn("| 171 | 1.031 [1.020, 1.045] slower | 1.470 [1.020, 1.045] slower | 17.4 |", text)
        self.assertIn("| 0 | baseline | baseline | n/a |", text)
        self.assertIn("alone: at a fixed rate, 64 conns, 64 B, rate 20,000", text)
        self.assertIn("1.03 times the hand-written loop's CPU, 1.47 times where each comes alone", text)

    def test_the_decision_claims_what_the_figures_say(self):
        text = self.run_on(self.results)[1]
        self.assertIn("171 user instructions per message, the fewest, spawn + join 17 ns, the least.", text)
        self.assertIn("222 user instructions per message, spawn + join 44 ns.", text)
        self.assertNotIn("oncelock_global", text)  # wasn't measured, so it isn't advised
        self.counts["rows"][0]["instructions"] = 400.0
        self.assertIn("400 user instructions per message, spawn", self.run_on(self.results)[1])
        self.counts["rows"].append({"server": "arc_mutex", "instructions": 295.2})
        self.assertIn("takes 73 more", self.run_on(self.results)[1])

    def test_a_whole_run_of_ten_entries(self):
        rows = synthetic.write(self.results, impls=10, cells=len(synthetic.CELLS), rounds=7)
        self.assertEqual(cli.work(cli.parse([str(self.results)]), self.root), 0)
        table = decision.table(Figures({"rows": rows}, {}))
        self.assertEqual(table.count("\n| "), 5 - 1)
        self.assertIn("instructions per message n/a", table)
        self.assertEqual(sum(line.startswith("| [`") for line in (self.root / "README.md").read_text().splitlines()), 10)

    def test_check_tells_a_fresh_file_from_a_stale_one(self):
        self.assertEqual(self.run_on("--check", self.results), (1, self.README))
        self.run_on(self.results)
        self.assertEqual(self.run_on("--check")[0], 0)  # the run that README.md shows
        self.counts["rows"][0]["instructions"] = 180.0
        self.assertEqual(self.run_on("--check")[0], 1)

    def test_nothing_is_written_from_what_must_not_be_published(self):
        self.summary["partial"] = True
        self.assertEqual(self.run_on(self.results), (1, self.README))
        self.summary["partial"], self.summary["schema"] = False, 1
        self.assertEqual(self.run_on(self.results), (1, self.README))
        self.summary["schema"], self.counts["params"] = 2, {**ECHO, "conns": 8}
        self.assertEqual(self.run_on(self.results), (1, self.README))
        self.counts = None
        self.assertEqual(self.run_on(self.results, "--counts", self.root / "absent.json"), (1, self.README))
        self.summary["rows"] = self.summary["rows"][4:]  # the headline cell is gone
        self.assertEqual(self.run_on(self.results), (1, self.README))

    def test_no_counts_are_not_zero(self):
        self.counts = None
        text = self.run_on(self.results)[1]
        self.assertIn("| a thread-local pointer | its only thread | n/a |", text)
        self.assertIn("`coarse` is the textbook's one mutex |", text)

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
