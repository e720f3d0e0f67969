"""Predictions as data: harness/findings/*.json, and the hypotheses of harness/workloads/*.json. What is incomplete or unknown is refused."""

import itertools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from reactorlab_plot import catalogue
from reactorlab_plot.model import CPU, PERCENTILES, RATE, Cell

METRICS = (CPU, RATE, "wall_ns_per_op", "user_bytes_per_op", *PERCENTILES)
COUNTS = "counts."  # and a name: a count per operation
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\dZ)?")


class DefinitionError(Exception):
    """A file of definitions that says nothing that can be checked; the text names it and the remedy."""


@dataclass(frozen=True)
class Term:
    """One entry's metric in a cell, or the ratio of two entries'."""
    cell: Cell
    entries: tuple

    def text(self):
        return f"{' / '.join(self.entries)} in {self.cell.label}"


@dataclass(frozen=True)
class Prediction:
    """`metric` of `term`, divided by that of `against` where there is one, lies in [low, high]. With `missing` there is nothing yet that could
    tell."""
    says: str
    metric: str = ""
    term: Term | None = None
    against: Term | None = None
    low: float | None = None
    high: float | None = None
    because: str = ""
    missing: str = ""
    written: str = ""  # where it is younger than its finding

    def is_ratio(self):
        return self.against is not None or len(self.term.entries) == 2

    def terms(self):
        return [term for term in (self.term, self.against) if term]

    def observed_text(self):
        against = f", divided by that of {self.against.text()}" if self.against else ""
        return f"{self.metric} of {self.term.text()}{against}"

    def bound_text(self):
        if self.low is not None and self.high is not None:
            return f"{number(self.low)} to {number(self.high)}"
        return f"at least {number(self.low)}" if self.high is None else f"at most {number(self.high)}"

    def refuted_text(self):
        sides = [f"below {number(self.low)}"] if self.low is not None else []
        return "the whole interval is " + " or ".join([*sides, *([f"above {number(self.high)}"] if self.high is not None else [])])


@dataclass(frozen=True)
class Finding:
    name: str
    claim: str
    written: str  # a day, or a minute in UTC
    predictions: tuple
    sources: tuple = ()
    miniature: str = ""
    workloads: tuple = ()  # whose hypotheses are about the same
    order: tuple = field(default=())  # of a workload's hypothesis


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def findings(folder):
    """All of the folder, by name. Throws DefinitionError."""
    return [_finding(path) for path in _files(folder)]


def hypotheses(folder, margin):
    """The workloads' hypotheses as findings: of consecutive groups the later is dearer, within a group all are equivalent."""
    found = []
    for path in _files(folder):
        workload = _read(path)
        try:
            hypothesis = workload["hypothesis"]
            predictions = tuple(_relations(workload["metric"], _headline(workload), hypothesis["order"], margin))
            found.append(Finding(workload["name"], hypothesis["because"], hypothesis["written"], predictions,
                                 order=tuple(tuple(group) for group in hypothesis["order"])))
        except (KeyError, TypeError) as error:
            raise DefinitionError(f"{path} lacks {error}; remedy: harness/workloads/README.md says what a definition needs") from None
    return found


def ablations(folder, workloads, margin):
    """What is expected of homes with one choice changed (harness/ablations): dearer or cheaper than, or equivalent to, the unchanged one."""
    metrics = {path.stem: _read(path) for path in _files(workloads)}
    found = []
    for path in _files(folder):
        ablation = _read(path)
        if "left_out" in ablation:
            continue
        try:
            hypothesis = ablation["hypothesis"]
            locking = "" if ablation.get("locking") in (None, "", "coarse") else "+" + ablation["locking"]  # as labels have it
            predictions = tuple(_changed(ablation["name"], home + locking, metrics[workload], word, margin)
                                for workload, word in hypothesis["expected"].items() for home in ablation["varies"])
            found.append(Finding(ablation["name"], hypothesis["because"], hypothesis["written"], predictions))
        except (KeyError, TypeError) as error:
            raise DefinitionError(f"{path} lacks {error}; remedy: harness/ablations/README.md says what a definition needs") from None
    return found


def cells_of(workload):
    """Every combination of parameters that a workload's file names."""
    for given in workload["cells"]:
        axes = [value if isinstance(value, list) else [value] for value in given.values()]
        for values in itertools.product(*axes):
            yield dict(zip(given, values))


def _headline(workload):
    """The cell that stands for it."""
    params = catalogue.headline(workload["name"], list(cells_of(workload)))
    return Cell(workload["name"], tuple(sorted(params.items())))


def _changed(name, home, workload, word, margin):
    """The changed home against itself, by one of three words."""
    bounds = {"dearer": {"low": 1.0}, "cheaper": {"high": 1.0}, "equivalent": {"low": 1 - margin, "high": 1 + margin}}[word]
    than = {"equivalent": "equivalent to"}.get(word, f"{word} than")
    return Prediction(f"{home}~{name} is {than} {home} in {workload['name']}", workload["metric"], Term(_headline(workload), (f"{home}~{name}", home)), **bounds)


def _relations(metric, cell, order, margin):
    for group in order:
        for first, second in itertools.combinations(group, 2):
            yield Prediction(f"{second} is equivalent to {first}", metric, Term(cell, (second, first)), low=1 - margin, high=1 + margin)
    for cheaper, dearer in itertools.pairwise(order):
        for first, second in itertools.product(cheaper, dearer):
            yield Prediction(f"{second} is dearer than {first}", metric, Term(cell, (second, first)), low=1.0)


def _files(folder):
    folder = Path(folder)
    files = sorted(folder.glob("*.json"))
    if not files:
        raise DefinitionError(f"{folder} holds no definition (*.json); remedy: name the folder harness/findings of this repository")
    return files


def _read(path):
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise DefinitionError(f"cannot read {path}: {error.strerror}; remedy: make it readable") from None
    except ValueError as error:
        raise DefinitionError(f"{path} is not JSON ({error}); remedy: mend it") from None
    if not isinstance(content, dict):
        raise DefinitionError(f"{path} is no JSON object; remedy: mend it")
    return content


def _finding(path):
    content = _read(path)
    try:
        _only(content, "name", "claim", "sources", "miniature", "workloads", "written", "predictions")
        if content["name"] != path.stem:
            raise ValueError(f"its name is {content['name']!r}")
        _require_time(content["written"])
        for source in content["sources"]:
            _only(source, "name", "link", "figures", "setting")
        if not content["sources"] or not content["predictions"]:
            raise ValueError("it has no source or no prediction")
        return Finding(content["name"], content["claim"], content["written"], tuple(_prediction(one) for one in content["predictions"]),
                       tuple(content["sources"]), content["miniature"], tuple(content["workloads"]))
    except KeyError as error:
        raise DefinitionError(f"{path} lacks {error}; remedy: harness/findings/README.md says what a definition needs") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise DefinitionError(f"{path}: {error}; remedy: harness/findings/README.md says what a definition needs") from None


def _prediction(content):
    if "missing" in content:
        _only(content, "says", "missing")
        return Prediction(content["says"], missing=content["missing"])
    bounds = [name for name in ("at_least", "at_most") if name in content]
    _only(content, "says", "metric", "cell", "entries", "because", *bounds, *(name for name in ("against", "written") if name in content))
    _require_time(content.get("written", "2026-11-29"))
    against = _term(**content["against"]) if "against" in content else None
    prediction = Prediction(content["says"], content["metric"], _term(content["cell"], content["entries"]), against,
                            content.get("at_least"), content.get("at_most"), content["because"], written=content.get("written", ""))
    if prediction.metric not in METRICS and not prediction.metric.startswith(COUNTS):
        raise ValueError(f"'{prediction.says}': there is no metric {prediction.metric!r}, only {', '.join(METRICS)} and {COUNTS}NAME")
    if not bounds or (len(bounds) == 2 and prediction.low > prediction.high):
        raise ValueError(f"'{prediction.says}' can't be refuted: it has no bound, or an empty range")
    if against and len(against.entries) != len(prediction.term.entries):
        raise ValueError(f"'{prediction.says}' compares a ratio with a value")
    return prediction


def _term(cell, entries):
    _only(cell, "workload", "params")
    if len(entries) not in (1, 2):
        raise ValueError(f"entries are one, or two to divide, not {entries}")
    return Term(Cell(cell["workload"], tuple(sorted(cell["params"].items()))), tuple(entries))


def _require_time(written):
    if not _WRITTEN.fullmatch(written):
        raise ValueError("'written' is no day or minute, as 2026-11-29 or 2026-11-29T11:10Z")


def _only(content, *names):
    """Throws KeyError for what is missing, ValueError for what is unknown."""
    for name in names:
        content[name]
    if unknown := [name for name in content if name not in names]:
        raise ValueError(f"unknown: {', '.join(unknown)}")
