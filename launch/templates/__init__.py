"""Texts that schedulers read, with places to fill in."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

import jinja2

_WIDTH = 90


def fill(name: str, values: Mapping[str, Any]) -> str:
    """The text of a template. In it `quote` makes a value one word of the shell, and `words` several, on many lines."""
    loader = jinja2.PackageLoader("launch", "templates")
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["quote"] = lambda value: shlex.quote(str(value))
    environment.filters["words"] = _words
    return environment.get_template(name).render(values)


def _words(words: Iterable[str]) -> str:
    """Words that are quoted already, broken into lines between them."""
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > _WIDTH:
            lines.append("")
        lines[-1] += f"{word} "
    return "\\\n        ".join(lines).rstrip()
