"""Figures of pages: small panels drawn by matplotlib as SVG, each embedded as one image.

Panels are small so that a page can put them side by side on a wide screen and below each other on a phone.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import cycle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours that differ in print too: the second is lighter than the first.
COLOURS = ("#1f4e79", "#d17a22", "#5b8c5a", "#8c4a8c", "#444444", "#b9a22b")
_FAINT = "#9fb4c7"
_PANEL = (4.2, 2.7)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # letters stay text
    "svg.hashsalt": "electra",  # the same figure is the same file
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Figure:
    source: str  # the image as a data URI
    description: str  # for people who do not see it


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


def curves(title: str, x_label: str, series: Sequence[Series], description: str) -> Figure:
    """Draw curves over a common axis. Series that are not faint have their points marked."""

    def draw(axes: Axes) -> None:
        colours = cycle(COLOURS)
        for line in sorted(series, key=lambda line: not line.is_faint):
            colour = _FAINT if line.is_faint else next(colours)
            axes.plot(line.x, line.y, color=colour, marker="" if line.is_faint else "o", markersize=3, label=line.name)
        axes.set(title=title, xlabel=x_label)
        axes.legend(fontsize=8)

    return _panel(draw, description)


def intervals(title: str, rows: Sequence[Interval], description: str) -> Figure:
    """Draw values with their intervals, one below the other; `rows` alternate between two colours."""

    def draw(axes: Axes) -> None:
        for number, row in enumerate(rows):
            spread = [[row.value - row.low], [row.high - row.value]]
            colour = COLOURS[number % 2]
            axes.errorbar(row.value, number, xerr=spread, fmt="o", color=colour, markersize=4, capsize=3)
        axes.set(title=title, yticks=range(len(rows)), yticklabels=[row.name for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)

    return _panel(draw, description)


def pairs(title: str, names: tuple[str, str], values: Sequence[tuple[float, float]], description: str) -> Figure:
    """Draw a line for each pair, such as a seed, from its first to its second value, and a thick line for the means."""

    def draw(axes: Axes) -> None:
        for pair in values:
            axes.plot((0, 1), pair, color=_FAINT, marker="o", markersize=4)
        means = [sum(side) / len(values) for side in zip(*values, strict=True)]
        axes.plot((0, 1), means, color=COLOURS[0], marker="o", linewidth=2.5, label="mean")
        axes.set(title=title, xticks=(0, 1), xticklabels=names, xlim=(-0.3, 1.3))
        axes.legend(fontsize=8)

    return _panel(draw, description)


def _panel(draw: Callable[[Axes], None], description: str) -> Figure:
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Canvas

    with rc_context(_STYLE):
        canvas = Canvas(figsize=_PANEL, layout="constrained")
        draw(canvas.subplots())
        image = BytesIO()
        canvas.savefig(image, format="svg", metadata={"Date": None})
    return Figure(f"data:image/svg+xml;base64,{base64.b64encode(image.getvalue()).decode()}", description)
