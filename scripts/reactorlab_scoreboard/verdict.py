"""What an interval says about a prediction, and predictions about a finding. The point alone never decides."""

import math
from dataclasses import dataclass
from statistics import median

from reactorlab_plot.stats import sign_test_rank

CONFIRMED, REFUTED, UNDECIDED, NOT_MEASURED = "confirmed", "refuted", "undecided", "not measured"
VERDICTS = (CONFIRMED, REFUTED, UNDECIDED, NOT_MEASURED)


@dataclass(frozen=True)
class Interval:
    """The median over rounds with its exact sign-test interval; low and high are None where there are too few rounds for one."""
    value: float
    low: float | None
    high: float | None
    rounds: int


def interval(values, level):
    """Of a value for each round; positive ones are looked at in logarithms, where the median of an even number lies in the geometric middle."""
    ordered = sorted(values)
    rank = sign_test_rank(len(ordered), level)
    middle = math.exp(median(map(math.log, ordered))) if ordered[0] > 0 else median(ordered)
    low, high = (ordered[rank - 1], ordered[-rank]) if rank else (None, None)
    return Interval(middle, low, high, len(ordered))


def rounds_for(level):
    """The fewest rounds that have an interval of this level."""
    return next(n for n in range(1, 1000) if sign_test_rank(n, level))


def judge(found, low, high):
    """confirmed: the whole interval is in [low, high]; refuted: none of it is; undecided: some, or there is no interval. None is no bound."""
    if found.low is None:
        return UNDECIDED
    least, most = -math.inf if low is None else low, math.inf if high is None else high
    if least <= found.low and found.high <= most:
        return CONFIRMED
    return REFUTED if found.high < least or found.low > most else UNDECIDED


def of_runs(verdicts):
    """What several runs say about a prediction: they have to agree, but one that couldn't tell doesn't count."""
    decided = {verdict for verdict in verdicts if verdict in (CONFIRMED, REFUTED)}
    if len(decided) == 1:
        return decided.pop()
    return UNDECIDED if decided or UNDECIDED in verdicts else NOT_MEASURED


def of_predictions(verdicts):
    """A finding is confirmed if all its predictions are, and refuted by one that is."""
    if REFUTED in verdicts:
        return REFUTED
    present = set(verdicts)
    return present.pop() if len(present) == 1 else UNDECIDED if present else NOT_MEASURED
