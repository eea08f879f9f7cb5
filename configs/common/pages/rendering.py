"""A page is a template that extends page.html. Everything that is put into it is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def render(room: str, template: str, facts: Mapping[str, Any]) -> str:
    """Fill a template of the folder `templates` of a room, such as `launch`."""
    loader = ChoiceLoader([PackageLoader(room), PackageLoader("configs.common.pages")])
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    for read in (capital, count, duration, figure, megabytes, percent):
        pages.filters[read.__name__] = read
    return pages.get_template(template).render(facts)


def capital(sentence: str) -> str:
    """Begin with a capital letter, and leave names in the sentence as they are."""
    return sentence[:1].upper() + sentence[1:]


def count(number: int) -> str:
    return f"{number:,}"


def figure(value: float | None, *, signed: bool = False) -> str:
    """A score with as many digits as can be compared: three after the point below 10, and one above."""
    if value is None:
        return "–"
    return f"{value:{'+' if signed else ''},.{3 if abs(value) < 10 else 1}f}"


def percent(share: float | None, *, signed: bool = False) -> str:
    return "–" if share is None else f"{100 * share:{'+' if signed else ''}.2f} %"


def duration(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.0f} seconds"


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
