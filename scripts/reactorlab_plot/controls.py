"""What a run says about itself, as the report shows it: its controls, the rounds that it excluded, the gates that failed."""

from . import forest
from .stats import Ratio

KINDS = {"same": "A/A: the same program under two names. Expected: no difference, and equivalent where the detectable effect is below the margin.",
         "positive": "Positive: work injected into each operation. Expected: found where it is above the detectable effect, and in the counts everywhere.",
         "negative": "Negative: the homes where neither reactor nor executor is in the path. Expected: equivalent."}


def section(results):
    """The lines of the section; none for a run that is older than controls."""
    if results.controls is None:
        return []
    lines = ["## Controls", "", "Detectable: what as many rounds find with 95 % probability (docs/METHODOLOGY.md).", ""]
    lines += [f"**Suspect:** {line}" for line in results.controls["suspicions"]] or ["Nothing speaks against this run."]
    for kind, meaning in KINDS.items():
        if rows := results.controls[kind]:
            lines += ["", meaning, "", "| cell | entry | ratio [95 %] | outcome | detectable | injected | in the counts |",
                      "|---|---|---|---|--:|--:|---|", *(_line(results.cell_of(row), row) for row in rows)]
        else:
            lines += ["", f"{meaning} None in this run."]
    return [*lines, "", *_noise(results), ""]


def failed_gates(results, cell):
    """Lines below the table of a cell, one for each gate that failed."""
    by_gate = {}
    for series in results.series:
        row = results.row(cell, series)
        for gate, tally in (row.validity if row else {}).items():
            if tally["failed"]:
                by_gate.setdefault(gate, []).append(f"{series} {tally['failed']}/{tally['judged']}")
    return [f"- gate `{gate}` failed in rounds of: {', '.join(who)}" for gate, who in by_gate.items()]


def _line(cell, row):
    ratio, detectable = row["ratio"], row["detectable"]
    text = forest.ratio_text(Ratio(ratio["value"], ratio["low"], ratio["high"], ratio["rounds"])) if ratio else "n/a"
    outcome = row["outcome"] + (f" ({row['note']})" if row.get("note") else "")
    injected = f"{100 * row['injected']:.1f} %" if "injected" in row else ""
    counts = ("yes" if row["found_on_counts"] else "**no**") if "injected" in row else ""
    found = f"+{100 * (detectable - 1):.1f} %" if detectable else "n/a"
    return f"| {cell.label} | {row['impl']} | {text} | {outcome} | {found} | {injected} | {counts} |"


def _noise(results):
    noise = results.noise
    lines = ["## Noisy rounds", "", f"{len(noise['excluded'])} of {noise['rounds']} rounds are excluded, each for all entries of its cell.", ""]
    lines += [f"- round {one['round']}, {results.cell_of(one).label}: {'; '.join(one['reasons'])}" for one in noise["excluded"]]
    return [*lines, *(f"- n/a: {reason}" for reason in noise["unread"])]
