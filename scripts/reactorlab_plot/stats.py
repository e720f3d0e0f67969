"""The statistics of the report: the median of per-round ratios and its exact sign-test interval.

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
