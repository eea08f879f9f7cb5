"""The commands `electra pretrain`, `evaluate`, `export`, `checkpoint`, and `python -m pretrain ...` for torchrun."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from configs.common import json_lines
from configs.common.cli import (
    ContinueFrom,
    CorpusFolder,
    General,
    InitFrom,
    Overrides,
    RecipeName,
    RunFolder,
    application,
    refuse_both,
    run,
)
from pretrain.export.options import Format, Part, Quantization, Weights
from pretrain.proofread.commands import proofread, try_

app = application()
checkpoints = application(help="Look at the checkpoints of a run.")
app.add_typer(checkpoints, name="checkpoint")
app.command("try")(try_)
app.command()(proofread)


class Resume(StrEnum):
    auto = "auto"
    never = "never"


class AxisName(StrEnum):
    step = "step"
    tokens = "tokens"
    flops = "flops"
    hours = "hours"


@app.command()
def pretrain(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    corpus: CorpusFolder,
    run: RunFolder,
    resume: Annotated[Resume, typer.Option(help="auto: resume from the newest valid checkpoint.")] = Resume.auto,
    init_from: InitFrom = None,
    continue_from: ContinueFrom = None,
    general: General = None,
    verify: Annotated[bool, typer.Option(help="Compare the sha256 of every shard before training.")] = False,
) -> None:
    """Train generator and discriminator together.

    The tables data, vocabulary and masking of the recipe are taken from the corpus. After an interruption of any kind,
    the same command resumes the run, with any number of processes. To train a finished run longer, with another
    learning rate or batch, or on other text, begin a new run with --continue-from: its steps and its schedule start at
    0, and it reads the rows that the earlier run would have read next if the corpus is the same. Exit code 75
    means that the run was asked to stop (by SIGTERM, SIGINT or SIGUSR1) and has saved; RUN/stopped.json then exists
    until the run is resumed.
    """
    from pretrain.run.signals import StopOnSignal

    # Signals are caught before torch is imported, because the import takes seconds and a signal may arrive meanwhile.
    with StopOnSignal() as stop:
        from configs.common.errors import EXIT_UNFINISHED
        from configs.load import read, read_stated

        refuse_both(init_from, continue_from)
        tables, stated = read(recipe, overrides or ()), read_stated(recipe, overrides or ())

        from data_prep.shards import Corpus
        from pretrain.released.beginning import RecipeRequest
        from pretrain.step.world import join, leave
        from pretrain.train import train

        # One process of each node verifies the corpus, because every node may have its own copy.
        opened = Corpus(corpus, verify=verify and os.environ.get("LOCAL_RANK", "0") == "0")
        general_corpus = Corpus(general) if general else None
        request = RecipeRequest(recipe, tables, stated, init_from, continue_from)
        world = join()
        try:
            beginning = request.complete(opened, run, world)
            finished = train(
                beginning.recipe,
                opened,
                run,
                world,
                resume.value,
                stop.asked,
                beginning.weights,
                general_corpus,
                beginning.continuation,
            )
        finally:
            leave()
    if not finished:
        sys.exit(EXIT_UNFINISHED)
    if world.is_main:
        step = beginning.recipe.schedule.steps
        json_lines.write("finished", run=str(run), step=step)
        typer.echo(f"{run}: trained to step {step:,}; `electra export {run} --out DIR` makes the models")
        from pretrain.watch.report import report_at_the_end

        if failure := report_at_the_end(run):
            typer.echo(failure)


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A run, a checkpoint, an export, or a released model.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="Of fine-tuning: key=value ...")] = None,
    *,
    corpus: Annotated[list[Path] | None, typer.Option(help="A corpus with held-out rows; as often as needed.")] = None,
    task: Annotated[list[Path] | None, typer.Option(help="A folder of a labelled task; as often as needed.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="How many held-out rows; by default all.")] = None,
    generator: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Whose generator replaces tokens; by default its own.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often each task is fine-tuned.")] = 5,
    against: Annotated[str | None, typer.Option(metavar="MODEL", help="Another model, for the same tasks.")] = None,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Also write every number into this file.")] = None,
    picture: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Of tasks: also draw them into this .svg.")
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Of corpora: also write every token with its suspicion into this .jsonl."),
    ] = None,
) -> None:
    """Score generator and discriminator on the held-out rows of corpora, or the discriminator fine-tuned on tasks.

    With --json, results are saved after every seed of a fine-tuning, and after an interruption the same command
    resumes. Exit code 75 means that the command was asked to stop (by SIGTERM, SIGINT or SIGUSR1).
    """
    from configs.common.errors import UserError

    if bool(corpus) == bool(task):
        raise UserError("evaluate: give --corpus or --task, and not both")
    if corpus:
        from pretrain.evaluation.rows.show import print_scores

        _of_tasks_alone(overrides=overrides, against=against, picture=picture)
        print_scores(model, corpus, rows, generator, json, tokens)
    elif task:
        from pretrain.run.signals import StopOnSignal

        if rows or generator or tokens:
            raise UserError("evaluate: --rows, --generator and --tokens are for --corpus, and this is --task")
        with StopOnSignal() as stop:
            from pretrain.evaluation.tasks.show import print_tasks

            models = [model, *([against] if against else [])]
            print_tasks(models, task, seeds, overrides or (), json, picture, stop.asked)


def _of_tasks_alone(**given: object) -> None:
    from configs.common.errors import UserError

    for name, value in given.items():
        if value:
            what = "key=value" if name == "overrides" else f"--{name}"
            raise UserError(f"evaluate: {what} is for --task, and this is --corpus")


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="A run, a checkpoint, an export, or a released model.")],
    *,
    out: Annotated[Path, typer.Option(help="A new folder; it appears when the export is proved.")],
    part: Annotated[
        Part, typer.Option(help="Which of the two networks; both: every one that the model has.")
    ] = Part.both,
    format: Annotated[Format, typer.Option(help="Which software loads it.")] = Format.huggingface,
    checkpoint: Annotated[
        str, typer.Option(metavar="best|last|STEP", help="Which checkpoint of a run; best needs --metric.")
    ] = "last",
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="A score of the held-out evaluations in the run's metrics.")
    ] = None,
    average: Annotated[
        int, typer.Option(min=1, metavar="N", help="The mean of N checkpoints, the chosen one and those before it.")
    ] = 1,
    weights: Annotated[
        Weights, typer.Option(help="average: the moving average that the run kept (optimizer.average_decay).")
    ] = Weights.raw,
    layers: Annotated[
        int | None, typer.Option(min=1, metavar="K", help="Cut the discriminator after layer K, for embeddings.")
    ] = None,
    quantize: Annotated[
        Quantization | None, typer.Option(help="Of --format onnx: also files with weights of 8 bits, and their cost.")
    ] = None,
    quantize_bound: Annotated[
        float | None, typer.Option(min=0, metavar="LOSS", help="Of --quantize: the highest cost, by default 0.01.")
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="Rows for the proof and for --quantize; by default the corpus of the run.")
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Upload to the Hugging Face hub too; without --yes, only show it."),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Of --push: everybody may read it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Of --push: upload now.")] = False,
    revisions: Annotated[
        str | None, typer.Option(metavar="STEP,...", help="Of --push: these checkpoints too, as revisions step-STEP.")
    ] = None,
) -> None:
    """Write the networks of a model for other software, and prove that each gives the outputs of the model.

    With --push and --yes, each network becomes a repository of the Hugging Face hub, private unless --public is given:
    OWNER/NAME-discriminator and OWNER/NAME-generator, or OWNER/NAME if there is only one. It uses the token of
    `hf auth login`, or HF_TOKEN.
    """
    from configs.common.errors import UserError
    from pretrain.export.checkpoints import Choice
    from pretrain.export.folder import Order
    from pretrain.export.folder import export as write
    from pretrain.export.quantization import BOUND

    if quantize_bound is not None and not quantize:
        raise UserError("export: --quantize-bound is for --quantize")
    bound = (BOUND if quantize_bound is None else quantize_bound) if quantize else None
    choice = Choice(checkpoint, metric, average, weights.value)
    order = Order(format.value, None if part is Part.both else part.value, choice, layers, bound, corpus)
    if push:
        from pretrain.export.push import Destination
        from pretrain.export.push import push as upload

        for line in upload(model, out, order, Destination.of(push, public=public, revisions=revisions), upload=yes):
            typer.echo(line)
        return
    for name, value in {"public": public, "yes": yes, "revisions": revisions}.items():
        if value:
            raise UserError(f"export: --{name} is for --push")
    for folder, proof in write(model, out, order):
        for line in proof.lines():
            typer.echo(f"{folder}: {line}")
        json_lines.write("export", folder=str(folder), format=format.value, **proof.values())


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Runs, which may still be training.")],
    out: Annotated[Path | None, typer.Option(help="The page; by default report.html in the folder of one run.")] = None,
    by: Annotated[AxisName, typer.Option(help="What the curves are drawn over.")] = AxisName.step,
) -> None:
    """Write one page about a run, or about several runs over each other: curves, health, speed, data and commands."""
    from configs.common.errors import UserError
    from pretrain.watch.report import PAGE, write_report

    if len(runs) > 1 and not out:
        raise UserError("report: the page of several runs belongs to none of their folders; name a file with --out")
    page = out or runs[0] / PAGE
    write_report(runs, page, by.value)
    typer.echo(f"{page}: curves, health, speed, data and commands")


@checkpoints.command("list")
def list_(run: Annotated[Path, typer.Argument(help="A run.")]) -> None:
    """Print step, time, size and layout of each checkpoint, and whether it is whole. Any layout reads all of them."""
    from pretrain.show import list_checkpoints

    list_checkpoints(run)


@checkpoints.command()
def verify(folder: Annotated[Path, typer.Argument(help="A run, or one of its checkpoints.")]) -> None:
    """Compare every file with the manifest. Exit code 2 means that a file is damaged; the message names it."""
    from pretrain.show import verify_checkpoints

    verify_checkpoints(folder)


if __name__ == "__main__":
    run(app)
