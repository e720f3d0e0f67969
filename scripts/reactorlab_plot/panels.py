"""Charts with one panel per cell: latency percentiles, and every sample in the order of the run."""

import math
from statistics import median

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from . import style
from .model import PERCENTILES, scaled

PANEL, PANEL_GAP, COLUMN_GAP, LEFT = 2.1, 0.66, 0.65, 0.65  # inches
VOID = {"color": "#CC0000", "marker": "x", "linestyle": "none", "markersize": 7, "markeredgewidth": 2, "clip_on": False}
STALLED = {"color": style.INK, "marker": "o", "linestyle": "none", "markersize": 10, "fillstyle": "none"}


def latency(results, folder, footer):
    """Median over rounds of each sample's percentile, with the range over rounds as a thin bar."""
    cells = [cell for cell in results.cells if any(results.values(cell, series, name) for series in results.series for name in PERCENTILES)]
    if not cells:
        return None
    looks = style.looks(results.series)
    subtitle = ("closed loop: from one request's send to its answer, so a stalled server is asked less often; compare shapes, "
                "don't size a service by it\nmarker: median over rounds   ·   thin bar: lowest to highest round   ·   microseconds, logarithmic scale")
    page, grid = _page("Latency percentiles", subtitle, results, cells, looks, line="none")
    table = [["cell", "series", "percentile", "median_ns", "min_ns", "max_ns", "rounds"]]
    for cell, axes in zip(cells, grid):
        present = [series for series in results.series if results.of(cell, series)]
        for index, series in enumerate(present):
            offset = (index - (len(present) - 1) / 2) * 0.8 / len(present)
            for x, (name, label) in enumerate(PERCENTILES.items()):
                values = results.values(cell, series, name)
                if not values:
                    continue
                middle = median(values)
                table.append([cell.label, series, label, middle, values[0], values[-1], len(values)])
                axes.plot([x + offset] * 2, [values[0] / 1e3, values[-1] / 1e3], color=looks[series].colour, linewidth=1.1, alpha=0.8)
                axes.plot([x + offset], [middle / 1e3], linestyle="none", zorder=3, **looks[series].points(5))
        for boundary in range(1, len(PERCENTILES)):
            axes.axvline(boundary - 0.5, color=style.GRID, linewidth=0.8)
        axes.set_xlim(-0.5, len(PERCENTILES) - 0.5)
        axes.set_xticks(range(len(PERCENTILES)), PERCENTILES.values())
        _time_axis(axes)
    page.save(folder, "latency", footer)
    return table


def order(results, folder, footer):
    """Every sample at its place in the run: drift, outliers and void samples stay visible."""
    looks = style.looks(results.series)
    subtitle = ("the workload's metric per operation, one marker per sample, from left to right as they ran\n"
                "a slope that all series share is drift of the machine; ratios are taken within a round, where it cancels")
    extra = [Line2D([], [], label="void: no number", **VOID)] if results.voids() else []
    extra += [Line2D([], [], label="CPUs below their share", **STALLED)] if results.stalled() else []
    page, grid = _page("In the order of the run", subtitle, results, results.cells, looks, line="-", extra=extra)
    table = [["cell", "metric", "round", "position", "series", "value", "stalled", "void", "not_applicable"]]
    for cell, axes in zip(results.cells, grid):
        table += _order_panel(results, axes, cell, looks)
    page.save(folder, "order", footer)
    return table


def _order_panel(results, axes, cell, looks):
    """Draws one and returns its rows of the csv."""
    metric = results.metric(cell)
    samples = sorted((s for s in results.samples if s.cell == cell), key=lambda s: (s.round, s.position))
    first = min(s.position for s in samples)
    slots = max(s.position for s in samples) - first + 1
    place = {id(s): s.round + (s.position - first + 0.5) / slots * 0.8 + 0.1 for s in samples}
    value = {id(s): v for s in samples if s.sound and (v := s.value(metric.metric)) is not None}
    unit, divisor = scaled(list(value.values()), metric.unit)

    def points(chosen):
        return [place[id(s)] for s in chosen], [value[id(s)] / divisor for s in chosen]
    for series in results.series:
        own = [s for s in results.of(cell, series) if id(s) in value]
        axes.plot(*points(own), linestyle="-", linewidth=0.7, **looks[series].points(4))
    axes.plot(*points([s for s in results.stalled() if id(s) in value]), **STALLED)
    voids = [place[id(s)] for s in samples if s.void]
    axes.plot(voids, [0.03] * len(voids), transform=axes.get_xaxis_transform(), zorder=4, **VOID)
    rounds = sorted({s.round for s in samples})
    for start in range(rounds[0], rounds[-1] + 2):
        axes.axvline(start, color=style.GRID, linewidth=0.5, zorder=0)
    axes.set_xlim(rounds[0], rounds[-1] + 1)
    shown = rounds[::math.ceil(len(rounds) / 12)]
    axes.set_xticks([r + 0.5 for r in shown], [str(r) for r in shown])
    axes.margins(y=0.12)
    axes.grid(axis="y", color=style.GRID, linewidth=0.6)
    axes.set_xlabel("round", size=9, labelpad=1)
    axes.set_title(unit, size=9, loc="right", color=style.MUTED, pad=6)
    return [[cell.label, metric.metric, s.round, s.position, s.series, value.get(id(s)), s.record.get("stalled", False), s.void, s.not_applicable]
            for s in samples]


def _page(title, subtitle, results, cells, looks, line, extra=()):
    """(page, axes per cell): two columns of panels under a shared legend; a single cell takes the whole width."""
    columns = min(2, len(cells))
    rows = math.ceil(len(cells) / columns)
    handles = [*series_handles(results.series, looks, line), *extra]
    page = style.Page(title, subtitle, rows * (PANEL + PANEL_GAP) + 0.1, header_extra=style.legend_height(handles) + 0.28)
    page.legend(handles, 0.92)
    width = (style.PAGE_WIDTH - LEFT - 0.2 - COLUMN_GAP * (columns - 1)) / columns
    grid = []
    for index, cell in enumerate(cells):
        column, row = index % columns, index // columns
        axes = page.axes(LEFT + column * (width + COLUMN_GAP), row * (PANEL + PANEL_GAP), width, PANEL)
        axes.set_title(cell.label, size=10, weight="bold", loc="left", pad=6)
        axes.tick_params(labelsize=9)
        grid.append(axes)
    return page, grid


def series_handles(series, looks, line):
    return [Line2D([], [], linestyle=line, linewidth=0.9, label=name, **looks[name].points(7)) for name in series]


def _time_axis(axes):
    """A log axis in microseconds with plain numbers; intermediate labels where it spans less than two decades."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    low, high = low / 1.15, high * 1.15
    axes.set_ylim(low, high)
    subs = (1, 2, 5) if high / low < 300 else (1,)
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=subs))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y", color=style.GRID, linewidth=0.6)
