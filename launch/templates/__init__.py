"""Texts that schedulers read, with places to fill in."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import jinja2


def fill(name: str, values: Mapping[str, Any]) -> str:
    """The text of a template; `quote` in it makes a value one word of the shell."""
    loader = jinja2.PackageLoader("launch", "templates")
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["quote"] = lambda value: shlex.quote(str(value))
    return environment.get_template(name).render(values)
