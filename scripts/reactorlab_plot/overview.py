"""The overview: what each entry costs, one small panel per workload, in the workload's own unit."""

import math

from matplotlib.ticker import MaxNLocator

from . import style
from .forest import GLYPHS, VERDICT_KEY
from .model import figure, scaled
from .stats import interval_of_median

ROW, HEADING, AXIS, GAP = 0.235, 0.52, 0.42, 0.12  # inches: a row, a panel's heading, its axis, between columns
FIGURES = 0.68  # inches right of a panel, for its figures
TITLES = {"tcp_echo": "echo a message", "echo_open": "echo, open loop", "echo_paced": "echo, fixed rate", "accept_churn": "open, echo, close", "spawn_join": "spawn + join", "yield": "yield",
          "timer_insert_cancel": "timer, cancelled", "timer_fire": "timer, fired", "cross_thread_wake": "wake across threads",
          "post": "post across threads", "reg_churn": "register, remove", "idle_memory": "idle connection",
          "unix_echo": "echo, Unix stream", "udp_echo": "echo a datagram", "timeout_per_read": "echo with time-out",
          "cpu_mix": "echo with work", "cpu_balance": "work, two workers", "skew": "hot connections",
          "one_bad_task": "beside a bad task", "active_of_idle": "echo among idle", "idle_cpu": "a beat when idle",
          "accept_balance": "one of two workers", "pipe_echo": "echo, pipes", "eventfd_pingpong": "eventfd there, back", "socketpair_stream": "stream of messages",
          "pipe_ring": "a hop in a ring", "proxy": "through a proxy", "fan_out": "one to many", "fan_in": "many to one",
          "oversubscribe": "hop, many threads", "hot_neighbour": "beside hot ones", "channel_ping": "channel, and back",
          "handle_acquire": "reach the reactor", "ready_hit": "read what is ready", "park_wake_self": "park, wake by fd",
          "waker_clone": "clone a waker, wake", "turn_k_of_n": "event of a batch", "register_contend": "register, contended",
          "register_while_parked": "register from out", "cancel_storm": "cancel many waits", "fd_reuse": "a number reused",
          "start_stop": "runtime, its life", "timer_storm": "timer, one deadline", "timer_contend": "timer, contended",
          "deadline_move": "deadline, moved", "earlier_deadline_remote": "deadline from out", "lateness_under_io": "beside timers",
          "fd_wake": "wake by fd", "xwake_flood": "flood of wakes", "remote_spawn": "spawn from out", "handoff_chain": "chain of tasks",
          "migrate": "fd to and fro", "herd": "one event, sleepers", "two_runtimes": "two runtimes"}  # at most 19 characters
MEASURED = {"server_cpu_ns_per_op": "CPU", "wall_ns_per_op": "elapsed", "user_bytes_per_op": "user memory",
            "p99_ns": "latency, 99th percentile"}


def overview(results, folder, footer):
    cells = [results.headline(workload) for workload in results.workloads]
    columns = min(5, math.ceil(len(cells) / 2)) if len(cells) > 2 else len(cells)
    rows = math.ceil(len(cells) / columns)
    height = HEADING + ROW * len(results.series) + AXIS
    page = style.Page("What each home costs", _subtitle(results), rows * height)
    left = 0.3 + 0.078 * max(len(series) for series in results.series)
    width = (style.PAGE_WIDTH - 0.1 - left - GAP * (columns - 1)) / columns - FIGURES
    looks = style.looks(results.series)
    table = [["cell", "metric", "series", "median", "low95", "high95", "rounds", "verdict", "baseline", "not_applicable"]]
    for index, cell in enumerate(cells):
        column, row = index % columns, index // columns
        axes = page.axes(left + column * (width + FIGURES + GAP), row * height + HEADING, width, ROW * len(results.series))
        table += _panel(results, axes, cell, looks, first=column == 0, inches=(width, left))
    page.save(folder, "summary", footer)
    return table


def _subtitle(results):
    bars = "bar: exact 95 % interval of it" if results.rounds() >= 6 else "too few rounds for an interval"
    return (f"each panel has its own unit and starts at 0; less is better   ·   point: median over rounds   ·   {bars}\n"
            f"against the baseline (●), from ratios within rounds: {VERDICT_KEY}   ·   hollow: --locking=fine")


def _panel(results, axes, cell, looks, first, inches):
    """Draws one and returns its rows of the csv."""
    width, left = inches
    about = results.metric(cell)
    medians = [m for series in results.series if (m := results.median(cell, series, about.metric)) is not None]
    unit, divisor = scaled(medians, about.unit)
    table, ends = [], [0.0]
    for y, series in enumerate(results.series):
        axes.axhline(y, color=style.GRID, linewidth=0.6, zorder=0)
        if first:
            axes.text(-(left - 0.15) / width, y, series, transform=axes.get_yaxis_transform(), va="center", size=9)
        values = results.values(cell, series, about.metric)
        row = results.row(cell, series)
        if not values:
            reason = row.not_applicable if row else ""
            axes.text(1.05, y, "n/a" if reason else "no sample", transform=axes.get_yaxis_transform(), va="center", size=8, color=style.MUTED)
            table.append([cell.label, about.metric, series, None, None, None, 0, "", "", reason])
            continue
        interval = interval_of_median(values)
        middle = results.median(cell, series, about.metric)
        ends += [middle, *(interval or ())]
        _lollipop(axes, y, middle, interval, looks[series], divisor)
        compared = results.compared(about.metric, cell, series)
        glyph = GLYPHS[compared.verdict] if compared else "●" if series == results.baseline(cell) else ""
        axes.text(1.05, y, f"{figure(middle / divisor)} {glyph}", transform=axes.get_yaxis_transform(), va="center", size=8.5)
        table.append([cell.label, about.metric, series, middle, *(interval or (None, None)), len(values),
                      compared.verdict if compared else "", compared.baseline if compared else "", ""])
    _frame(axes, cell, about, unit, max(ends) / divisor, len(results.series), width + FIGURES)
    return table


def _lollipop(axes, y, middle, interval, look, divisor):
    axes.plot([0, middle / divisor], [y, y], color=look.colour, linewidth=0.9, alpha=0.55, zorder=1)
    if interval:
        axes.plot([end / divisor for end in interval], [y, y], color=look.colour, linewidth=3.4, solid_capstyle="butt", alpha=0.75, zorder=2)
    axes.plot([middle / divisor], [y], linestyle="none", zorder=3, clip_on=False, **look.points(6))


def _fitting(text, inches):
    """What there is room for; the csv and the report have the rest."""
    characters = int(inches / 0.058)
    return text if len(text) <= characters else text[:characters - 1].rstrip(", ") + "\N{HORIZONTAL ELLIPSIS}"


def _frame(axes, cell, about, unit, most, rows, inches):
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_color(style.GRID)
    axes.set_xlim(0, (most or 1) * 1.07)
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="x", labelsize=8, length=2, pad=2)
    measured = MEASURED.get(about.metric, about.metric)
    about_it = f"{unit} {measured}; {cell.parameters}" if cell.parameters else f"{unit} {measured}"
    axes.set_title(_fitting(about_it, inches), size=7.5, loc="left", pad=4, color=style.MUTED)
    axes.annotate(TITLES.get(cell.workload, cell.workload), (0, 1), (0, 17), xycoords="axes fraction", textcoords="offset points",
                  size=8.5, weight="bold", va="bottom")
