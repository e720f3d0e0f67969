"""Forest plots of ratios. Each chart function draws one file pair and returns the csv behind it, header first."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from . import style

GLYPHS = {"faster": "▲", "slower": "▼", "equivalent": "=", "inconclusive": "?"}
VERDICT_KEY = "▲ faster   ▼ slower   = equivalent   ? inconclusive"
CPU, RATE = "server_cpu_ns_per_op", "ops_per_s"
ROW, HEADING, AXIS = 0.26, 0.32, 0.36  # inches: a row, a cell's heading, the tick labels under the rows
MOST_SUMMARY_ROWS = 30
TALL = 9.0  # inches from which on the axis is labelled at the top too
HEADLINE = {"conns": 64, "payload": 64, "pipeline": 1}


def ratio_text(ratio):
    interval = f"[{ratio.low:.3f}, {ratio.high:.3f}]" if ratio.low is not None else f"[n/a: {ratio.rounds} rounds]"
    return f"{ratio.value:.3f} {interval}"


def annotation(comparison):
    return f"{ratio_text(comparison.ratio)} {GLYPHS.get(comparison.verdict, '')}"


def cpu(results, folder, footer):
    return _single(results, folder, "cpu", CPU, "server CPU per operation", "left of 1 is cheaper", footer)


def throughput(results, folder, footer):
    return _single(results, folder, "throughput", RATE, "throughput",
                   "right of 1 is more; a joint figure of server and load generator", footer)


def summary(results, folder, footer):
    """The overview for a README: both forests side by side, for as many cells as stay readable."""
    every = _groups(results, CPU)
    if not every:
        return None
    groups = _headline(every)
    rates = [(cell, [(series, results.compared(RATE, cell, series)) for series, _ in rows]) for cell, rows in groups]
    omitted = f"   ·   {len(groups)} of {len(every)} cells, all of them in charts/cpu" if len(groups) < len(every) else ""
    page = style.Page(
        f"{', '.join(results.workloads)}: ratios to {_baseline_names(results)}",
        f"median ratio and exact 95 % sign-test interval over rounds; shaded: equivalence, ±{100 * results.equivalence:g} %\n"
        f"verdict on server CPU: {VERDICT_KEY}{omitted}", _height(groups) + AXIS, header_extra=0.3)
    left, text = _label_width(results, groups) + 0.3, 1.95
    width = style.PAGE_WIDTH - left - text - 0.3
    looks = style.looks(results.series, results.baseline)
    cpu_axes = page.axes(left, 0, width * 0.58, _height(groups))
    rate_axes = page.axes(left + width * 0.58 + text, 0, width * 0.42, _height(groups))
    _panel(cpu_axes, groups, looks, results.equivalence, annotated=True)
    _panel(rate_axes, rates, looks, results.equivalence, annotated=False)
    _row_labels(results, cpu_axes, groups, left - 0.15)
    cpu_axes.set_title("server CPU per operation  (← cheaper)", size=10, loc="left", pad=8)
    rate_axes.set_title("throughput  (more →)", size=10, loc="left", pad=8)
    page.save(folder, "summary", footer)
    return [*_csv(CPU, groups), *_csv(RATE, rates)[1:]]


def _groups(results, metric):
    """[(cell, [(series, Comparison)])]: the ratios and verdicts of summary.json, exactly as they stand there."""
    groups = []
    for cell in results.cells:
        rows = [(series, results.compared(metric, cell, series)) for series in results.series]
        if rows := [row for row in rows if row[1]]:
            groups.append((cell, rows))
    return groups


def _headline(groups):
    """The cells that fit the overview: whole cells, at least one, those nearest to the headline's parameters."""
    def distance(cell):
        return sum(1 for name, value in cell.params if HEADLINE.get(name, value) != value)
    chosen, rows = set(), 0
    for cell, members in sorted(groups, key=lambda group: distance(group[0])):
        if chosen and rows + len(members) > MOST_SUMMARY_ROWS:
            break
        chosen.add(cell)
        rows += len(members)
    return [group for group in groups if group[0] in chosen]


def _single(results, folder, name, metric, title, direction, footer):
    """One forest over the whole page; None when nothing was compared with a baseline."""
    groups = _groups(results, metric)
    if not groups:
        return None
    lines = [f"ratio to {_baseline_names(results)}, median and exact 95 % sign-test interval over rounds; {direction}",
             f"shaded: equivalence, ±{100 * results.equivalence:g} %   ·   {VERDICT_KEY}"]
    tall = _height(groups) > TALL
    page = style.Page(f"{', '.join(results.workloads)}: {title}", "\n".join(lines), _height(groups) + AXIS,
                      header_extra=AXIS if tall else 0.0)
    left, right = _label_width(results, groups) + 0.3, 2.0
    axes = page.axes(left, 0, style.PAGE_WIDTH - left - right, _height(groups))
    _panel(axes, groups, style.looks(results.series, results.baseline), results.equivalence, annotated=True)
    axes.tick_params(top=tall, labeltop=tall)
    _row_labels(results, axes, groups, left - 0.15)
    page.save(folder, name, footer)
    return _csv(metric, groups)


def _panel(axes, groups, looks, margin, annotated):
    """Rows downwards, the y axis in inches, so that text beside the axes shares their coordinate."""
    for y, cell_rows in _walk(groups):
        axes.axhline(y + 0.03, color=style.GRID, linewidth=0.8)
        for row_y, (series, comparison) in cell_rows:
            if comparison:
                _draw_interval(axes, row_y, comparison.ratio, looks[series])
            if comparison and annotated:
                axes.text(1.02, row_y, annotation(comparison), transform=axes.get_yaxis_transform(), va="center", size=9)
    axes.set_ylim(_height(groups), 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    _ratio_axis(axes, [comparison.ratio for _, rows in groups for _, comparison in rows if comparison], margin)


def _walk(groups):
    """(y of the heading's top, [(y of the row's middle, row)]) for each cell."""
    y = 0.0
    for _, rows in groups:
        yield y, [(y + HEADING + (i + 0.5) * ROW, row) for i, row in enumerate(rows)]
        y += HEADING + ROW * len(rows)


def _height(groups):
    return sum(HEADING + ROW * len(rows) for _, rows in groups)


def _draw_interval(axes, y, ratio, look):
    colour, marker = look
    if ratio.low is not None:
        axes.plot([ratio.low, ratio.high], [y, y], color=colour, linewidth=2.2, solid_capstyle="butt", zorder=2)
    axes.plot([ratio.value], [y], marker, color=colour, markersize=7, markeredgecolor=style.INK,
              markeredgewidth=0.5, zorder=3)


def _row_labels(results, axes, groups, offset):
    """Cell headings and series names, starting `offset` inches left of the axes."""
    width = axes.figure.get_figwidth() * axes.get_position().width
    place = {"transform": axes.get_yaxis_transform(), "va": "center", "clip_on": False}
    for (cell, _), (y, cell_rows) in zip(groups, _walk(groups)):
        axes.text(-offset / width, y + HEADING / 2 + 0.03, results.label(cell), weight="bold", size=9.5, **place)
        for row_y, (series, _) in cell_rows:
            axes.text(-(offset - 0.15) / width, row_y, series, size=9.5, **place)


def _label_width(results, groups):
    """Inches the row labels need: a 9.5 point character takes about 0.08, a bold one 0.088."""
    heading = max(0.088 * len(results.label(cell)) for cell, _ in groups)
    return max(heading, *(0.15 + 0.08 * len(series) for _, rows in groups for series, _ in rows))


def _ratio_axis(axes, ratios, margin):
    """A log axis around 1 with round ticks, wide enough for every interval and the equivalence band."""
    ends = [end for r in ratios for end in (r.value, r.low, r.high) if end]
    low, high = min([*ends, 1 - 1.5 * margin]), max([*ends, 1 + 1.5 * margin])
    padding = (high / low) ** 0.05
    low, high = low / padding, high * padding
    inches = axes.figure.get_figwidth() * axes.get_position().width
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(round_ticks(low, high, min(10, int(inches / 0.42)))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(axis="x", labelsize=9)
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


def _baseline_names(results):
    return " or ".join(sorted({comparison.baseline for comparison in results.comparisons.values()}))


def _csv(metric, groups):
    header = ["metric", "cell", "series", "baseline", "ratio", "low95", "high95", "rounds", "verdict"]
    return [header] + [
        [metric, cell.label, series, c.baseline, c.ratio.value, c.ratio.low, c.ratio.high, c.ratio.rounds, c.verdict]
        for cell, rows in groups for series, c in rows if c]
