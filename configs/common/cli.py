"""The commands of all packages share these options, and show a user error as a sentence with exit code 2."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from configs.common.errors import EXIT_USER_ERROR, ElectraError, UserError
from configs.common.files import DISK_IS_FULL
from configs.common.secrets import without_secrets

RecipeName = Annotated[str, typer.Argument(help="A shipped recipe, or the path of a TOML file.")]
Overrides = Annotated[list[str] | None, typer.Argument(help="table.key=value ...")]
CorpusFolder = Annotated[Path, typer.Option(help="A folder that `electra prepare` made.")]
InitFrom = Annotated[
    str | None,
    typer.Option("--init-from", metavar="MODEL", help="Go on from a released model: a folder, or a name on the hub."),
]
ContinueFrom = Annotated[
    Path | None,
    typer.Option(
        "--continue-from",
        metavar="RUN[@STEP]",
        help="Begin a new run with the weights and optimizer moments that a run had after STEP, or has now.",
    ),
]
General = Annotated[
    Path | None, typer.Option(help="Another corpus, whose held-out rows are evaluated too: is anything forgotten?")
]
RunFolder = Annotated[Path, typer.Option(help="The folder of the run.")]

# These errors come from the machine and not from our code, so the user sees a sentence instead of a traceback.
_OF_THE_MACHINE = (*DISK_IS_FULL, errno.EROFS, errno.EACCES, errno.EPERM)


def refuse_both(init_from: str | None, continue_from: Path | None) -> None:
    """Raise UserError when a run is to begin from two models."""
    if init_from and continue_from:
        raise UserError("--continue-from: takes weights and moments, and --init-from weights alone; give only one")


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ElectraError as error:
            _say(str(error))
            sys.exit(error.exit_code)
        except OSError as error:
            if error.errno not in _OF_THE_MACHINE:
                raise
            _say(f"{error.filename or 'the output'}: {error.strerror}")
            sys.exit(EXIT_USER_ERROR)


def _say(sentence: str) -> None:
    """Print an error. Other processes than the first say their rank, because a mistake may exist on only one node."""
    rank = os.environ.get("RANK", "0")
    who = "error" if rank == "0" else f"process {rank}: error"
    typer.secho(f"{who}: {without_secrets(sentence)}", err=True, fg="red")


def application(**options: Any) -> typer.Typer:
    """Return an empty application. Each package adds its commands, and `launch.cli` combines them."""
    options = {"add_completion": False} | options
    app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, **options)
    # With a callback, even the only command of a package is called by its name: `python -m data_prep prepare`.
    app.callback()(lambda: None)
    return app
