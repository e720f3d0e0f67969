"""What a results folder says, as the charts ask for it: cells, samples, rows of summary.json."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median

from . import catalogue
from .stats import LEVEL, Ratio, ratio_of_pairs, verdicts

PERCENTILES = {"p50_ns": "p50", "p90_ns": "p90", "p99_ns": "p99", "p999_ns": "p99.9"}
CPU, RATE = "server_cpu_ns_per_op", "ops_per_s"
_CONFIGURATION = ("backend", "locking", "workers")


@dataclass(frozen=True)
class Cell:
    """A workload with its parameters: one row group, one panel."""
    workload: str
    params: tuple

    def __lt__(self, other):
        return self._place() < other._place()

    def _place(self):
        return catalogue.workload_place(self.workload), self.params

    @property
    def label(self):
        """The workload and its parameters in words, without the defaults."""
        return ": ".join(filter(None, (self.workload, self.parameters)))

    @property
    def parameters(self):
        values = dict(self.params)
        parts = []
        if conns := values.pop("conns", None):
            parts.append(f"{conns:,} conn" if conns == 1 else f"{conns:,} conns")
        if payload := values.pop("payload", None):
            parts.append(_size(payload))
        parts += [f"{name} {value:,}" for name, value in values.items() if (name, value) != ("pipeline", 1)]
        return ", ".join(parts)


@dataclass(frozen=True)
class Sample:
    cell: Cell
    series: str
    round: int
    position: int
    record: dict
    void: str  # why the sample doesn't count; empty for one that does
    not_applicable: str  # why the entry has no such thing; such a sample is neither void nor has it numbers
    excluded: bool = False  # its round is noisy, and counts for nobody

    @property
    def sound(self):
        """Only then there are numbers that count."""
        return not self.void and not self.not_applicable and not self.excluded

    def value(self, metric):
        """The metric, by its name in summary.json; None where it wasn't measured. Only of a sound sample."""
        if metric == "user_bytes_per_op":
            return (self.record.get("counts") or {}).get("user_bytes")
        if metric in PERCENTILES:
            return self.record[metric]
        measured = self.record["server_cpu_ns" if metric == CPU else "wall_ns"]
        if measured is None:
            return None
        return self.record["ops"] * 1e9 / measured if metric == RATE else measured / self.record["ops"]


@dataclass(frozen=True)
class Comparison:
    """A ratio of summary.json: a series against the baseline of its cell."""
    ratio: Ratio
    verdict: str
    baseline: str
    outlook: str = ""  # what it would take to know more, behind an inconclusive verdict; older runs don't say


@dataclass(frozen=True)
class Row:
    """A row of summary.json, without its ratios."""
    metric: str
    unit: str  # ns or B
    operation: str
    value: float | None  # the median
    not_applicable: str
    validity: dict = field(default_factory=dict)  # gate -> {judged, failed}; empty in older runs


@dataclass
class Results:
    folder: Path
    samples: list
    damaged: list  # "file:line: reason"
    provenance: dict
    equivalence: float
    correction: str = ""  # what upholds the verdicts; empty where each stands for itself, as in older runs
    partial: bool = False  # the run was interrupted
    left_out: list = field(default_factory=list)  # cells of the standard tier that this run has not
    controls: dict | None = None  # of summary.json, as noise; None in older runs
    noise: dict | None = None
    confidence: float = LEVEL  # of each interval of summary.json; more where the run stopped by precision
    rows: dict = field(default_factory=dict)  # (Cell, series) -> Row
    comparisons: dict = field(default_factory=dict)  # (metric, Cell, series) -> Comparison

    @staticmethod
    def cell_of(record):
        """The Cell that a record names."""
        return Cell(record["workload"], tuple(sorted(record["params"].items())))

    def compared(self, metric, cell, series):
        """The Comparison of summary.json; None for a baseline and where nothing could be compared."""
        return self.comparisons.get((metric, cell, series))

    def row(self, cell, series):
        """The Row, or None where the series has no sample in the cell."""
        return self.rows.get((cell, series))

    @cached_property
    def cells(self):
        return sorted({sample.cell for sample in self.samples})

    @property
    def workloads(self):
        return list(dict.fromkeys(cell.workload for cell in self.cells))

    def headline(self, workload):
        """The cell that speaks for a workload where there is room for one."""
        cells = [cell for cell in self.cells if cell.workload == workload]
        params = catalogue.headline(workload, [dict(cell.params) for cell in cells])
        return next(cell for cell in cells if dict(cell.params) == params)

    @property
    def series(self):
        """Homes, then peers, then the others by name."""
        return sorted({sample.series for sample in self.samples}, key=catalogue.series_place)

    def metric(self, cell):
        """What the cell is about: the Row of any entry says so."""
        return next(row for (of, _), row in self.rows.items() if of == cell)

    def baseline(self, cell):
        """Whom the entries of a cell are compared with; None where nothing was compared."""
        return next((c.baseline for (_, of, _), c in self.comparisons.items() if of == cell), None)

    def of(self, cell, series):
        """The sound samples of a series in a cell, in round order."""
        return [sample for sample in self.all_of(cell, series) if sample.sound]

    def all_of(self, cell, series):
        """Its samples, whether they count or not, in round order."""
        return self._by_place.get((cell, series), [])

    @cached_property
    def _by_place(self):
        places = {}
        for sample in sorted(self.samples, key=lambda sample: sample.round):
            places.setdefault((sample.cell, sample.series), []).append(sample)
        return places

    def values(self, cell, series, metric):
        """The metric in every round that has it, sorted: a percentile with too few messages beyond it is null."""
        return sorted(v for v in (sample.value(metric) for sample in self.of(cell, series)) if v is not None)

    def median(self, cell, series, metric):
        """The median over rounds; None where no round has the metric."""
        values = self.values(cell, series, metric)
        return median(values) if values else None

    def disagreements(self):
        """Where summary.json doesn't follow from the samples: its figures are computed here once more, independently."""
        found = []
        for (cell, series), row in self.rows.items():
            own = self.median(cell, series, row.metric)
            if not (own is row.value is None) and (None in (own, row.value) or abs(own - row.value) > 1e-9 * abs(own)):
                found.append(_disagreement(row.metric, series, cell))
        families = {}
        for (metric, cell, series), comparison in self.comparisons.items():
            base = {sample.round: sample.value(metric) for sample in self.of(cell, comparison.baseline)}
            pairs = [(s.value(metric), base.get(s.round)) for s in self.of(cell, series)]
            pairs = families.setdefault((metric, cell), {})[series] = [pair for pair in pairs if None not in pair]
            own = ratio_of_pairs(pairs, self.confidence)
            if not own or not own.close_to(comparison.ratio):
                found.append(_disagreement(f"the ratio of {metric}", series, cell))
        for (metric, cell), family in families.items() if self.correction else ():
            for series, verdict in verdicts(family, self.equivalence, self.confidence).items():
                if verdict_words(metric).get(verdict, verdict) != self.comparisons[metric, cell, series].verdict:
                    found.append(_disagreement(f"the verdict on {metric}", series, cell))
        return found

    def configuration(self, series):
        """The backend, locking and workers of a series in words."""
        record = next(sample.record for sample in self.samples if sample.series == series)
        return {name: record.get(name) or "n/a" for name in _CONFIGURATION}

    def problems(self):
        """What is wrong with the folder itself, for the reader of the report."""
        return [*(f"skipped {line}" for line in self.damaged), *self.disagreements()]

    def voids(self):
        return [sample for sample in self.samples if sample.void]

    def stalled(self):
        """Sound samples in which the CPUs got well below their share."""
        return [sample for sample in self.samples if sample.sound and sample.record.get("stalled")]

    def rounds(self):
        return len({sample.round for sample in self.samples if sample.sound})


def verdict_words(metric):
    """What less and more of a metric is called."""
    if metric == "user_bytes_per_op":
        return {"less": "smaller", "more": "larger"}
    return {"less": "slower", "more": "faster"} if metric == RATE else {"less": "faster", "more": "slower"}


def scaled(values, unit):
    """(unit, divisor) in which most of these values (ns or B) read best: the figures of a cell keep one unit."""
    middle = median(values) if values else 0
    if unit != "ns" or middle < 1e3:
        return unit, 1
    return ("µs", 1e3) if middle < 1e6 else ("ms", 1e6)


def figure(value):
    """Three significant digits, or the whole number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _disagreement(what, series, cell):
    return f"summary.json: {what} of {series} in {cell.label} doesn't follow from samples.jsonl"


def _size(count):
    return f"{count // 1024} KiB" if count >= 1024 and count % 1024 == 0 else f"{count} B"
