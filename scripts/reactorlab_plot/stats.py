"""The statistics of the report: the median of per-round ratios, its exact sign-test interval, and verdicts upheld by Holm's correction.
They are bench's (harness/measure/), written once more: scripts/plot shows bench's figures and says where these differ.

The interval is the pair of order statistics x(k), x(n+1-k) with the largest k such that 2 P(Bin(n, 1/2) < k) <= 1 - level.
It assumes independent rounds and nothing about the distribution (nanobench's choice for the same reason)."""

import math
from dataclasses import dataclass
from statistics import median

LEVEL = 0.95


@dataclass(frozen=True)
class Ratio:
    """A ratio with its interval; low and high are None where there are too few rounds for one (fewer than 6)."""
    value: float
    low: float | None
    high: float | None
    rounds: int

    def close_to(self, other):
        """Equal but for rounding."""
        def same(a, b):
            return a == b if None in (a, b) else math.isclose(a, b, rel_tol=1e-9)
        return self.rounds == other.rounds and all(
            same(a, b) for a, b in ((self.value, other.value), (self.low, other.low), (self.high, other.high)))


def sign_test_rank(rounds, level=LEVEL):
    """The k above; 0 when no interval of this level exists."""
    tail, rank = 0.0, 0
    while rank < rounds:
        tail += math.comb(rounds, rank) / 2.0 ** rounds
        if 2.0 * tail > 1.0 - level:
            break
        rank += 1
    return rank


def ratio_of_pairs(pairs, level=LEVEL):
    """The ratio from one (value, baseline value) pair per round, or None without a usable pair."""
    logs = sorted(math.log(value / base) for value, base in pairs if value > 0 and base > 0)
    if not logs:
        return None
    rank = sign_test_rank(len(logs), level)
    low, high = (math.exp(logs[rank - 1]), math.exp(logs[-rank])) if rank else (None, None)
    return Ratio(math.exp(median(logs)), low, high, len(logs))


def interval_of_median(values, level=LEVEL):
    """(low, high) from the order statistics of a sorted list, None where there are too few for one."""
    rank = sign_test_rank(len(values), level)
    return (values[rank - 1], values[-rank]) if rank else None


def p_values(logs, margin):
    """(different, equivalent): sign-test p values of "the median is 0" and of "it is outside the margin", two-sided."""
    def doubled_tail(count):
        return min(1.0, 2 * sum(math.comb(len(logs), i) for i in range(count + 1)) / 2 ** len(logs))
    on_one_side = min(sum(x <= 0 for x in logs), sum(x >= 0 for x in logs))
    outside = max(sum(x < math.log1p(-margin) for x in logs), sum(x > math.log1p(margin) for x in logs))
    return doubled_tail(on_one_side), doubled_tail(outside)


def holm(values):
    """The p values adjusted by Holm's step-down correction, in their order."""
    adjusted, least = [0.0] * len(values), 0.0
    for step, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        least = adjusted[index] = min(1.0, max(least, (len(values) - step) * values[index]))
    return adjusted


def verdicts(family, margin, level=LEVEL):
    """{name: "less", "more", "equivalent" or "inconclusive"} for {name: pairs as above}: a table's entries, judged together."""
    logs = {name: [math.log(value / base) for value, base in pairs if value > 0 and base > 0] for name, pairs in family.items()}
    logs = {name: values for name, values in logs.items() if values}
    different, equivalent = (holm(list(p)) for p in zip(*(p_values(values, margin) for values in logs.values()))) if logs else ([], [])
    found = {}
    for name, p_different, p_equivalent in zip(logs, different, equivalent):
        ratio = ratio_of_pairs(family[name], level)
        found[name] = "inconclusive"
        if ratio.low is None:
            continue
        if 1 - margin <= ratio.low and ratio.high <= 1 + margin:
            if p_equivalent <= 1 - level + 1e-12:
                found[name] = "equivalent"
        elif (ratio.high < 1 or ratio.low > 1) and not 1 - margin <= ratio.value <= 1 + margin and p_different <= 1 - level + 1e-12:
            found[name] = "less" if ratio.high < 1 else "more"
    return found
