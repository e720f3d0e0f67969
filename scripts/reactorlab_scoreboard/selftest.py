"""scripts/scoreboard --self-test: synthetic runs of known truth, and the repository's own definitions."""

import contextlib
import io
import json
import random
import re
import tempfile
import unittest
from pathlib import Path
from statistics import median

from reactorlab_plot import catalogue, load
from reactorlab_plot.model import Cell

from . import cli, definitions, verdict
from .observe import Run, foreseen, score

CPU, WALL = "server_cpu_ns_per_op", "wall_ns_per_op"
ECHO, CHURN = Cell("tcp_echo", (("conns", 64), ("payload", 64), ("pipeline", 1))), Cell("reg_churn", ())
OPERATIONS = 1000


def write_run(folder, truth, rounds=15, scatter=0.01, seed=1, started="2030-01-02T00:00:00Z", changed=None, **summary):
    """A run as `bench run` stores it. truth: {cell: {entry: CPU ns of an operation, or why it has none}}; elapsed time is twice that, turns
    are a hundredth. changed(sample) may spoil a sample before it is stored."""
    rng, samples, rows = random.Random(seed), [], []
    for cell, entries in truth.items():
        for entry, cost in entries.items():
            own = [_sample(rng, cell, entry, cost, round_, scatter) for round_ in range(rounds)]
            for sample in own:
                (changed or (lambda one: None))(sample)
            values = [one["server_cpu_ns"] / one["ops"] for one in own if one["ops"] and _counts(one, summary)]
            rows.append(_row(cell, entry, cost, median(values) if values else None))
            samples += own
    folder.mkdir(parents=True)
    (folder / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    (folder / "summary.json").write_text(json.dumps({"schema": 2, "partial": False, "equivalence_margin": 0.02, "correction": "Holm",
                                                     "left_out": [], "rows": rows, **summary}))
    (folder / "provenance.json").write_text(json.dumps({
        "started_at": started, "machine": {"cpu_model": "Synthetic", "kernel": "Linux 0"}, "build": {"commit": "c" * 40}}))
    return folder


def _counts(sample, summary):
    return not sample.get("void") and sample["round"] not in [one["round"] for one in summary.get("noise", {}).get("excluded", [])]


def _sample(rng, cell, entry, cost, round_, scatter):
    sample = {"impl": entry, **place(cell), "round": round_, "position": 0, "errors": 0, "verified": True,
              "ops": OPERATIONS, "p50_ns": None, "p90_ns": None, "p99_ns": None, "p999_ns": None}
    if isinstance(cost, str):
        return {**sample, "not_applicable": cost, "ops": None, "wall_ns": None, "server_cpu_ns": None}
    spent = cost * OPERATIONS * rng.lognormvariate(0, scatter)
    return {**sample, "server_cpu_ns": spent, "wall_ns": 2 * spent, "p99_ns": 10 * spent / OPERATIONS,
            "counts": {"turns": cost / 100, "kicks": 0.0, "syscalls": None}}


def _row(cell, entry, cost, value):
    reason = cost if isinstance(cost, str) else None
    return {**place(cell), "impl": entry, "metric": CPU, "unit": "ns", "operation": "operation",
            "value": None if value is None else {"median": value}, "not_applicable": reason, "ratio": None,
            "ratios": dict.fromkeys((CPU, "ops_per_s", "p50_ns", "p99_ns"))}


def prediction(entries=("b", "a"), cell=ECHO, metric=CPU, **more):
    """As in a file of definitions."""
    return {"says": "it is so", "metric": metric, "cell": place(cell), "entries": list(entries), "because": "of it", **more}


def place(cell):
    return {"workload": cell.workload, "params": dict(cell.params)}


def finding(*predictions, written="2030-01-01T00:00Z", name="some"):
    return {"name": name, "claim": "It is so.", "sources": [{"name": "x#1", "link": "https://example.org", "figures": "2", "setting": "there"}],
            "miniature": "Smaller.", "workloads": ["tcp_echo"], "written": written, "predictions": list(predictions)}


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="reactorlab-scoreboard-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)

    def define(self, *contents):
        """The findings that these definitions are."""
        folder = Path(tempfile.mkdtemp(dir=self.root))
        for content in contents:
            (folder / f"{content['name']}.json").write_text(json.dumps(content))
        return folder

    def run_of(self, truth, **more):
        return Run("run", load.load(write_run(Path(tempfile.mkdtemp(dir=self.root)) / "run", truth, **more)))

    def scored(self, run, *predictions, **more):
        """(the finding's verdict, its only observation or all of them) in a run or several."""
        runs = run if isinstance(run, list) else [run]
        result = score(definitions.findings(self.define(finding(*predictions, **more)))[0], runs)
        seen = [one for _, _, observations in result.predictions for one in observations]
        return result.verdict, seen[0] if len(seen) == 1 else seen


class Verdicts(Scratch):
    def test_known_truth_is_found(self):
        run = self.run_of({ECHO: {"a": 100.0, "b": 150.0}})
        for bounds, expected in (({"at_least": 1.2}, verdict.CONFIRMED), ({"at_least": 2}, verdict.REFUTED), ({"at_most": 1.2}, verdict.REFUTED),
                                 ({"at_most": 2}, verdict.CONFIRMED), ({"at_least": 1.4, "at_most": 1.6}, verdict.CONFIRMED),
                                 ({"at_least": 1.6, "at_most": 1.9}, verdict.REFUTED), ({"at_least": 1.1, "at_most": 1.3}, verdict.REFUTED)):
            found, seen = self.scored(run, prediction(**bounds))
            self.assertEqual(found, expected, bounds)
            self.assertTrue(seen.found.low < 1.5 < seen.found.high, "this seed's interval holds the truth")

    def test_a_point_never_decides(self):
        interval = verdict.Interval(1.5, 1.1, 1.9, 15)
        self.assertEqual(verdict.judge(interval, 1.2, None), verdict.UNDECIDED)
        self.assertEqual(verdict.judge(interval, None, 1.8), verdict.UNDECIDED)
        self.assertEqual(verdict.judge(interval, 1.2, 1.3), verdict.UNDECIDED)
        self.assertEqual(verdict.judge(interval, 1.1, 1.9), verdict.CONFIRMED)
        found, seen = self.scored(self.run_of({ECHO: {"a": 1.0, "b": 3.0}}, rounds=5), prediction(at_least=1.2))
        self.assertEqual((found, seen.found.low), (verdict.UNDECIDED, None))
        self.assertIn("5 rounds are too few for an interval of 95.0 %: 6 are needed", seen.reason)

    def test_a_truth_on_the_bound_is_seldom_decided(self):
        rng, wrong, trials = random.Random(20), 0, 2000
        for _ in range(trials):
            found = verdict.interval([rng.lognormvariate(0, 0.05) for _ in range(15)], 0.95)
            wrong += verdict.judge(found, 1.0, None) != verdict.UNDECIDED
        self.assertLess(wrong / trials, 0.05)
        self.assertGreater(wrong / trials, 0.02, "the test itself is not idle: an exact interval of 15 rounds misses in 3.5 %")

    def test_the_intervals_of_a_finding_hold_together(self):
        run = self.run_of({ECHO: {"a": 1.0, "b": 3.0}}, rounds=7)
        self.assertEqual(self.scored(run, *[prediction(at_least=1.2)] * 3)[0], verdict.CONFIRMED)
        found, seen = self.scored(run, *[prediction(at_least=1.2)] * 4)  # 2 / 2^7 is more than 5 % / 4
        self.assertEqual(found, verdict.UNDECIDED)
        self.assertIn("8 are needed", seen[0].reason)

    def test_a_run_that_looked_several_times_pays_for_it(self):
        run = self.run_of({ECHO: {"a": 1.0, "b": 3.0}}, rounds=7, precision={"confidence": 0.99})
        self.assertEqual(self.scored(run, prediction(at_least=1.2))[0], verdict.UNDECIDED)

    def test_one_refuted_prediction_refutes_and_all_have_to_be_confirmed(self):
        yes, no, open_, none = verdict.CONFIRMED, verdict.REFUTED, verdict.UNDECIDED, verdict.NOT_MEASURED
        for verdicts, expected in (([yes, yes], yes), ([yes, no, none], no), ([yes, open_], open_), ([yes, none], open_), ([none, none], none),
                                   ([], none)):
            self.assertEqual(verdict.of_predictions(verdicts), expected, verdicts)
        for verdicts, expected in (([yes, none], yes), ([yes, open_], yes), ([yes, no], open_), ([no, open_], no), ([open_, none], open_)):
            self.assertEqual(verdict.of_runs(verdicts), expected, verdicts)


class Observations(Scratch):
    TRUTH = {ECHO: {"a": 100.0, "b": 150.0}, CHURN: {"a": 100.0, "b": 300.0, "c": "c has no such thing"}}

    def test_a_ratio_of_ratios_and_an_entry_in_two_cells(self):
        run = self.run_of(self.TRUTH)
        for entries, expected in ((["b", "a"], 2.0), (["b"], 2.0), (["a"], 1.0)):
            _, seen = self.scored(run, prediction(entries, CHURN, against={"cell": place(ECHO), "entries": entries}, at_least=1))
            self.assertAlmostEqual(seen.found.value, expected, delta=0.02)

    def test_metrics_and_counts(self):
        run = self.run_of(self.TRUTH)
        for metric, expected in ((CPU, 150.0), (WALL, 300.0), ("ops_per_s", 1e9 / 300), ("p99_ns", 1500.0), ("counts.turns", 1.5)):
            _, seen = self.scored(run, prediction(["b"], metric=metric, at_least=0))
            self.assertAlmostEqual(seen.found.value / expected, 1, delta=0.02)
        self.assertEqual(self.scored(run, prediction(["b"], metric="counts.kicks", at_most=0.5))[0], verdict.CONFIRMED)  # a count of 0 is a value

    def test_what_is_missing_is_not_measured_and_says_why(self):
        run = self.run_of(self.TRUTH)
        elsewhere = Cell("tcp_echo", (("conns", 1), ("payload", 64), ("pipeline", 1)))
        for one, reason in ((prediction(cell=elsewhere, at_least=1), "no cell tcp_echo: 1 conn, 64 B"),
                            (prediction(["b", "z"], at_least=1), "no entry z in tcp_echo: 64 conns, 64 B"),
                            (prediction(["c", "a"], CHURN, at_least=1), "c: c has no such thing"),
                            (prediction(metric="counts.syscalls", at_least=1), "b has no counts.syscalls in tcp_echo: 64 conns, 64 B"),
                            (prediction(metric="counts.kicks", at_least=1), "no round has a ratio: a value is 0, or the rounds differ"),
                            ({"says": "it", "missing": "an ablation"}, "an ablation")):
            found, seen = self.scored(run, one)
            self.assertEqual((found, seen.reason, seen.found), (verdict.NOT_MEASURED, reason, None))

    def test_void_samples_and_noisy_rounds_do_not_count(self):
        def spoil(sample):
            if sample["impl"] == "b" and sample["round"] < 8:
                sample["server_cpu_ns"] *= 100
            if sample["impl"] == "b" and sample["round"] < 5:
                sample["void"] = "a hiccup"
        noise = {"excluded": [{**place(ECHO), "round": round_, "reasons": ["a hog"]} for round_ in (5, 6, 7)]}
        _, seen = self.scored(self.run_of({ECHO: self.TRUTH[ECHO]}, rounds=20, changed=spoil, noise=noise), prediction(at_least=1.2))
        self.assertEqual((seen.verdict, seen.found.rounds), (verdict.CONFIRMED, 12))
        all_void = self.run_of({ECHO: self.TRUTH[ECHO]}, changed=lambda sample: sample.update(void="x") if sample["impl"] == "b" else None)
        self.assertEqual(self.scored(all_void, prediction(at_least=1.2))[1].reason, "no sample of b in tcp_echo: 64 conns, 64 B counts")

    def test_ratios_are_of_one_round(self):
        """A drift that both follow isn't in the interval."""
        def drift(sample):
            sample["server_cpu_ns"] *= 1.2 ** sample["round"]
        _, seen = self.scored(self.run_of({ECHO: self.TRUTH[ECHO]}, changed=drift), prediction(at_least=1.4, at_most=1.6))
        self.assertEqual(seen.verdict, verdict.CONFIRMED)

    def test_several_runs_have_to_agree(self):
        dear, cheap, other = (self.run_of({cell: {"a": 100.0, "b": b}}) for cell, b in ((ECHO, 150.0), (ECHO, 90.0), (CHURN, 1.0)))
        self.assertEqual(self.scored([dear, dear], prediction(at_least=1.2))[0], verdict.CONFIRMED)
        self.assertEqual(self.scored([dear, cheap], prediction(at_least=1.2))[0], verdict.UNDECIDED)
        self.assertEqual(self.scored([other, cheap], prediction(at_least=1.2))[0], verdict.REFUTED)

    def test_a_prediction_that_is_younger_than_the_run_is_marked(self):
        self.assertEqual(foreseen("2030-01-01T10:00Z", "2030-01-01T10:01:00Z"), "yes")
        self.assertEqual(foreseen("2030-01-01T10:01Z", "2030-01-01T10:01:30Z"), "no: the run is older")
        self.assertEqual(foreseen("2030-01-01", "2030-01-02T00:00:00Z"), "yes")
        self.assertEqual(foreseen("2030-01-01", "2030-01-01T23:00:00Z"), "on the same day")
        self.assertEqual(foreseen("2030-01-02", "2030-01-01T23:00:00Z"), "no: the run is older")
        self.assertTrue(foreseen("2030-01-02", "").startswith("unknown"))


class Definitions(Scratch):
    def test_what_cannot_be_refuted_or_says_something_unknown_is_refused(self):
        sound = prediction(at_least=1)
        for bad, cause in ((finding(), "no prediction"), (finding(prediction()), "can't be refuted"), (finding(prediction(at_least=2, at_most=1)), "can't be"),
                           (finding({**sound, "metric": "speed"}), "no metric 'speed'"), (finding({**sound, "at_leats": 1}), "unknown: at_leats"),
                           (finding({k: v for k, v in sound.items() if k != "because"}), "lacks 'because'"), (finding({**sound, "entries": []}), "entries"),
                           (finding(prediction(at_least=1, against={"cell": place(CHURN), "entries": ["a"]})), "compares a ratio with a value"),
                           (finding(sound, written="yesterday"), "'written'"), ({**finding(sound), "extra": 1}, "unknown: extra"),
                           ({**finding(sound), "sources": []}, "no source")):
            with self.assertRaisesRegex(definitions.DefinitionError, f"{cause}.*remedy"):
                definitions.findings(self.define(bad))
        (self.root / "broken").mkdir()
        (self.root / "broken/x.json").write_text("{")
        for folder, cause in ((self.root / "broken", "not JSON"), (self.root / "absent", "holds no definition")):
            with self.assertRaisesRegex(definitions.DefinitionError, f"{cause}.*remedy"):
                definitions.findings(folder)

    def test_a_hypothesis_is_its_relations(self):
        content = {"name": "reg_churn", "metric": CPU, "cells": [{}],
                   "hypothesis": {"order": [["a"], ["b", "c"], ["d"]], "because": "of it", "written": "2030-01-01"}}
        folder = self.define(content)
        relations = [one.says for one in definitions.hypotheses(folder, 0.02)[0].predictions]
        self.assertEqual(relations, ["c is equivalent to b", "b is dearer than a", "c is dearer than a", "d is dearer than b", "d is dearer than c"])
        for costs, expected in (({"a": 1.0, "b": 2.0, "c": 2.0, "d": 3.0}, verdict.CONFIRMED), ({"a": 1.0, "b": 2.0, "c": 2.0, "d": 1.5}, verdict.REFUTED),
                                ({"a": 1.0, "b": 2.0, "c": 2.5, "d": 3.0}, verdict.REFUTED), ({"a": 1.0, "b": 2.0, "c": 2.0, "d": 2.0}, verdict.UNDECIDED)):
            run = self.run_of({CHURN: costs}, scatter=0.001)
            self.assertEqual(score(definitions.hypotheses(folder, 0.02)[0], [run]).verdict, expected, costs)

    def test_an_ablation_is_compared_with_its_home(self):
        workloads = self.define({"name": "reg_churn", "metric": CPU, "cells": [{}]})
        expected = {"expected": {"reg_churn": "dearer"}, "because": "of it", "written": "2030-01-01"}
        folder = self.define({"name": "odd", "varies": ["b"], "locking": "fine", "hypothesis": expected}, {"name": "never", "left_out": "no way"})
        found = definitions.ablations(folder, workloads, 0.02)
        self.assertEqual([[one.says for one in each.predictions] for each in found], [["b+fine~odd is dearer than b+fine in reg_churn"]])
        for cost, verdict_ in ((2.0, verdict.CONFIRMED), (0.5, verdict.REFUTED)):
            self.assertEqual(score(found[0], [self.run_of({CHURN: {"b+fine": 1.0, "b+fine~odd": cost}})]).verdict, verdict_)

    def test_the_repositorys_own_definitions_name_what_there_is(self):
        workloads = {path.stem: json.loads(path.read_text()) for path in (cli.ROOT / "harness/workloads").glob("*.json")}
        self.assertEqual({one.name for one in definitions.hypotheses(cli.ROOT / "harness/workloads", 0.02)}, set(workloads))
        for one in definitions.findings(cli.ROOT / "harness/findings"):
            self.assertLessEqual(set(one.workloads), set(workloads), one.name)
            for source in one.sources:
                self.assertTrue(source["link"].startswith("https://") or (cli.ROOT / source["link"]).exists(), source)
            for term in [term for prediction in one.predictions for term in prediction.terms()]:
                self.assertIn(dict(term.cell.params), list(definitions.cells_of(workloads[term.cell.workload])), one.name)
                for entry in term.entries:
                    self.assertTrue(_exists(entry), f"{one.name}: {entry}")


def _exists(entry):
    """Whether the repository has such an entry."""
    if entry.startswith("engine:"):
        return entry in catalogue.ENGINES
    impl, _, shape = re.split("[+@~]", entry)[0].partition(":")
    if "+" in entry and impl not in ("arc_mutex", "oncelock_global"):
        return False
    return (cli.ROOT / "impls" / impl).is_dir() and (not shape or (cli.ROOT / "impls" / impl / f"shape_{shape}.cpp").exists())


class Page(Scratch):
    def setUp(self):
        super().setUp()
        self.findings, self.workloads, self.out = self.root / "harness/findings", self.root / "harness/workloads", self.root / "results/scoreboard"
        for folder in (self.findings, self.workloads):
            folder.mkdir(parents=True)
            (folder / "README.md").write_text("x")
        self.good = finding(prediction(at_least=1.2), name="good")
        self.bad = finding(prediction(at_least=2), prediction(at_most=1.9), {"says": "more", "missing": "an ablation"}, name="bad", written="2031-01-01")
        for one in (self.good, self.bad):
            (self.findings / f"{one['name']}.json").write_text(json.dumps(one))
        (self.workloads / "tcp_echo.json").write_text(json.dumps({
            "name": "tcp_echo", "metric": CPU, "cells": [{"pipeline": 1, "payload": 64, "conns": [1, 64]}],
            "hypothesis": {"order": [["b"], ["a"]], "because": "of it", "written": "2029-01-01"}}))
        (self.root / "harness/ablations").mkdir()
        (self.root / "harness/ablations/odd.json").write_text(json.dumps({
            "name": "odd", "varies": ["b"], "hypothesis": {"expected": {"tcp_echo": "cheaper"}, "because": "of it", "written": "2029-01-01"}}))
        self.run_folder = write_run(self.root / "results/x", {ECHO: {"a": 100.0, "b": 150.0, "b~odd": 180.0}})

    def call(self, *words):
        """(status, what was said on standard error)."""
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            status = cli.work(cli.parse([str(word) for word in words]), self.root)
        return status, errors.getvalue()

    def text(self):
        return (self.out / "README.md").read_text()

    def test_it_says_what_was_right_and_what_was_wrong(self):
        self.assertEqual(self.call(self.run_folder), (0, ""))
        text = self.text()
        self.assertIn("Findings: 1 confirmed, 1 refuted. [Workloads](#hypotheses-of-the-workloads): 1 refuted.", text)
        self.assertRegex(text, r"\| \[good\]\(#good\) \| It is so\. \| 1 confirmed \| \*\*confirmed\*\* \|")
        self.assertRegex(text, r"\| \[bad\]\(#bad\) \| It is so\. \| 1 confirmed, 1 refuted, 1 not measured \| \*\*refuted\*\* \|")
        wrong = text[text.index("## Where we were wrong"):text.index("## bad")]
        self.assertRegex(wrong, r"\[bad\]\(#bad\): it is so\. Expected at least 2, found 1\.\d+ \[1\.\d+, 1\.\d+\] \(the run is older\)\.")
        self.assertRegex(wrong, r"hypothesis of \[tcp_echo\].*: a is dearer than b\. Found 0\.\d+ \[0\.\d+, 0\.\d+\]")
        self.assertRegex(wrong, r"hypothesis of \[odd\].*: b~odd is cheaper than b in tcp_echo\. Found 1\.[12]\d+ ")
        self.assertNotIn("good", wrong)
        self.assertIn("| more |  |  |  | n/a: an ablation |  |  | not measured |", text)
        self.assertIn("the whole interval is below 1.2", text)
        self.assertIn("no: the run is older", text)
        self.assertIn("](https://example.org)", text)

    def test_it_has_the_runs_provenance(self):
        self.call(self.run_folder)
        document = json.loads((self.out / "scoreboard.json").read_text())
        self.assertEqual(document["runs"][0]["folder"], "results/x")
        self.assertEqual(document["runs"][0]["commit"], "c" * 40)
        self.assertIn("| [x](../x) | 2030-01-02T00:00:00Z | cccccccccccc | Synthetic | Linux 0 | 15 | n/a: the run has none |", self.text())
        good = next(one for one in document["findings"] if one["name"] == "good")
        self.assertEqual((good["verdict"], good["predictions"][0]["observations"][0]["foreseen"]), ("confirmed", "yes"))

    def test_a_suspect_run_is_called_so(self):
        controls = {"same": [], "positive": [], "negative": [], "suspicions": ["the moon was full"]}
        self.call(write_run(self.root / "results/y", {ECHO: {"a": 100.0, "b": 150.0}}, controls=controls))
        self.assertIn("| the moon was full |", self.text())

    def test_every_link_leads_somewhere(self):
        self.call(self.run_folder)
        for target in re.findall(r"\]\(([^)#]+)\)", self.text()):
            self.assertTrue(target.startswith("https://") or (self.out / target).exists(), target)
        headings = re.findall(r"^## (.+)$", self.text(), re.M)
        for anchor in re.findall(r"\]\(#([^)]+)\)", self.text()):
            self.assertIn(anchor, [heading.lower().replace(" ", "-") for heading in headings])

    def test_check_tells_a_fresh_page_from_a_stale_one(self):
        status, said = self.call("--check")
        self.assertEqual(status, 1)
        self.assertRegex(said, "nothing to check; remedy")
        self.call(self.run_folder)
        self.assertEqual(self.call("--check"), (0, ""))
        (self.findings / "good.json").write_text(json.dumps({**self.good, "claim": "It never was."}))
        self.assertEqual(self.call("--check")[0], 1)

    def test_unreadable_runs_are_refused_and_nothing_is_written(self):
        truth = {ECHO: {"a": 100.0, "b": 150.0}}
        altered = write_run(self.root / "altered", truth)
        summary = json.loads((altered / "summary.json").read_text())
        summary["rows"][0]["value"]["median"] *= 1.01
        (altered / "summary.json").write_text(json.dumps(summary))
        lost = write_run(self.root / "lost", truth)
        (lost / "samples.jsonl").unlink()
        for folder, cause in (([self.root / "absent"], "not a folder"), ([write_run(self.root / "partial", truth, partial=True)], "interrupted"),
                              ([write_run(self.root / "old", truth, schema=1)], "schema 1"), ([altered], "doesn't follow from samples"),
                              ([lost], "missing"), ([self.run_folder, self.run_folder], "two runs are called x")):
            status, said = self.call(*folder)
            self.assertEqual(status, 1)
            self.assertRegex(said, f"scoreboard: .*{cause}.*; remedy: ")
        self.assertFalse(self.out.exists())

    def test_it_is_the_same_every_time(self):
        self.call(self.run_folder)
        before = self.text()
        self.call(self.run_folder)
        self.assertEqual(self.text(), before)


def run():
    """0 if every check holds, 1 otherwise."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__, fromlist=["run"]))
    return 0 if unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful() else 1
