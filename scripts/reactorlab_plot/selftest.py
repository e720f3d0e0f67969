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

    def test_intervals_of_the_chart_equal_the_summary(self):
        rows = synthetic.write(self.folder, impls=3, cells=2, rounds=9)
        report.write(load.load(self.folder))
        expected = [(r["ratio"]["value"], r["ratio"]["low"], r["ratio"]["high"], r["verdict"]) for r in rows if r["ratio"]]
        drawn = [(float(r["ratio"]), float(r["low95"]), float(r["high95"]), r["verdict"]) for r in self.read_csv("cpu")]
        self.assertEqual(sorted(drawn), sorted(expected))

    def test_throughput_is_paired_by_round(self):
        synthetic.write(self.folder, impls=2, cells=1, rounds=9)
        results = load.load(self.folder)
        report.write(results)
        rates = {s: {x.round: x.ops_per_second for x in results.of(results.cells[0], s)} for s in results.series}
        common = sorted(rates["raw_epoll"].keys() & rates["thread_local"].keys())
        ratios = sorted(rates["thread_local"][r] / rates["raw_epoll"][r] for r in common)
        self.assertEqual(len(ratios), 8)  # nine rounds, one of them void for the baseline or the series
        self.assertAlmostEqual(float(self.read_csv("throughput")[0]["low95"]), ratios[0])

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
        samples.write_text(whole + '{"impl": "raw_epoll"}\n' + "[]\n" + whole.splitlines()[0][:40])
        results = load.load(self.folder)
        self.assertEqual([line.split(": ")[0] for line in results.damaged],
                         ["samples.jsonl:15", "samples.jsonl:16", "samples.jsonl:17"])
        self.assertEqual(len(results.samples), 14)
        report.write(results)
        self.assertIn("samples.jsonl:17", (self.folder / "README.md").read_text())

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
