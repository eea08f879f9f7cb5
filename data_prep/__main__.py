"""Commands of this room: `electra prepare`, or `python -m data_prep`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from configs.cli import Overrides, RecipeName, application

app = application()


@app.command()
def prepare(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    out: Annotated[Path, typer.Option(help="The folder of the corpus.")],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one for each core.")] = None,
) -> None:
    """Make a corpus: text to masked, memory-mapped rows.

    Interrupted, the same command goes on where it was.
    """
    from configs.load import load
    from data_prep.prepare import prepare as run
    from data_prep.report import summarize

    loaded = load(recipe, overrides or ())
    total = run(loaded, out, workers or _cores())
    summary = summarize(loaded, total)
    typer.echo(
        f"{out}: {summary['rows']['train']:,} training rows and {summary['rows']['validation']:,} held-out rows of "
        f"{summary['row_length']} tokens, {100 * summary['rows_filled']:.1f} % filled; "
        f"{100 * summary['unknown_share']:.3f} % unknown tokens; see {out / 'report.html'}"
    )
    if summary["invalid_sequences"]:
        typer.echo(f"{summary['invalid_sequences']:,} byte sequences were no text and were replaced by U+FFFD")
    if summary["num_skipped"]:
        typer.echo(f"{summary['num_skipped']:,} lines or rests of files were left out; see {out / 'report.json'}")
    if not summary["rows"]["validation"]:
        typer.echo("no row is held out, so evaluation will have nothing to read; raise data.validation_share")


def _cores() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    app()
