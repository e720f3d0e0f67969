"""scripts/plot --self-test: the charts and the report against synthetic results with known content."""

import csv
import json
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

from . import catalogue, forest, load, model, overview, report, stats, style, synthetic

WORKLOADS = Path(__file__).resolve().parents[2] / "harness/workloads"


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

    def test_a_family_is_judged_together(self):
        dearer = [(1.2, 1.0)] * 7
        self.assertEqual(stats.verdicts({"a": dearer, "none": []}, 0.02), {"a": "more"})
        self.assertEqual(set(stats.verdicts({name: dearer for name in "abcdefgh"}, 0.02).values()), {"inconclusive"})
        self.assertEqual(stats.verdicts({"a": [(0.8, 1.0)] * 9, "b": [(1.0, 1.0)] * 9}, 0.02), {"a": "less", "b": "equivalent"})
        self.assertEqual(stats.verdicts({}, 0.02), {})

    def test_holm_multiplies_the_smallest_most(self):
        for adjusted, expected in zip(stats.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]):
            self.assertAlmostEqual(adjusted, expected)


class Ticks(unittest.TestCase):
    def test_ticks_are_few_inside_and_hold_one(self):
        for low, high in ((0.97, 1.03), (0.9, 1.2), (0.6, 1.5), (0.05, 20.0), (0.99, 130.0)):
            ticks = forest.round_ticks(low, high, 7)
            self.assertIn(1, [round(tick, 9) for tick in ticks])
            self.assertLessEqual(len(ticks), 7)
            self.assertTrue(all(low <= tick <= high for tick in ticks))


class Looks(unittest.TestCase):
    def test_twelve_entries_differ_and_variants_of_one_home_only_in_their_fill(self):
        names = ["thread_local", "arc_mutex", "arc_mutex+fine", "oncelock_global", "oncelock_global+fine", "dedicated_thread",
                 *catalogue.PEERS, "tokio"]
        looks = style.looks(names)
        self.assertEqual(len(set(looks.values())), 12)
        impls = [look for look in looks.values() if not look.hollow]
        self.assertEqual((len({look.colour for look in impls}), len({look.marker for look in impls})), (10, 10))
        self.assertEqual(looks["arc_mutex+fine"].colour, looks["arc_mutex"].colour)

    def test_engines_of_other_languages_differ_from_the_rest(self):
        looks = style.looks(["thread_local", *catalogue.PEERS, *catalogue.ENGINES, "engine:mine", "engine:yours"])
        self.assertEqual(len({look.colour for look in looks.values()}), len(looks))
        self.assertEqual(len({look.marker for look in looks.values()}), len(looks))

    def test_a_shape_has_its_peers_colour_and_a_marker_of_its_own(self):
        names = ["asio", "asio:per_thread", "asio:shared", "asio:dedicated", "asio:uring"]
        looks = style.looks([*names, "libuv", "libuv:dedicated"])
        self.assertEqual(len({looks[name].marker for name in names}), len(names))
        self.assertEqual({looks[name].colour for name in names}, {looks["asio"].colour})
        self.assertNotEqual(looks["libuv:dedicated"].colour, looks["asio:dedicated"].colour)

    def test_a_look_does_not_depend_on_the_company(self):
        self.assertEqual(style.looks(["libuv"])["libuv"], style.looks(["asio", "arc_mutex", "libuv"])["libuv"])


class Catalogue(unittest.TestCase):
    def test_homes_stand_before_peers_before_engines_before_others(self):
        shuffled = ["tokio", "engine:smol", "libuv", "asio:shared", "asio", "raw_uring", "raw_epoll", "dedicated_thread", "oncelock_global+fine",
                    "oncelock_global", "thread_local"]
        self.assertEqual(sorted(shuffled, key=catalogue.series_place), ["thread_local", "oncelock_global", "oncelock_global+fine",
                                                                        "dedicated_thread", "raw_epoll", "raw_uring", "asio", "asio:shared", "libuv",
                                                                        "engine:smol", "tokio"])

    def test_every_workload_has_a_place_a_title_and_a_synthetic_cell(self):
        defined = {path.stem: json.loads(path.read_text()) for path in WORKLOADS.glob("*.json")}
        self.assertEqual(sorted(catalogue.WORKLOADS), sorted(defined))
        self.assertLessEqual(set(overview.TITLES), set(defined))
        self.assertLessEqual(max(len(overview.TITLES.get(name, name)) for name in defined), 19)
        for workload, params, metric, _ in synthetic.CELLS:
            self.assertEqual((set(params), metric), (set(defined[workload]["params"]), defined[workload]["metric"]), workload)
        for workload, wanted in catalogue.HEADLINES.items():
            for name, value in wanted.items():
                given = [cell[name] for cell in defined[workload]["cells"]]
                self.assertTrue(any(value == one or isinstance(one, list) and value in one for one in given), workload)

    def test_the_nearest_cell_speaks_for_a_workload(self):
        self.assertEqual(catalogue.headline("idle_memory", [{"conns": 1}, {"conns": 500}]), {"conns": 500})
        self.assertEqual(catalogue.headline("post", [{"producers": 1}, {"producers": 2}]), {"producers": 1})


class Figures(unittest.TestCase):
    def test_units_follow_the_size_and_bytes_stay_bytes(self):
        self.assertEqual([model.scaled(values, unit) for values, unit in (([17.0, 900.0], "ns"), ([3e3, 5e3], "ns"), ([2e6], "ns"),
                                                                          ([5e6], "B"), ([], "ns"))],
                         [("ns", 1), ("µs", 1e3), ("ms", 1e6), ("B", 1), ("ns", 1)])
        self.assertEqual([model.figure(value) for value in (3.456, 34.56, 3456.0)], ["3.46", "34.6", "3,456"])


class Report(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="reactorlab-plot-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name) / "run"

    def read_csv(self, name):
        with open(self.folder / "charts" / f"{name}.csv", newline="") as file:
            return list(csv.DictReader(file))

    def test_every_chart_appears_as_svg_png_and_csv(self):
        synthetic.write(self.folder, impls=4, cells=[*synthetic.CELLS[:2], synthetic.CELLS[12]], rounds=7)
        self.assertEqual(report.write(load.load(self.folder)), list(report.CHARTS))
        for name in report.CHARTS:
            xml.etree.ElementTree.parse(self.folder / "charts" / f"{name}.svg")
            self.assertEqual((self.folder / "charts" / f"{name}.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
            self.assertGreater(len(self.read_csv(name)), 0)

    def test_intervals_of_the_charts_equal_the_summary(self):
        rows = synthetic.write(self.folder, impls=3, cells=[synthetic.CELLS[0], synthetic.CELLS[12], synthetic.CELLS[-1]], rounds=9)
        report.write(load.load(self.folder))
        echo = [row for row in rows if row["workload"] == "tcp_echo"]
        expected = {"cpu": [row["ratios"]["server_cpu_ns_per_op"] for row in echo], "throughput": [row["ratios"]["ops_per_s"] for row in echo],
                    "others": [row["ratio"] for row in rows if row["workload"] != "tcp_echo"]}
        for chart, ratios in expected.items():
            drawn = sorted((float(r["ratio"]), float(r["low95"]), float(r["high95"]), int(r["rounds"]), r["verdict"])
                           for r in self.read_csv(chart))
            self.assertEqual(drawn, sorted((r["value"], r["low"], r["high"], r["rounds"], r["verdict"]) for r in ratios if r))

    def test_ten_entries_in_all_workloads(self):
        rows = synthetic.write(self.folder, impls=10, cells=len(synthetic.CELLS), rounds=7)
        results = load.load(self.folder)
        self.assertEqual(results.problems(), [])
        self.assertEqual(results.workloads, list(catalogue.WORKLOADS))
        self.assertEqual(report.write(results), list(report.CHARTS))
        shown = {(r["cell"], r["series"]): r for r in self.read_csv("summary")}
        self.assertEqual(len(shown), 10 * len(catalogue.WORKLOADS))
        for row in rows:
            if row["workload"] == "timer_insert_cancel" and row["params"]["live"] == 1_000_000 and row["value"]:
                self.assertEqual(float(shown["timer_insert_cancel: live 1,000,000", row["impl"]]["median"]), row["value"]["median"])

    def test_what_does_not_apply_is_neither_void_nor_zero(self):
        spawn = next(cell for cell in synthetic.CELLS if cell[0] == "spawn_join")
        synthetic.write(self.folder, impls=3, cells=[spawn, synthetic.CELLS[0]], rounds=7)
        results = load.load(self.folder)
        self.assertEqual([s.cell.workload for s in results.voids()], ["tcp_echo"])
        cell = next(cell for cell in results.cells if cell.workload == "spawn_join")
        self.assertEqual((results.of(cell, "raw_epoll"), results.median(cell, "raw_epoll", model.CPU)), ([], None))
        self.assertEqual(results.baseline(cell), "thread_local")
        report.write(results)
        row = next(r for r in self.read_csv("summary") if (r["cell"], r["series"]) == ("spawn_join", "raw_epoll"))
        self.assertEqual((row["median"], row["not_applicable"]), ("", "raw_epoll has no spawn_join"))
        text = (self.folder / "README.md").read_text()
        self.assertIn("- raw_epoll: n/a, raw_epoll has no spawn_join", text)
        self.assertIn("35 samples, 1 void", text)

    def test_bytes_have_verdicts_of_their_own(self):
        synthetic.write(self.folder, impls=9, cells=[synthetic.CELLS[-1]], rounds=15, noise=0.001)
        report.write(load.load(self.folder))
        verdicts = {r["series"]: r["verdict"] for r in self.read_csv("others")}
        self.assertEqual((verdicts["asio"], verdicts["oncelock_global+fine"]), ("larger", "smaller"))
        self.assertIn("| memory B/op |", (self.folder / "README.md").read_text().replace("| entry ", ""))

    def test_an_older_schema_is_refused_with_a_remedy(self):
        synthetic.write(self.folder, impls=2, cells=1, rounds=6)
        summary = json.loads((self.folder / "summary.json").read_text())
        (self.folder / "summary.json").write_text(json.dumps({**summary, "schema": 1}))
        with self.assertRaisesRegex(load.ResultsError, "schema 1.*reads schema 2 only.*remedy"):
            load.load(self.folder)

    def test_a_summary_that_does_not_follow_from_the_samples_is_reported(self):
        synthetic.write(self.folder, impls=2, cells=1, rounds=7)
        self.assertEqual(load.load(self.folder).problems(), [])
        summary = json.loads((self.folder / "summary.json").read_text())
        summary["rows"][1]["ratio"]["high"] *= 0.99
        summary["rows"][0]["value"]["median"] *= 1.01
        (self.folder / "summary.json").write_text(json.dumps(summary))
        results = load.load(self.folder)
        self.assertEqual(len(results.problems()), 2)
        self.assertRegex(results.problems()[0], "server_cpu_ns_per_op of raw_epoll .* doesn't follow")
        self.assertRegex(results.problems()[1], "the ratio of server_cpu_ns_per_op of thread_local .* doesn't follow")
        report.write(results)
        self.assertIn("doesn't follow", (self.folder / "README.md").read_text())

    def test_a_verdict_that_the_correction_does_not_uphold_is_reported(self):
        rows = synthetic.write(self.folder, impls=3, cells=1, rounds=7)
        summary = json.loads((self.folder / "summary.json").read_text())
        verdict = summary["rows"][2]["ratio"]["verdict"]
        summary["rows"][2]["ratio"]["verdict"] = "equivalent" if verdict != "equivalent" else "slower"
        (self.folder / "summary.json").write_text(json.dumps(summary))
        self.assertRegex(load.load(self.folder).problems()[0], f"the verdict on server_cpu_ns_per_op of {rows[2]['impl']} .* doesn't follow")
        del summary["correction"]
        (self.folder / "summary.json").write_text(json.dumps(summary))
        results = load.load(self.folder)
        self.assertEqual(results.problems(), [])  # an older run's verdicts stand for themselves
        report.write(results)
        self.assertIn("Each verdict stands for itself", (self.folder / "README.md").read_text())

    def test_inconclusive_says_what_it_would_take(self):
        synthetic.write(self.folder, impls=2, cells=1, rounds=4)
        report.write(load.load(self.folder))
        text = (self.folder / "README.md").read_text()
        self.assertIn("inconclusive (detectable: 1.031; needed: over 1000 rounds)", text)
        self.assertIn("Holm, over the entries of a cell", text)

    def with_controls(self, excluded):
        """The run with an A/A control and a positive one, and noise."""
        rows = synthetic.write(self.folder, impls=2, cells=1, rounds=9)
        path, cell = self.folder / "samples.jsonl", {name: rows[0][name] for name in ("workload", "params")}
        lines = path.read_text().splitlines()
        again = [json.dumps({**json.loads(line), "impl": "raw_epoll#again"}) for line in lines if '"raw_epoll"' in line]
        path.write_text("\n".join([*lines, *again]) + "\n")
        ratio = {"value": 1.051, "low": 1.04, "high": 1.06, "rounds": 9}
        same = {**cell, "impl": "raw_epoll#again", "ratio": None, "outcome": "n/a", "detectable": None, "note": "no round has both"}
        positive = {**cell, "impl": "thread_local#+5%", "ratio": ratio, "outcome": "found", "detectable": 1.03, "injected": 0.049,
                    "found_on_counts": True}
        summary = json.loads((self.folder / "summary.json").read_text())
        summary["controls"] = {"same": [same], "positive": [positive], "negative": [], "suspicions": ["the moon was full"]}
        summary["noise"] = {"rounds": 9, "unread": ["steal: why"], "limits": {},
                            "excluded": [{**cell, "round": round_, "reasons": ["a hog"]} for round_ in excluded]}
        summary["rows"][1]["validity"] = {"headroom": {"judged": 9, "failed": 2}, "errors": {"judged": 9, "failed": 0}}
        (self.folder / "summary.json").write_text(json.dumps(summary))
        return load.load(self.folder)

    def test_controls_are_in_the_report_and_in_no_chart(self):
        results = self.with_controls(excluded=[])
        self.assertEqual((results.series, results.problems()), (["thread_local", "raw_epoll"], []))
        report.write(results)
        text = (self.folder / "README.md").read_text()
        self.assertIn("**Suspect:** the moon was full", text)
        self.assertRegex(text, r"thread_local#\+5% \| 1\.05\S* \[.*\] \| found \| \+3\.0 % \| 4\.9 % \| yes")
        self.assertIn("| raw_epoll#again | n/a | n/a (no round has both) | n/a |", text)
        self.assertIn("Expected: equivalent. None in this run.", text)
        self.assertIn("- n/a: steal: why", text)
        self.assertIn("- gate `headroom` failed in rounds of: thread_local 2/9", text)
        self.assertNotIn("gate `errors`", text)

    def test_excluded_rounds_count_for_nobody(self):
        before = self.with_controls(excluded=[])
        results = self.with_controls(excluded=[2, 3])
        cell = results.cells[0]
        for series in results.series:
            self.assertEqual({s.round for s in before.of(cell, series)} - {s.round for s in results.of(cell, series)}, {2, 3})
        self.assertTrue(results.problems())  # the summary's figures are those of all rounds
        report.write(results)
        text = (self.folder / "README.md").read_text()
        self.assertIn("2 of 9 rounds are excluded", text)
        self.assertIn("2 rounds excluded", text)
        self.assertRegex(text, "- round 3, tcp_echo: .*: a hog")
        with self.assertRaisesRegex(load.ResultsError, "excluded as noisy"):
            self.with_controls(excluded=range(9))

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
        self.assertEqual(report.write(load.load(self.folder)), ["summary", "latency", "order"])

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
