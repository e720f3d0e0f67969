"""scripts/plot --self-test: the charts and the report against synthetic results with known content."""

import csv
import json
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

from . import forest, load, report, stats, style, synthetic


class SignTest(unittest.TestCase):
    def test_rank_is_the_published_order_statistic(self):
        # Ranks of the 95 % interval of a median as printed in tables of the sign test.
        self.assertEqual([stats.sign_test_rank(n) for n in (5, 6, 8, 9, 15, 20)], [0, 1, 1, 2, 4, 6])

    def test_interval_holds_the_order_statistics(self):
        ratio = stats.ratio_of_pairs([(1.0 + i / 100, 1.0) for i in range(9)])
        self.assertAlmostEqual(ratio.value, 1.04)
        self.assertAlmostEqual(ratio.low, 1.01)
        self.assertAlmostEqual(ratio.high, 1.07)

    def test_too_few_rounds_give_no_interval(self):
        self.assertIsNone(stats.ratio_of_pairs([(1.0, 1.0)] * 5).low)


class Ticks(unittest.TestCase):
    def test_ticks_are_few_inside_and_hold_one(self):
        for low, high in ((0.97, 1.03), (0.9, 1.2), (0.6, 1.5), (0.05, 20.0), (0.99, 130.0)):
            ticks = forest.round_ticks(low, high, 7)
            self.assertIn(1, [round(tick, 9) for tick in ticks])
            self.assertLessEqual(len(ticks), 7)
            self.assertTrue(all(low <= tick <= high for tick in ticks))


class Looks(unittest.TestCase):
    def test_ten_series_differ_in_colour_and_marker(self):
        names = ["raw_epoll", *load.HOMES, "asio", "libuv", "tokio", "smol", "raw_uring"]
        looks = list(style.looks(names, "raw_epoll").values())
        self.assertEqual((len({c for c, _ in looks}), len({m for _, m in looks})), (10, 10))


class Report(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="reactorlab-plot-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name) / "run"

    def read_csv(self, name):
        with open(self.folder / "charts" / f"{name}.csv", newline="") as file:
            return list(csv.DictReader(file))

    def test_every_chart_appears_as_svg_png_and_csv(self):
        synthetic.write(self.folder, impls=4, cells=2, rounds=7)
        self.assertEqual(report.write(load.load(self.folder)), list(report.CHARTS))
        for name in report.CHARTS:
            xml.etree.ElementTree.parse(self.folder / "charts" / f"{name}.svg")
            self.assertEqual((self.folder / "charts" / f"{name}.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
            self.assertGreater(len(self.read_csv(name)), 0)

    def test_intervals_of_the_charts_equal_the_summary(self):
        rows = synthetic.write(self.folder, impls=3, cells=2, rounds=9)
        report.write(load.load(self.folder))
        for chart, ratio_of in {"cpu": lambda row: row["ratio"], "throughput": lambda row: row["ratios"]["ops_per_s"]}.items():
            ratios = [ratio_of(row) for row in rows if ratio_of(row)]
            expected = sorted((r["value"], r["low"], r["high"], r["rounds"], r["verdict"]) for r in ratios)
            drawn = sorted((float(r["ratio"]), float(r["low95"]), float(r["high95"]), int(r["rounds"]), r["verdict"])
                           for r in self.read_csv(chart))
            self.assertEqual(drawn, expected)

    def test_a_summary_that_does_not_follow_from_the_samples_is_reported(self):
        synthetic.write(self.folder, impls=2, cells=1, rounds=7)
        self.assertEqual(load.load(self.folder).problems(), [])
        summary = json.loads((self.folder / "summary.json").read_text())
        summary["rows"][1]["ratio"]["high"] *= 0.99
        (self.folder / "summary.json").write_text(json.dumps(summary))
        results = load.load(self.folder)
        self.assertRegex(results.problems()[0], "server_cpu_ns_per_op of thread_local .* doesn't follow")
        report.write(results)
        self.assertIn("doesn't follow", (self.folder / "README.md").read_text())

    def test_merged_runs_are_refused(self):
        synthetic.write(self.folder, impls=2, cells=1, rounds=6)
        samples = self.folder / "samples.jsonl"
        samples.write_text(samples.read_text() * 2)
        with self.assertRaisesRegex(load.ResultsError, "two samples of .*remedy"):
            load.load(self.folder)

    def test_report_is_deterministic(self):
        synthetic.write(self.folder, impls=2, cells=1, rounds=6)
        contents = []
        for _ in range(2):
            report.write(load.load(self.folder))
            contents.append({path.name: path.read_bytes() for path in (self.folder / "charts").iterdir()})
        self.assertEqual(*contents)

    def test_damaged_lines_are_named_and_skipped(self):
        synthetic.write(self.folder, impls=2, cells=1, rounds=7)
        samples = self.folder / "samples.jsonl"
        whole = samples.read_text()
        sound = json.loads(whole.splitlines()[0])
        lines = ['{"impl": "raw_epoll"}', "[]", json.dumps({**sound, "ops": "many"}), json.dumps({**sound, "params": 64})]
        samples.write_text("\n".join([whole.rstrip(), *lines, whole[:40]]))
        results = load.load(self.folder)
        self.assertEqual([line.split(": ")[0] for line in results.damaged],
                         [f"samples.jsonl:{number}" for number in range(15, 20)])
        self.assertEqual(len(results.samples), 14)
        report.write(results)
        self.assertIn("samples.jsonl:19", (self.folder / "README.md").read_text())

    def test_void_samples_are_listed_and_count_for_nothing(self):
        synthetic.write(self.folder, impls=2, cells=1, rounds=7)
        results = load.load(self.folder)
        self.assertEqual(sorted(len(results.of(results.cells[0], s)) for s in results.series), [6, 7])
        report.write(results)
        self.assertIn("3 errors", (self.folder / "README.md").read_text())

    def test_few_rounds_say_so(self):
        synthetic.write(self.folder, impls=2, cells=1, rounds=4)
        report.write(load.load(self.folder))
        self.assertIn("n/a: 3 rounds", (self.folder / "README.md").read_text())

    def test_nothing_to_compare_still_reports(self):
        synthetic.write(self.folder, impls=1, cells=1, rounds=6)
        self.assertEqual(report.write(load.load(self.folder)), ["latency", "order"])

    def test_unusable_folders_are_errors_with_a_remedy(self):
        self.folder.mkdir()
        cases = {"missing": None, "no usable sample": "", "no usable": "garbage\n"}
        for expected, content in cases.items():
            if content is not None:
                (self.folder / "samples.jsonl").write_text(content)
            with self.assertRaisesRegex(load.ResultsError, f"{expected}.*remedy"):
                load.load(self.folder)
        synthetic.write(self.folder, impls=2, cells=1, rounds=6)
        (self.folder / "summary.json").write_text(json.dumps({"rows": []})[:-1])
        with self.assertRaisesRegex(load.ResultsError, "not JSON.*remedy"):
            load.load(self.folder)


def run():
    """0 if every check holds, 1 otherwise."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__, fromlist=["run"]))
    return 0 if unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful() else 1
