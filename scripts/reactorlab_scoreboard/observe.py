"""What the rounds of stored runs say about predictions."""

import math
from dataclasses import dataclass, field

from reactorlab_plot.model import Results
from reactorlab_plot.stats import LEVEL

from . import verdict
from .definitions import COUNTS
from .verdict import Interval


@dataclass(frozen=True)
class Run:
    """A results folder as it was read, with what the scoreboard needs of its summary."""
    name: str
    results: Results

    def started(self):
        return self.results.provenance.get("started_at", "")

    def series(self, metric, term):
        """({round: value}, why it is empty) of an entry, or of the ratio of two."""
        by_entry = []
        for entry in term.entries:
            values, reason = self._values(metric, term.cell, entry)
            if not values:
                return {}, reason
            by_entry.append(values)
        return _divided(by_entry)

    def _values(self, metric, cell, entry):
        samples = self.results.all_of(cell, entry)
        if not samples:
            return {}, f"no entry {entry} in {cell.label}" if cell in self.results.cells else f"no cell {cell.label}"
        if reason := next((sample.not_applicable for sample in samples if sample.not_applicable), ""):
            return {}, f"{entry}: {reason}"
        sound = [sample for sample in samples if sample.sound]
        values = {sample.round: value for sample in sound if (value := _value(sample, metric)) is not None}
        return values, f"{entry} has no {metric} in {cell.label}" if sound else f"no sample of {entry} in {cell.label} counts"


@dataclass(frozen=True)
class Observation:
    """A prediction in a run: an interval, or why there is none."""
    run: Run
    found: Interval | None
    verdict: str
    reason: str = ""
    foreseen: str = ""  # whether the prediction is older than the run


@dataclass
class Scored:
    """A finding, with its predictions' observations in all runs and what follows."""
    finding: object
    confidence: float | None  # of each interval, so that those of the finding hold together with 95 %
    predictions: list = field(default_factory=list)  # (Prediction, verdict, [Observation])
    verdict: str = verdict.NOT_MEASURED


def score(finding, runs):
    """Judges the finding. The 5 % of error (less where a run stopped by precision) are divided by the number of its intervals, over all runs."""
    raw = [(prediction, run, *_rounds(prediction, run)) for prediction in finding.predictions for run in runs]
    intervals = sum(bool(values) for _, _, values, _ in raw)
    level = 1 - (1 - max((run.results.confidence for run in runs), default=LEVEL)) / intervals if intervals else None
    scored = Scored(finding, level)
    for prediction in finding.predictions:
        seen = [_observation(finding, prediction, run, values, reason, level) for of, run, values, reason in raw if of is prediction]
        scored.predictions.append((prediction, verdict.of_runs([one.verdict for one in seen]), seen))
    scored.verdict = verdict.of_predictions([found for _, found, _ in scored.predictions])
    return scored


def foreseen(written, started):
    """"yes" where the prediction is older than the run, else how it was. A prediction that has only a day is older from the next day on."""
    if not started:
        return "unknown: the run doesn't say when it was"
    if len(written) > 10:
        return "yes" if started[:16] > written[:16] else "no: the run is older"
    return "yes" if started[:10] > written else "on the same day" if started[:10] == written else "no: the run is older"


def _observation(finding, prediction, run, values, reason, level):
    if not values:
        return Observation(run, None, verdict.NOT_MEASURED, reason)
    found = verdict.interval(values, level)
    why = "" if found.low is not None else f"{found.rounds} rounds are too few for an interval of {100 * level:.1f} %: {verdict.rounds_for(level)} are needed"
    return Observation(run, found, verdict.judge(found, prediction.low, prediction.high), why, foreseen(prediction.written or finding.written, run.started()))


def _rounds(prediction, run):
    """([a value for each round], why there is none)."""
    if prediction.missing:
        return [], prediction.missing
    found = []
    for term in prediction.terms():
        values, reason = run.series(prediction.metric, term)
        if not values:
            return [], reason
        found.append(values)
    values, reason = _divided(found)
    return list(values.values()), reason


def _divided(series):
    """The first of one or two series, divided by the second, in the rounds that both have."""
    if len(series) == 1:
        return series[0], ""
    over, under = series
    both = {round_: over[round_] / under[round_] for round_ in over if under.get(round_, 0) > 0 and over[round_] > 0}
    return both, "no round has a ratio: a value is 0, or the rounds differ"


def _value(sample, metric):
    value = (sample.record.get("counts") or {}).get(metric.removeprefix(COUNTS)) if metric.startswith(COUNTS) else sample.value(metric)
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None
