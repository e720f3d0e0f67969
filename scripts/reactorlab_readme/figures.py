"""The published figures as the tables of README.md ask for them, from summary.json and counts.json."""

import json

from reactorlab_plot import catalogue
from reactorlab_plot.load import ResultsError, read_summary
from reactorlab_plot.model import Cell, figure, scaled


class Refused(Exception):
    """Why nothing is generated; the text names cause and remedy."""


def read(path, remedy):
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}; remedy: {remedy}") from None
    except ValueError as error:
        raise Refused(f"{path} is not JSON ({error}); remedy: {remedy}") from None


def load_summary(results):
    try:
        summary = read_summary(results / "summary.json")
    except ResultsError as error:
        raise Refused(str(error)) from None
    if summary["partial"]:
        raise Refused(f"{results}: the run was interrupted, so it isn't published; remedy: bench run --resume={results}")
    return summary


def load_counts(path, required):
    """{entry: costs}; empty if there is no file and none was named."""
    if not path.exists() and not required:
        return {}
    counts, headline = read(path, "make it with scripts/counts --json FILE"), catalogue.HEADLINES["tcp_echo"]
    if counts["params"] != headline or counts["workers"] != 1:
        raise Refused(f"{path} counts {counts['params']} with {counts['workers']} workers, the table needs {headline} with one; "
                      "remedy: run scripts/counts without --conns, --payload and --workers")
    return {row["server"]: row for row in counts["rows"]}


class Figures:
    """One cell for each workload, entries with one worker."""

    def __init__(self, summary, counts):
        self._counts, self._rows, self._params = counts, {}, {}
        rows = [row for row in summary["rows"] if row["workers"] == 1]
        for workload in {row["workload"] for row in rows}:
            here = [row for row in rows if row["workload"] == workload]
            self._params[workload] = catalogue.headline(workload, [row["params"] for row in here])
            self._rows[workload] = {row["impl"]: row for row in here if row["params"] == self._params[workload]}
        if self._params.get("tcp_echo") != catalogue.HEADLINES["tcp_echo"]:
            raise Refused(f"summary.json has no tcp_echo with {catalogue.HEADLINES['tcp_echo']} and one worker; "
                          "remedy: run ./bench --tier=standard")

    def entries(self):
        return sorted(self._rows["tcp_echo"], key=catalogue.series_place)

    def homes(self):
        return [entry for entry in self.entries() if catalogue.impl_of(entry) in catalogue.HOMES]

    def parameters(self, workload):
        """The cell's parameters in words; empty where it has none, or isn't in this run."""
        return Cell(workload, tuple(sorted(self._params.get(workload, {}).items()))).parameters

    def cost(self, workload, entry):
        """The median, in ns or bytes; None where there is none."""
        row = self._rows.get(workload, {}).get(entry)
        return row["value"]["median"] if row and row["value"] else None

    def column(self, workload):
        """(unit, {entry: text}) of a workload for a table; the unit is None where the run hasn't the workload."""
        rows = self._rows.get(workload, {})
        costs = {entry: self.cost(workload, entry) for entry in self.entries()}
        unit, divisor = scaled([cost for cost in costs.values() if cost is not None], next(iter(rows.values()))["unit"] if rows else None)
        return unit, {entry: "n/a" if cost is None else figure(cost / divisor) for entry, cost in costs.items()}

    def ratio(self, entry, workload="tcp_echo"):
        """Of server CPU per echoed message, to the baseline; None for that itself, and for who or what isn't in the run."""
        row = self._rows.get(workload, {}).get(entry)
        return row["ratios"]["server_cpu_ns_per_op"] if row else None

    def counted(self, entry, name):
        """A count per echoed message; None where it wasn't counted."""
        return self._counts.get(entry, {}).get(name)

    def is_least(self, entry, value_of):
        """Whether every home has the figure, and none a smaller one than this."""
        values = {home: value_of(home) for home in self.homes()}
        return None not in values.values() and values.get(entry) == min(values.values())
