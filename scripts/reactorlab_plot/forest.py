"""Forest plots of ratios, two panels beside each other. Each chart function draws one file pair and returns the csv behind it,
header first; None when nothing was compared with a baseline."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from . import style
from .model import CPU, RATE

GLYPHS = {"faster": "▲", "smaller": "▲", "slower": "▼", "larger": "▼", "equivalent": "=", "inconclusive": "?"}
VERDICT_KEY = "▲ faster, smaller   ▼ slower, larger   = equivalent   ? inconclusive"
ROW, HEADING, AXIS = 0.225, 0.34, 0.40  # inches: a row, a panel's heading, its axis
FIGURES, GAP = 1.72, 0.2  # inches: right of a panel for its figures; between columns
REACH = 1.25  # an interval that leaves the points' range by more than this factor ends in an arrow


def ratio_text(ratio):
    interval = f"[{ratio.low:.3f}, {ratio.high:.3f}]" if ratio.low is not None else f"[n/a: {ratio.rounds} rounds]"
    return f"{ratio.value:.3f} {interval}"


def cpu(results, folder, footer):
    return _forest(results, folder, footer, "cpu", "tcp_echo: server CPU per message", _echo(results), lambda cell: CPU, "left of 1 is cheaper")


def throughput(results, folder, footer):
    return _forest(results, folder, footer, "throughput", "tcp_echo: throughput", _echo(results), lambda cell: RATE,
                   "right of 1 is more; a joint figure of server and load generator")


def others(results, folder, footer):
    """Every workload but the echo by its own metric, each panel with a scale of its own."""
    cells = [cell for cell in results.cells if cell.workload != "tcp_echo"]
    return _forest(results, folder, footer, "others", "The other workloads: cost per operation", cells,
                   lambda cell: results.metric(cell).metric, "left of 1 is less", own_scales=True)


def _echo(results):
    return [cell for cell in results.cells if cell.workload == "tcp_echo"]


def _forest(results, folder, footer, name, title, cells, metric_of, direction, own_scales=False):
    panels = [(cell, [(series, results.compared(metric_of(cell), cell, series)) for series in results.series]) for cell in cells]
    panels = [(cell, rows) for cell, rows in panels if any(comparison for _, comparison in rows)]
    if not panels:
        return None
    # Where one is the baseline everywhere it has no row: that would say 1 again and again.
    shown = [series for series in results.series if own_scales or any(dict(rows)[series] for _, rows in panels)]
    columns, height = min(2, len(panels)), HEADING + ROW * len(shown) + AXIS
    page = style.Page(title, _subtitle(results, cells, direction), math.ceil(len(panels) / columns) * height)
    left = 0.3 + 0.08 * max(len(series) for series in shown)
    width = (style.PAGE_WIDTH - 0.1 - left - GAP * (columns - 1)) / columns - FIGURES
    common = None if own_scales else limits(_ratios(panels), results.equivalence)
    looks = style.looks(results.series)
    for index, (cell, rows) in enumerate(panels):
        column, row = index % columns, index // columns
        axes = page.axes(left + column * (width + FIGURES + GAP), row * height + HEADING, width, ROW * len(shown))
        axes.set_title(cell.label if own_scales else cell.parameters, size=10, weight="bold", loc="left", pad=5)
        _ratio_axis(axes, common or limits(_ratios([(cell, rows)]), results.equivalence), results.equivalence, width)
        compared = dict(rows)
        for y, series in enumerate(shown):
            if column == 0:
                axes.text(-(left - 0.15) / width, y, series, transform=axes.get_yaxis_transform(), va="center", size=9)
            _row(axes, y, compared[series], looks[series], "baseline" if series == results.baseline(cell) else "n/a")
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    page.save(folder, name, footer)
    return _csv(panels, metric_of)


def _subtitle(results, cells, direction):
    against = " or ".join(sorted({name for cell in cells if (name := results.baseline(cell))}))
    return (f"ratio to {against}, median and exact 95 % sign-test interval over rounds; {direction}\n"
            f"shaded: equivalence, ±{100 * results.equivalence:g} %   ·   {VERDICT_KEY}")


def _row(axes, y, comparison, look, otherwise):
    axes.axhline(y, color=style.GRID, linewidth=0.6, zorder=0.5)
    beside = {"transform": axes.get_yaxis_transform(), "va": "center", "size": 8.5}
    if not comparison:
        axes.text(1.03, y, otherwise, color=style.MUTED, **beside)
        return
    ratio = comparison.ratio
    left, right = axes.get_xlim()
    if ratio.low is not None:
        axes.plot([max(ratio.low, left), min(ratio.high, right)], [y, y], color=look.colour, linewidth=2.4, solid_capstyle="butt", zorder=2)
        for beyond, end, arrow in ((ratio.low < left, left, "<"), (ratio.high > right, right, ">")):
            if beyond:
                axes.plot([end], [y], arrow, color=look.colour, markersize=5, clip_on=False, zorder=3)
    axes.plot([ratio.value], [y], linestyle="none", zorder=3, **look.points(6.5))
    axes.text(1.03, y, f"{ratio_text(ratio)} {GLYPHS[comparison.verdict]}", **beside)


def _ratios(panels):
    return [comparison.ratio for _, rows in panels for _, comparison in rows if comparison]


def limits(ratios, margin):
    """(low, high) of an axis that holds 1, the equivalence band and every point; intervals as far as they aren't out of proportion."""
    low = min(*(r.value for r in ratios), 1 - 1.5 * margin)
    high = max(*(r.value for r in ratios), 1 + 1.5 * margin)
    low = max(low / REACH, min([low, *(r.low for r in ratios if r.low is not None)]))
    high = min(high * REACH, max([high, *(r.high for r in ratios if r.high is not None)]))
    padding = (high / low) ** 0.05
    return low / padding, high * padding


def _ratio_axis(axes, ends, margin, inches):
    """A log axis around 1 with round ticks."""
    axes.set_xscale("log")
    axes.set_xlim(*ends)
    axes.xaxis.set_major_locator(FixedLocator(round_ticks(*ends, max(3, int(inches / 0.42)))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(axis="x", labelsize=8.5, length=2, pad=2)
    axes.axvspan(1 - margin, 1 + margin, color=style.BAND, zorder=0)
    axes.axvline(1, color=style.INK, linewidth=0.9, zorder=1)
    axes.grid(axis="x", color=style.GRID, linewidth=0.6)


def round_ticks(low, high, most):
    """At most `most` round ticks of a log axis, 1 among them; linear steps while the range is narrow."""
    if high / low < 2.5:
        for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5):
            first, last = math.ceil((low - 1) / step), math.floor((high - 1) / step)
            if last - first + 1 <= most:
                return [round(1 + step * i, 4) for i in range(first, last + 1)]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for mantissas in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,)):
        ticks = [m * 10.0 ** d for d in decades for m in mantissas if low <= m * 10.0 ** d <= high]
        if len(ticks) <= most:
            return ticks
    return [1]


def _csv(panels, metric_of):
    header = ["metric", "cell", "series", "baseline", "ratio", "low95", "high95", "rounds", "verdict"]
    return [header] + [
        [metric_of(cell), cell.label, series, c.baseline, c.ratio.value, c.ratio.low, c.ratio.high, c.ratio.rounds, c.verdict]
        for cell, rows in panels for series, c in rows if c]
