"""The commands of all packages share these options, and show a user error as a sentence with exit code 2.

`--json` and `--verbose` stand before the command. Every command has them, also one that a package adds later.
"""

from __future__ import annotations

import atexit
import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from configs.common import chatter, json_lines
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


def _write_json_lines(context: typer.Context, wanted: bool) -> None:
    if wanted:
        context.with_resource(json_lines.on_stdout())


def _show_chatter(context: typer.Context, wanted: bool) -> None:
    if wanted:
        context.with_resource(chatter.verbose())


JsonLines = Annotated[
    bool,
    typer.Option(
        json_lines.OPTION, callback=_write_json_lines, help="Print results as lines of JSON, and all else on stderr."
    ),
]
Verbose = Annotated[
    bool, typer.Option(chatter.OPTION, callback=_show_chatter, help="Show warnings and notes of the libraries.")
]

# These errors come from the machine and not from our code, so the user sees a sentence instead of a traceback.
_OF_THE_MACHINE = (*DISK_IS_FULL, errno.EROFS, errno.EACCES, errno.EPERM)


def refuse_both(init_from: str | None, continue_from: Path | None) -> None:
    """Raise UserError when a run is to begin from two models."""
    if init_from and continue_from:
        raise UserError("--continue-from: takes weights and moments, and --init-from weights alone; give only one")


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            with chatter.quiet():
                return super().invoke(ctx)
        except ElectraError as error:
            _end(str(error), error.exit_code)
        except OSError as error:
            if error.errno not in _OF_THE_MACHINE:
                _write_error(f"OSError: {error}", 1)
                raise
            _end(f"{error.filename or 'the output'}: {error.strerror}", EXIT_USER_ERROR)
        except TyperException as error:  # a wrong word of the command line, which typer explains
            if (option := getattr(error, "option_name", None)) in (json_lines.OPTION, chatter.OPTION):
                _end(f"{option}: must stand before the command: electra {option} COMMAND ...", EXIT_USER_ERROR)
            _write_error(str(error), EXIT_USER_ERROR)
            raise
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            _write_error(f"{type(error).__name__}: {error}", 1)
            raise


def run(app: typer.Typer, name: str | None = None) -> None:
    """Run a command as the whole work of this process, and end the process with the command's exit code.

    All that was registered for the exit is done, but the interpreter is not taken down after it. Threads of torch's
    gloo groups may outlive a command, because DeepSpeed keeps its groups, and such a thread takes the interpreter's
    lock when it releases a tensor. Before 3.14, Python ends a thread that asks for the lock during the take-down, and
    the C++ code of the thread then aborts the whole process: a finished run ended with SIGABRT (pytorch issue 190489).
    """
    exit_code = 1

    def end() -> None:
        # Nobody reads the rest of the output if the reader has closed the pipe. Any other error is Python's to report.
        with suppress(BrokenPipeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(exit_code)

    if sys.version_info < (3, 14):
        atexit.register(end)  # the functions that are registered after this one are called before it
    try:
        app(prog_name=name)
    except SystemExit as finished:
        assert isinstance(finished.code, int), "typer ends a command with a number"
        exit_code = finished.code
        raise


def _end(sentence: str, exit_code: int) -> NoReturn:
    say_error(sentence, exit_code)
    sys.exit(exit_code)


def say_error(sentence: str, exit_code: int) -> None:
    """Print an error. Other processes than the first say their rank, because a mistake may exist on only one node."""
    _write_error(sentence, exit_code)
    rank = os.environ.get("RANK", "0")
    who = "error" if rank == "0" else f"process {rank}: error"
    typer.secho(f"{who}: {without_secrets(sentence)}", err=True, fg="red")


def _write_error(sentence: str, exit_code: int) -> None:
    process = int(os.environ.get("RANK", "0"))
    json_lines.write("error", message=without_secrets(sentence), exit_code=exit_code, process=process)


def _shared(json: JsonLines = False, verbose: Verbose = False) -> None:
    """Define the options of all commands. With it, even the only command of a package is called by its name."""


def application(**options: Any) -> typer.Typer:
    """Return an empty application. Each package adds its commands, and `launch.cli` combines them."""
    options = {"add_completion": False} | options
    app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, **options)
    app.callback()(_shared)
    return app
