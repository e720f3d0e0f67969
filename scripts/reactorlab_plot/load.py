"""Reads a results folder. Everything that knows the names inside the three files is here."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from .stats import Ratio, ratio_of_pairs

PERCENTILES = {"p50_ns": "p50", "p90_ns": "p90", "p99_ns": "p99", "p999_ns": "p99.9"}
HOMES = ("thread_local", "arc_mutex", "oncelock_global", "dedicated_thread")  # in the order of every table and chart
_REQUIRED = ("impl", "workload", "params", "round", "position", "ops", "wall_ns", "server_cpu_ns", *PERCENTILES)
_CONFIGURATION = ("backend", "locking", "workers")


class ResultsError(Exception):
    """A folder that cannot be reported on; the text names cause and remedy."""


@dataclass(frozen=True, order=True)
class Cell:
    """A workload with its parameters: one row group, one panel."""
    workload: str
    params: tuple

    @property
    def label(self):
        """The workload and its parameters in words, without the defaults."""
        return ": ".join(filter(None, (self.workload, self.parameters)))

    @property
    def parameters(self):
        values = dict(self.params)
        parts = []
        if conns := values.pop("conns", None):
            parts.append(f"{conns} conn" if conns == 1 else f"{conns} conns")
        if payload := values.pop("payload", None):
            parts.append(_size(payload))
        parts += [f"{name} {value}" for name, value in values.items() if (name, value) != ("pipeline", 1)]
        return ", ".join(parts)


@dataclass(frozen=True)
class Sample:
    cell: Cell
    series: str
    round: int
    position: int
    record: dict
    void: str  # why the sample does not count; empty for a sound one, and only then there are numbers

    @property
    def cpu_per_op(self):
        """Nanoseconds of server CPU time per operation."""
        return self.record["server_cpu_ns"] / self.record["ops"]

    @property
    def ops_per_second(self):
        return self.record["ops"] * 1e9 / self.record["wall_ns"]


@dataclass(frozen=True)
class Comparison:
    """A ratio of summary.json: a series against the baseline of its cell."""
    ratio: Ratio
    verdict: str
    baseline: str


# Metric -> (its value in a sample, where summary.json keeps its ratio within a row).
METRICS = {
    "server_cpu_ns_per_op": (lambda sample: sample.cpu_per_op, lambda row: row.get("ratio")),
    "ops_per_s": (lambda sample: sample.ops_per_second, lambda row: row.get("ratios", {}).get("ops_per_s")),
}


@dataclass
class Results:
    folder: Path
    samples: list
    damaged: list  # "file:line: reason"
    provenance: dict
    equivalence: float
    partial: bool = False  # the run was interrupted
    left_out: list = field(default_factory=list)  # cells of the standard tier that this run has not
    comparisons: dict = field(default_factory=dict)  # (metric, Cell, series) -> Comparison

    def compared(self, metric, cell, series):
        """The Comparison of summary.json; None for a baseline and where nothing could be compared."""
        return self.comparisons.get((metric, cell, series))

    @property
    def cells(self):
        return sorted({sample.cell for sample in self.samples})

    @property
    def workloads(self):
        return sorted({cell.workload for cell in self.cells})

    def label(self, cell):
        """The label of a cell on a chart, where a single workload stands in the title already."""
        return (cell.parameters if len(self.workloads) == 1 else "") or cell.label

    @property
    def series(self):
        """The baseline first, then the homes, then the others by name."""
        def place(name):
            impl = name.partition("+")[0]
            return name != self.baseline, HOMES.index(impl) if impl in HOMES else len(HOMES), name
        return sorted({sample.series for sample in self.samples}, key=place)

    @property
    def baseline(self):
        """The baseline of most cells: it gets the baseline's look on every chart. Where nothing was compared, what would have been."""
        names = [comparison.baseline for comparison in self.comparisons.values()]
        return max(sorted(set(names)), key=names.count) if names else "raw_epoll"

    def of(self, cell, series):
        """The sound samples of a series in a cell, in round order."""
        chosen = [s for s in self.samples if s.cell == cell and s.series == series and not s.void]
        return sorted(chosen, key=lambda sample: sample.round)

    def values(self, cell, series, value):
        """value(sample) of every round that has one, sorted: a percentile with too few samples beyond it is null."""
        return sorted(v for v in (value(sample) for sample in self.of(cell, series)) if v is not None)

    def median(self, cell, series, value):
        """The median over rounds of value(sample); None where no round has one."""
        values = self.values(cell, series, value)
        return median(values) if values else None

    def disagreements(self):
        """Where summary.json doesn't follow from the samples: its ratios are computed here once more, independently."""
        found = []
        for (metric, cell, series), comparison in self.comparisons.items():
            value = METRICS[metric][0]
            base = {sample.round: value(sample) for sample in self.of(cell, comparison.baseline)}
            own = ratio_of_pairs([(value(s), base[s.round]) for s in self.of(cell, series) if s.round in base])
            if not own or not own.close_to(comparison.ratio):
                found.append(f"summary.json: {metric} of {series} in {cell.label} doesn't follow from samples.jsonl")
        return found

    def configuration(self, series):
        """The backend, locking and workers of a series in words."""
        record = next(sample.record for sample in self.samples if sample.series == series)
        return {name: record.get(name) or "n/a" for name in _CONFIGURATION}

    def problems(self):
        """What is wrong with the folder itself, for the reader of the report."""
        return [*(f"skipped {line}" for line in self.damaged), *self.disagreements()]

    def stalled(self):
        """Sound samples in which the CPUs got well below their share."""
        return [sample for sample in self.samples if not sample.void and sample.record.get("stalled")]

    def rounds(self):
        return len({sample.round for sample in self.samples if not sample.void})


def _size(count):
    return f"{count // 1024} KiB" if count >= 1024 and count % 1024 == 0 else f"{count} B"


def _void_reason(record):
    if record.get("void"):
        return str(record["void"])
    if record.get("errors"):
        return f"{record['errors']} errors"
    if not record.get("verified"):
        return "an echo was not verified"
    if not record["ops"] or not record["wall_ns"]:
        return "no operation completed"
    return ""


def _read_json(path, required):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        if not required:
            return {}
        raise ResultsError(f"{path} is missing; remedy: let `bench run` finish, it writes this file last") from None
    except ValueError as error:
        raise ResultsError(f"{path} is not JSON ({error}); remedy: run the benchmark again") from None


def _read_lines(path):
    """(records, damaged): every line of samples.jsonl that carries what the charts need, and the others by name."""
    records, damaged = [], []
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        raise ResultsError(f"{path} is missing; remedy: name a folder that `bench run` wrote") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            damaged.append(f"{path.name}:{number}: not JSON ({error})")
            continue
        if defect := _defect(record):
            damaged.append(f"{path.name}:{number}: {defect}")
        else:
            records.append(record)
    if not records:
        raise ResultsError(f"{path} holds no usable sample; remedy: name a folder with a finished `bench run`")
    return records, damaged


def _defect(record):
    """Why this value is no sample; empty for one."""
    if not isinstance(record, dict):
        return "not an object"
    if missing := [name for name in _REQUIRED if name not in record]:
        return f"lacks {', '.join(missing)}"
    numbers = {name: record[name] for name in _REQUIRED if name not in ("impl", "workload", "params")}
    if wrong := [name for name, value in numbers.items() if value is not None and not isinstance(value, (int, float))]:
        return f"no number: {', '.join(wrong)}"
    if not isinstance(record["params"], dict) or record["round"] is None or record["position"] is None:
        return "no place in the run (params, round, position)"
    return ""


def _cell(record):
    return Cell(record["workload"], tuple(sorted(record["params"].items())))


def load(folder):
    folder = Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"{folder} is not a folder; remedy: name a folder that `bench run` wrote")
    records, damaged = _read_lines(folder / "samples.jsonl")
    samples = [Sample(_cell(r), r["impl"], r["round"], r["position"], r, _void_reason(r)) for r in records]
    if all(sample.void for sample in samples):
        raise ResultsError(f"every sample in {folder} is void ({samples[0].void}); remedy: run the benchmark again")
    summary = _read_json(folder / "summary.json", required=True)
    _refuse_merged(samples)
    try:
        results = Results(folder, samples, damaged, _read_json(folder / "provenance.json", required=False),
                          summary["equivalence_margin"], summary.get("partial", False),
                          [_cell(cell) for cell in summary.get("left_out", [])])
        for row in summary["rows"]:
            for metric, (_, ratio_of) in METRICS.items():
                if ratio := ratio_of(row):
                    value = Ratio(ratio["value"], ratio["low"], ratio["high"], ratio["rounds"])
                    results.comparisons[(metric, _cell(row), row["impl"])] = Comparison(value, ratio["verdict"], ratio["baseline"])
    except KeyError as error:
        raise ResultsError(f"{folder / 'summary.json'} lacks {error}; remedy: run the benchmark again") from None
    return results


def _refuse_merged(samples):
    """Two samples of one series in one round would be paired at random."""
    seen = set()
    for sample in samples:
        place = (sample.cell, sample.series, sample.round)
        if place in seen:
            raise ResultsError(f"samples.jsonl has two samples of {sample.series} in round {sample.round} of {sample.cell.label}; "
                               "remedy: keep one run per folder")
        seen.add(place)
