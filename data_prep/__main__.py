"""The command of this package: `electra prepare`, or `python -m data_prep`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from configs.common import json_lines
from configs.common.cli import InitFrom, Overrides, RecipeName, application, run
from configs.common.errors import UserError
from configs.recipe import CorpusRecipe

app = application()
# The keys of report.json that are in the line of `electra --json prepare`.
_FACTS = ("rows", "row_length", "rows_filled", "unknown_share", "invalid_sequences", "num_skipped", "warnings")


class ExecutorName(StrEnum):
    local = "local"
    slurm = "slurm"
    ray = "ray"


@app.command()
def prepare(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    out: Annotated[Path, typer.Option(help="The folder of the corpus.")],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes, or jobs of Slurm; by default one for each core, or task.")
    ] = None,
    engine: Annotated[ExecutorName, typer.Option(help="Where the tasks run.")] = ExecutorName.local,
    task: Annotated[
        str | None, typer.Option(metavar="i/n", help="Only the i-th of n shares; other processes do the others.")
    ] = None,
    sbatch: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of sbatch, such as partition=cpu.")
    ] = None,
    megatron: Annotated[
        bool, typer.Option("--megatron", help="Also write the documents as Megatron's .bin and .idx.")
    ] = False,
    init_from: InitFrom = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much there is to do; write nothing.")] = False,
) -> None:
    """Make a corpus: turn text into masked, memory-mapped rows.

    If the command is interrupted, run the same command again. It continues from the finished tasks.
    """
    from data_prep import prepare as room
    from data_prep.estimate import estimate
    from data_prep.executors import local, ray

    if engine is not ExecutorName.slurm and sbatch:
        raise UserError(f"--sbatch {sbatch[0]}: is for --engine slurm, and this is {engine.value}")
    if engine is not ExecutorName.local and task:
        raise UserError(f"--task {task}: is a share for this machine, and --engine {engine.value} shares by itself")
    loaded = load_corpus_recipe(recipe, overrides or [], init_from)
    if dry_run:
        estimated = estimate(loaded, workers or local.cores())
        typer.echo(str(estimated))
        json_lines.write("estimate", **estimated.values())
        for sentence in estimated.warnings:
            typer.echo(f"warning: {sentence}", err=True)
        return
    if task:
        unfinished = room.share(loaded, out, workers, *_share(task), megatron=megatron)
        if unfinished:
            typer.echo(f"{out}: share {task} is finished; tasks that other shares still have: {unfinished:,}")
            return
    elif engine is ExecutorName.slurm:
        arguments = [recipe, *(overrides or ()), *(["--megatron"] if megatron else [])]
        arguments += ["--init-from", init_from] if init_from else []
        room.submit(loaded, out, workers, arguments, sbatch or (), megatron=megatron)
    else:
        room.prepare(loaded, out, workers, ray.run if engine is ExecutorName.ray else local.run, megatron=megatron)
    _say(out)


def load_corpus_recipe(recipe: str, overrides: Sequence[str], init_from: str | None) -> CorpusRecipe:
    """Read the recipe for a preparation. A recipe without a vocabulary takes that of the model `init_from`."""
    from configs.load import for_corpus, read
    from configs.recipe import flatten
    from data_prep.released import refuse_long_rows, refuse_other_generator, vocabulary_keys

    tables = read(recipe, overrides)
    vocabulary = tables.get("vocabulary", {})
    if init_from:
        vocabulary_table = {"vocabulary": vocabulary_keys(init_from, vocabulary.get("extend", 0))}
        loaded = for_corpus(read(recipe, overrides, vocabulary_table), recipe)
        if "max_positions" not in tables.get("model", {}):
            refuse_long_rows(init_from, loaded.data.row_length)
        if isinstance(generator := flatten(tables).get("initial.generator_from"), str):
            refuse_other_generator(init_from, generator)
        return loaded
    if vocabulary and "source" not in vocabulary:
        raise UserError(f"{recipe}: takes the vocabulary of a released model; name that model with --init-from")
    return for_corpus(tables, recipe)


def _share(task: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", task)
    if not match or int(match[1]) >= int(match[2]):
        raise UserError(f"--task {task}: must be i/n, with i from 0 to n - 1, such as 0/8")
    return int(match[1]), int(match[2])


def _say(out: Path) -> None:
    from configs.common.files import read_json
    from data_prep.report import left_out

    summary = read_json(out / "report.json")
    json_lines.write("corpus", corpus=str(out), **{key: summary[key] for key in _FACTS})
    typer.echo(
        f"{out}: {summary['rows']['train']:,} training rows and {summary['rows']['validation']:,} held-out rows of "
        f"{summary['row_length']} tokens, {100 * summary['rows_filled']:.1f} % filled; "
        f"{100 * summary['unknown_share']:.3f} % unknown tokens; see {out / 'report.html'}"
    )
    for sentence in summary["warnings"]:
        typer.echo(f"warning: {sentence}")
    if summary["invalid_sequences"]:
        typer.echo(f"{summary['invalid_sequences']:,} byte sequences were no text and were replaced by U+FFFD")
    if summary["num_skipped"]:
        typer.echo(f"left out: {left_out(summary)}; see {out / 'report.json'}")
    if not summary["rows"]["validation"]:
        typer.echo("no row is held out, so evaluation will have nothing to read; raise data.validation_share")


if __name__ == "__main__":
    run(app)
