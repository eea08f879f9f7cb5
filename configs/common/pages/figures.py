"""Figures of pages: small panels drawn by matplotlib as SVG, each embedded as one image.

Panels are small so that a page can put them side by side on a wide screen and below each other on a phone.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from io import BytesIO
from itertools import cycle
from threading import Lock
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, filterwarnings

import numpy as np

from configs.common.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

COLOURS = ("#1f4e79", "#d17a22", "#5b8c5a", "#8c4a8c", "#444444", "#b9a22b")
# Dashes and points also differ, so that curves can be told apart without colours. The numbers of colours, dashes and
# points have no common divisor, so many curves pass before two look the same.
_DASHES = ("-", "--", "-.", ":", (0, (6, 1.5, 1.5, 1.5, 1.5, 1.5)))
_POINTS = ("o", "s", "^", "D", "v", "P", "X")
_FAINT = "#9fb4c7"
_WIDTH, _HEIGHT = 4.2, 2.7
_MOST_POINTS = 12
_DOTS_PER_INCH = 100  # of images for trackers
_DRAWING = Lock()
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # letters stay text
    "svg.hashsalt": "electra",  # the same figure is the same file
    "text.parse_math": False,  # a name may hold dollar signs
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Figure:
    """One panel. It is drawn when it is asked for its image, by any thread."""

    draw: Callable[[Axes], None]
    description: str  # for people who do not see it
    size: tuple[float, float] = (_WIDTH, _HEIGHT)

    @cached_property
    def svg(self) -> str:
        image = BytesIO()
        with catch_warnings(), self._drawn() as canvas:
            # Letters stay text, so they need a font where the page is read and not here.
            filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
            canvas.savefig(image, format="svg", metadata={"Title": self.description, "Date": None, "Creator": None})
        return image.getvalue().decode()

    @property
    def source(self) -> str:
        """Return the image as a data URI."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg.encode()).decode()}"

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """[height, width, 3] in RGB"""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        with self._drawn() as canvas:
            agg = FigureCanvasAgg(canvas)
            agg.draw()
            return np.asarray(agg.buffer_rgba())[:, :, :3].copy()

    @contextmanager
    def _drawn(self) -> Iterator[Canvas]:
        from matplotlib import rc_context
        from matplotlib.figure import Figure as Canvas

        # The style is a global setting of matplotlib, so one thread draws at a time.
        with _DRAWING, rc_context(_STYLE):
            canvas = Canvas(figsize=self.size, dpi=_DOTS_PER_INCH, layout="constrained")
            self.draw(canvas.subplots())
            yield canvas


@dataclass(frozen=True)
class Series:
    """Points of a curve. `is_faint` is for what is in the background, such as training beside evaluation."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    is_faint: bool = False


@dataclass(frozen=True)
class Interval:
    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Dots:
    """The values of one row, such as a task, by group, such as a model."""

    name: str
    groups: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Point:
    name: str
    x: float
    y: float
    is_joined: bool  # whether the line goes through it


def can_draw() -> bool:
    return find_spec("matplotlib") is not None


def require_matplotlib(purpose: str) -> None:
    """Raise UserError unless figures can be drawn; `purpose` is a main clause about the use of matplotlib."""
    if not can_draw():
        raise UserError(f"matplotlib: is not installed, and {purpose}; pip install 'electra-pretraining[report]'")


def curves(title: str, x_label: str, series: Sequence[Series], description: str) -> Figure:
    """Draw curves over a common axis. Some points of each series that is not faint are marked."""

    ordered = sorted(series, key=lambda line: not line.is_faint)

    def draw(axes: Axes) -> None:
        looks, lines = _looks(), []
        for line in ordered:
            look = {"color": _FAINT, "linewidth": 1} if line.is_faint else next(looks)
            lines += axes.plot(line.x, line.y, **look, markevery=max(1, len(line.x) // _MOST_POINTS))
        axes.set(title=title, xlabel=x_label)
        # A label of a line would not be shown if it began with "_".
        axes.legend(lines, [line.name for line in ordered], fontsize=8)

    return Figure(draw, description)


def bars(title: str, x_label: str, edges: Sequence[float], counts: Sequence[float], description: str) -> Figure:
    """Draw a histogram: `counts[i]` lies between `edges[i]` and `edges[i + 1]`."""

    def draw(axes: Axes) -> None:
        axes.stairs(counts, edges, fill=True, color=COLOURS[0])
        axes.set(title=title, xlabel=x_label)
        axes.grid(visible=False, axis="x")

    return Figure(draw, description)


def dots(title: str, rows: Sequence[Dots], description: str) -> Figure:
    """Draw the values of each row beside each other, a line of points for each group, with a stroke at their mean."""
    names = list(rows[0].groups)

    def draw(axes: Axes) -> None:
        lines = []
        for group, (name, look) in enumerate(zip(names, _looks(), strict=False)):
            place = (group - (len(names) - 1) / 2) * 0.3
            points = [(value, row + place) for row, line in enumerate(rows) for value in line.groups[name]]
            lines += axes.plot(*zip(*points, strict=True), **look | {"linestyle": "", "alpha": 0.6})
            for row, line in enumerate(rows):
                mean = sum(line.groups[name]) / len(line.groups[name])
                axes.vlines(mean, row + place - 0.13, row + place + 0.13, color=look["color"], linewidth=2)
        axes.set(xlabel=title, yticks=range(len(rows)), yticklabels=[row.name for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.legend(lines, names, loc="lower left", bbox_to_anchor=(0, 1), fontsize=8)

    return Figure(draw, description, (2 * _WIDTH, 0.9 + 0.25 * len(names) + 0.55 * len(rows)))


def intervals(title: str, rows: Sequence[Interval], description: str) -> Figure:
    """Draw values with their intervals, one below the other; `rows` alternate between two colours and points."""

    def draw(axes: Axes) -> None:
        for number, row in enumerate(rows):
            spread = [[row.value - row.low], [row.high - row.value]]
            colour, point = COLOURS[number % 2], _POINTS[number % 2]
            axes.errorbar(row.value, number, xerr=spread, fmt=point, color=colour, markersize=4, capsize=3)
        axes.set(title=title, yticks=range(len(rows)), yticklabels=[row.name for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)

    return Figure(draw, description)


def pairs(title: str, names: tuple[str, str], values: Sequence[tuple[float, float]], description: str) -> Figure:
    """Draw a line for each pair, such as a seed, from its first to its second value, and a thick line for the means."""

    def draw(axes: Axes) -> None:
        for pair in values:
            axes.plot((0, 1), pair, color=_FAINT, marker="o", markersize=4)
        means = [sum(side) / len(values) for side in zip(*values, strict=True)]
        axes.plot((0, 1), means, color=COLOURS[0], marker="o", linewidth=2.5, label="mean")
        axes.set(title=title, xticks=(0, 1), xticklabels=names, xlim=(-0.3, 1.3))
        axes.legend(fontsize=8)

    return Figure(draw, description)


def points(title: str, x_label: str, points: Sequence[Point], description: str) -> Figure:
    """Draw named points, and a line through some of them from left to right."""

    def draw(axes: Axes) -> None:
        line = sorted((point.x, point.y) for point in points if point.is_joined)
        axes.plot(*zip(*line, strict=True), color=_FAINT, zorder=1)
        for point in points:
            axes.scatter(point.x, point.y, color=COLOURS[0 if point.is_joined else 1], s=20, zorder=2)
            axes.annotate(point.name, (point.x, point.y), xytext=(4, 4), textcoords="offset points", fontsize=8)
        axes.set(title=title, xlabel=x_label)
        axes.margins(x=0.2, y=0.15)

    return Figure(draw, description)


def _looks() -> Iterator[dict[str, Any]]:
    for colour, dash, point in zip(cycle(COLOURS), cycle(_DASHES), cycle(_POINTS), strict=False):
        yield {"color": colour, "linestyle": dash, "marker": point, "markersize": 4, "linewidth": 1.3}
