"""Reads a results folder. The layout of its three files is known here, and checked."""

import json
from pathlib import Path

from .model import CPU, RATE, PERCENTILES, Cell, Comparison, Results, Row, Sample
from .stats import LEVEL, Ratio

SCHEMA = 2
_REQUIRED = ("impl", "workload", "params", "round", "position", "ops", "wall_ns", "server_cpu_ns", *PERCENTILES)
_COMPARED = (CPU, RATE, "p50_ns", "p99_ns")


class ResultsError(Exception):
    """A folder that cannot be reported on; the text names cause and remedy."""


def load(folder):
    folder = Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"{folder} is not a folder; remedy: name a folder that `bench run` wrote")
    records, damaged = _read_lines(folder / "samples.jsonl")
    summary = read_summary(folder / "summary.json")
    noisy = {(_cell(one), one["round"]) for one in (summary.get("noise") or {}).get("excluded", ())}
    samples = [Sample(_cell(r), r["impl"], r["round"], r["position"], r, _void_reason(r), r.get("not_applicable") or "",
                      (_cell(r), r["round"]) in noisy) for r in records if not _is_control(r["impl"])]
    if not any(sample.sound for sample in samples):
        reason = next((s.void or s.not_applicable or "all rounds were excluded as noisy" for s in samples), "all are controls")
        raise ResultsError(f"no sample in {folder} counts ({reason}); "
                           "remedy: run the benchmark again")
    _refuse_merged(samples)
    try:
        results = Results(folder, samples, damaged, _read_json(folder / "provenance.json", required=False),
                          summary["equivalence_margin"], summary.get("correction", ""), summary["partial"], [_cell(cell) for cell in summary["left_out"]],
                          summary.get("controls"), summary.get("noise"), (summary.get("precision") or {}).get("confidence", LEVEL))
        for row in summary["rows"]:
            _take_row(results, row)
    except KeyError as error:
        raise ResultsError(f"{folder / 'summary.json'} lacks {error}; remedy: run the benchmark again") from None
    return results


def read_summary(path):
    """summary.json as it stands there; throws ResultsError for another schema."""
    summary = _read_json(path, required=True)
    schema = summary.get("schema")
    if schema != SCHEMA:
        raise ResultsError(f"{path} has schema {schema}, this version reads schema {SCHEMA} only; remedy: run ./bench again, "
                           "or use the scripts of the commit that provenance.json names")
    return summary


def _take_row(results, row):
    cell, series = _cell(row), row["impl"]
    results.rows[cell, series] = Row(row["metric"], row["unit"], row["operation"], row["value"] and row["value"]["median"],
                                     row["not_applicable"] or "", row.get("validity", {}))
    for metric, ratio in {**{name: row["ratios"][name] for name in _COMPARED}, row["metric"]: row["ratio"]}.items():
        if ratio:
            value = Ratio(ratio["value"], ratio["low"], ratio["high"], ratio["rounds"])
            results.comparisons[metric, cell, series] = Comparison(value, ratio["verdict"], ratio["baseline"], _outlook(ratio))


def _outlook(ratio):
    """What it would take to know more; empty where the run doesn't say."""
    if ratio["verdict"] != "inconclusive" or "detectable" not in ratio:
        return ""
    detectable = f"{ratio['detectable']:.3f}" if ratio["detectable"] else "nothing"
    return f"detectable: {detectable}; needed: {ratio['rounds_needed'] or 'over 1000'} rounds"


def _cell(record):
    return Results.cell_of(record)


def _is_control(label):
    """An entry of which is known how it comes out, as "thread_local#+5%": in no chart."""
    return "#" in label


def _void_reason(record):
    if record.get("not_applicable"):
        return ""
    if record.get("void"):
        return str(record["void"])
    if record.get("errors"):
        return f"{record['errors']} errors"
    if not record.get("verified"):
        return "an answer was not verified"
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


def _refuse_merged(samples):
    """Two samples of one series in one round would be paired at random."""
    seen = set()
    for sample in samples:
        place = (sample.cell, sample.series, sample.round)
        if place in seen:
            raise ResultsError(f"samples.jsonl has two samples of {sample.series} in round {sample.round} of {sample.cell.label}; "
                               "remedy: keep one run per folder")
        seen.add(place)
