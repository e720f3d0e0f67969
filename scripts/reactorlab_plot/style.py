"""How every chart looks: palette, markers, fonts, page geometry in inches, footer, deterministic output."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend has to be chosen first)

from .catalogue import impl_of  # noqa: E402

# Okabe & Ito's colour-blind safe palette, extended by grey and wine. A series is always a colour AND a marker; of two variants of one
# home the second has the same ones, hollow. Who is named here looks the same in every published run; others take what remains, in order.
_BLUE, _VERMILLION, _GREEN, _PURPLE = ("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D")
_KNOWN = {"thread_local": _BLUE, "arc_mutex": _VERMILLION, "oncelock_global": _GREEN, "dedicated_thread": _PURPLE,
          "raw_epoll": ("#222222", "p"), "raw_uring": ("#882255", "X"), "asio": ("#E69F00", "v"), "libuv": ("#56B4E9", "P"),
          "libevent": ("#7A9E3A", "H"),
          "engine:tokio_current_thread": ("#6F5B3E", ">"), "engine:tokio_multi_thread": ("#4B4BB0", "*"), "engine:smol": ("#A3B700", "d")}
# A peer in another shape has the peer's colour.
_SHAPES = {"per_thread": "<", "shared": "s", "dedicated": "D", "uring": "X"}
_SPARE = [("#999999", "<"), ("#F0E442", "h"), ("#C04040", "8")]

INK, MUTED, GRID, BAND = "#222222", "#666666", "#DDDDDD", "#E8EEF4"
PAGE_WIDTH = 10.0  # inches; a README shows it about 850 pixels wide, so 9 points stay readable
FOOTER_HEIGHT = 0.6
TALLEST_PNG = 6000  # pixels


def apply():
    pyplot.rcParams.update({
        "font.family": "DejaVu Sans", "font.size": 9.5, "text.color": INK, "axes.labelcolor": INK,
        "axes.edgecolor": "#AAAAAA", "xtick.color": MUTED, "ytick.color": MUTED,
        "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
        "axes.unicode_minus": False, "svg.hashsalt": "reactorlab", "svg.fonttype": "path",
        "figure.facecolor": "white", "savefig.facecolor": "white",
    })


@dataclass(frozen=True)
class Look:
    colour: str
    marker: str
    hollow: bool

    def points(self, size):
        """Keywords of plot() for its markers."""
        return {"color": self.colour, "marker": self.marker, "markersize": size, "markerfacecolor": "white" if self.hollow else self.colour,
                "markeredgecolor": self.colour if self.hollow else INK, "markeredgewidth": 1.4 if self.hollow else 0.4}


def looks(series):
    """{series label: Look}: the same label gets the same look on every chart of the folder."""
    chosen, spare = dict(_KNOWN), list(_SPARE)
    for impl in dict.fromkeys(impl_of(label) for label in series):
        peer, _, shape = impl.partition(":")
        if peer in _KNOWN and shape in _SHAPES:
            chosen[impl] = (_KNOWN[peer][0], _SHAPES[shape])
        if impl not in chosen:
            chosen[impl] = spare[0] if len(spare) == 1 else spare.pop(0)
    return {label: Look(*chosen[impl_of(label)], hollow=bool(set("+~@") & set(label))) for label in series}


class Page:
    """A figure laid out in inches from the top, so that nothing overlaps however many rows it has."""

    def __init__(self, title, subtitle, body_height, header_extra=0.0):
        subtitle_lines = subtitle.count("\n") + 1
        self.header = 0.62 + 0.19 * subtitle_lines + header_extra
        self.height = self.header + body_height + FOOTER_HEIGHT
        self.figure = pyplot.figure(figsize=(PAGE_WIDTH, self.height))
        self.text(0.15, 0.12, title, size=14, weight="bold")
        self.text(0.15, 0.44, subtitle, size=9.5, color=MUTED, linespacing=1.35)

    def text(self, x, y, content, **style):
        """Text whose top left corner is x inches from the left and y inches from the top."""
        style = {"ha": "left", "va": "top", **style}
        return self.figure.text(x / PAGE_WIDTH, 1 - y / self.height, content, **style)

    def axes(self, x, y, width, height):
        """Axes whose upper left corner is x inches from the left and y inches below the header."""
        bottom = self.height - self.header - y - height
        return self.figure.add_axes((x / PAGE_WIDTH, bottom / self.height, width / PAGE_WIDTH, height / self.height))

    def legend(self, handles, y):
        """A legend strip over the whole width, its top y inches from the top of the page."""
        self.figure.legend(handles=handles, loc="upper left", ncol=_legend_columns(handles), frameon=False,
                           bbox_to_anchor=(0.08 / PAGE_WIDTH, 1 - y / self.height), borderpad=0.2,
                           columnspacing=1.6, handletextpad=0.4, fontsize=9.5)

    def save(self, folder: Path, name, footer):
        self.text(0.15, self.height - 0.42, footer, size=8, color=MUTED, linespacing=1.4)
        self.figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
        # Of a run with many cells the SVG is what can be read; a picture that is taller than this is megabytes.
        self.figure.savefig(folder / f"{name}.png", dpi=min(160, TALLEST_PNG / self.height), metadata={"Software": None})
        pyplot.close(self.figure)


def _legend_columns(handles):
    """As many as fit: a character takes about 0.085 inches, a handle with its gaps 0.6."""
    entry = 0.6 + 0.085 * max(len(handle.get_label()) for handle in handles)
    return max(1, min(len(handles), int((PAGE_WIDTH - 0.2) / entry)))


def legend_height(handles):
    """Inches that Page.legend takes."""
    return 0.1 + 0.22 * -(-len(handles) // _legend_columns(handles))
