"""What the command line of every room shares: one grammar, and user errors as one sentence with exit code 2."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from configs.errors import UserError


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            typer.secho(f"error: {error}", err=True, fg="red")
            sys.exit(2)


def application(**options: Any) -> typer.Typer:
    """An empty application; rooms add their commands, and `launch.cli` mounts them."""
    app = typer.Typer(
        cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, **options
    )
    # A room with a single command still takes its name: `python -m data_prep prepare`.
    app.callback()(lambda: None)
    return app
