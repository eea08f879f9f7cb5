"""Figures are parts of their page, the same every time, and readable without colours."""

from __future__ import annotations

import base64
import re
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import numpy as np
import pytest

from configs.common.errors import UserError
from configs.common.pages.figures import (
    Dots,
    Figure,
    Interval,
    Series,
    bars,
    curves,
    dots,
    intervals,
    pairs,
    require_matplotlib,
)


def drawn() -> list[Figure]:
    return [
        curves("Loss", "step", [Series("held out", [0, 1], [2.0, 1.5]), Series("t", [1], [1.8], True)], "falls"),
        bars("Length", "tokens", [0, 8, 16], [3, 1], "short ones"),
        dots("percent", [Dots("toy", {"a": [80.0, 82.0], "b": [90.0, 91.0]})], "b is better"),
        intervals("AUC", [Interval("before", 0.5, 0.4, 0.6), Interval("after", 0.7, 0.6, 0.8)], "rises"),
        pairs("task", ("before", "after"), [(60.0, 62.0), (61.0, 60.5)], "by seed"),
    ]


def texts(figure: Figure) -> list[str]:
    """Return what can be read in a figure. Letters are text, so they can be found and read aloud."""
    return ["".join(element.itertext()).strip() for element in ElementTree.fromstring(figure.svg).findall(".//{*}text")]


def test_figures_are_images_without_outside_resources_and_the_same_every_time() -> None:
    assert [figure.svg for figure in drawn()] == [figure.svg for figure in drawn()]
    for figure in drawn():
        head, _, content = figure.source.partition(",")
        assert head == "data:image/svg+xml;base64"
        assert base64.b64decode(content).decode() == figure.svg
        assert "@import" not in figure.svg
        assert not re.search("(?:href|src)=.http|url[(]http", figure.svg)
        title = ElementTree.fromstring(figure.svg).find("{*}title")
        assert title is not None and title.text == figure.description


def test_pixels_are_of_the_same_figure() -> None:
    """The bars fill half of the panel's height at their second half, and are blue."""
    figure = bars("", "", [0, 1, 2], [2, 1], "falls")
    blue = (figure.pixels == (0x1F, 0x4E, 0x79)).all(2)
    heights = blue.sum(0)
    assert figure.pixels.dtype == np.uint8 and figure.pixels.shape == (270, 420, 3)
    columns = np.flatnonzero(heights)
    left, right = heights[columns[len(columns) // 4]], heights[columns[3 * len(columns) // 4]]
    assert right == pytest.approx(left / 2, abs=4)  # the lines of the grid are below the bars


def test_threads_draw_the_same_figures() -> None:
    """The style of a figure is a global setting of matplotlib."""
    with ThreadPoolExecutor(8) as threads:
        svgs = list(threads.map(lambda figure: figure.svg, drawn() * 8))
    assert svgs == [figure.svg for figure in drawn()] * 8


def test_names_are_shown_as_they_are() -> None:
    """A name may hold marks of XML and of formulas, and letters for which matplotlib has no font."""
    name = "_a$b$ <甲> & _^"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert name in texts(curves("Loss", "step", [Series(name, [0, 1], [2.0, 1.5])], name))


def test_curves_can_be_told_apart_without_colours() -> None:
    figure = curves("Loss", "step", [Series(str(n), range(40), [float(n)] * 40) for n in range(20)], "constant")
    lines = re.findall(r'<path d="[^"]+" clip-path="[^"]+" style="([^"]+)"/>', figure.svg)[-20:]
    dashes = [re.sub("stroke: #[0-9a-f]+", "", style) for style in lines]
    assert len(set(lines)) == 20 and len(set(dashes)) == 5
    shapes = re.findall(r'<path id="(m[0-9a-f]+)"', figure.svg)
    assert len(shapes) >= 7
    assert max(figure.svg.count(f'href="#{shape}"') for shape in shapes[2:]) <= 3 * 15  # a curve has few points


def test_dots_show_every_value_and_every_name() -> None:
    figure = dots("percent", [Dots("toy", {"a": [80.0, 82.0], "b": [90.0, 91.0, 92.0]})], "b is better")
    assert {"percent", "toy", "a", "b"} <= set(texts(figure))
    points = re.findall(
        r'<use xlink:href="#m[0-9a-f]+" x="[0-9.]+" y="[0-9.]+" style="fill: #[0-9a-f]+; fill-opacity', figure.svg
    )
    assert len(points) == 2 + 3 + 2  # and those of the legend


def test_what_is_drawn_by_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require_matplotlib("it draws the report")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UserError, match="is not installed, and it draws the report; pip install"):
        require_matplotlib("it draws the report")
