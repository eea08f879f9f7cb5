"""The `electra` command offers the commands of all packages under one name. It imports heavy packages only on use."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import data_prep.__main__ as data_prep_commands
import launch.sweep.__main__ as sweep_commands
import pretrain.__main__ as pretrain_commands
from configs.common.cli import (
    ContinueFrom,
    CorpusFolder,
    General,
    InitFrom,
    JsonLines,
    Overrides,
    RecipeName,
    Verbose,
    application,
    run,
)
from configs.common.errors import UserError
from configs.folders import CHECKPOINTS, CORPUS_MANIFEST, METRICS, RECIPE, TOKENIZER_FILE

app = application(
    help="Pretrain ELECTRA encoders: prepare a corpus, train generator and discriminator, export the pair.",
    add_completion=True,
)


class Launcher(StrEnum):
    torchrun = "torchrun"
    deepspeed = "deepspeed"


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"electra {version('electra-pretraining')}")
        raise typer.Exit


@app.callback()
def electra(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    json: JsonLines = False,
    verbose: Verbose = False,
) -> None:
    """Define the options of `electra` itself. Its help text is stated where `app` is created."""


class SplitName(StrEnum):
    train = "train"
    validation = "validation"


@app.command()
def inspect(
    folder: Annotated[
        Path, typer.Argument(help="A corpus, a run, a checkpoint, an export, or the folder of a released model.")
    ],
    split: Annotated[SplitName, typer.Option(help="Of a corpus: which rows.")] = SplitName.train,
    row: Annotated[int, typer.Option(min=0, help="Of a corpus: the first row shown.")] = 0,
    rows: Annotated[int, typer.Option(min=0, help="Of a corpus: how many rows are shown.")] = 3,
    verify: Annotated[bool, typer.Option(help="Of a corpus: compare the sha256 of every file.")] = False,
) -> None:
    """Show what is inside a corpus, a run, a checkpoint or a model."""
    if (folder / CORPUS_MANIFEST).is_file() and (folder / TOKENIZER_FILE).is_file():
        from data_prep.show import show_corpus

        show_corpus(folder, split.value, row, rows, verify=verify)
    elif any((folder / name).exists() for name in (RECIPE, METRICS, CHECKPOINTS)):
        from pretrain.show import show_run

        show_run(folder)
    elif folder.exists() or list(folder.parent.glob(f"{folder.name}.index")):
        from pretrain.released.show import show_model

        show_model(str(folder))
    else:
        raise UserError(f"{folder}: no such folder; name a corpus, a run, an export or a released model")


@app.command()
def adapt(
    model: Annotated[str, typer.Argument(help="A released model, a run or an export, as --init-from accepts.")],
    overrides: Overrides = None,
    *,
    text: Annotated[list[str], typer.Option(help="Your text, as data.sources takes it; as often as needed.")],
    out: Annotated[Path, typer.Option(help="A new folder for all results; report.html shows them.")],
    general: Annotated[
        str | None, typer.Option(help="General text, or a corpus prepared from it: is anything forgotten?")
    ] = None,
    mix: Annotated[
        float | None, typer.Option(min=0.001, help="Also train on general text: how often each document, on average.")
    ] = None,
    task: Annotated[
        list[Path] | None, typer.Option(help="A labelled task, fine-tuned before and after; as often as needed.")
    ] = None,
    task_key: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Of fine-tuning.")] = None,
    seeds: Annotated[int, typer.Option(min=2, help="How often each task is fine-tuned.")] = 5,
    rows: Annotated[int, typer.Option(min=2, help="How many held-out rows of each text are scored.")] = 1000,
    recipe: Annotated[str, typer.Option(help="A recipe that continues from a model.")] = "adapt",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the parts and an estimate of their time.")] = False,
) -> None:
    """Adapt a released model to your text: prepare, train, score before and after, fine-tune, export, one page.

    Each part is a command of its own, which is printed. After an interruption of any kind, the same command resumes.
    Exit code 75 means that it was asked to stop (by SIGTERM, SIGINT or SIGUSR1).
    """
    from launch.adapt.command import adapt as execute
    from launch.adapt.command import plan
    from launch.adapt.order import Order

    order = Order(
        model=model,
        text=tuple(text),
        out=out,
        recipe=recipe,
        overrides=tuple(overrides or ()),
        general=general,
        mix=mix,
        tasks=tuple(task or ()),
        rows=rows,
        seeds=seeds,
        task_keys=tuple(task_key or ()),
    )
    if dry_run:
        plan(order)
    else:
        execute(order)


@app.command()
def submit(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    corpus: CorpusFolder,
    run: Annotated[Path | None, typer.Option(help="The folder of the run.")] = None,
    stage: Annotated[
        str, typer.Option(metavar="STAGE,...", help="Of prepare, pretrain, evaluate and export.")
    ] = "pretrain",
    init_from: InitFrom = None,
    continue_from: ContinueFrom = None,
    general: General = None,
    on: Annotated[str, typer.Option(metavar="MACHINE", help="See `electra machines`.")] = "local",
    nodes: Annotated[int, typer.Option(min=1, help="How many nodes train, and how many jobs prepare.")] = 1,
    processes: Annotated[
        int | None, typer.Option(min=1, help="On each node; by default one for each GPU, else core.")
    ] = None,
    launcher: Annotated[Launcher | None, typer.Option(help="What starts processes, on this machine.")] = None,
    hostfile: Annotated[
        Path | None, typer.Option(help="Nodes for --launcher deepspeed, lines of NAME slots=GPUS.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the submission without starting it.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the jobs until they have ended.")] = False,
) -> None:
    """Start stages of a recipe as jobs, each after the one whose result it needs.

    The models are written to RUN/export. The same command, given again, continues unfinished work.
    """
    from launch.follow import follow
    from launch.machines import find
    from launch.submit import Order, stages_of, submit

    machine = find(on)
    if launcher or hostfile:
        machine = machine.started_by(launcher.value if launcher else None, hostfile)
    order = Order(
        recipe,
        tuple(overrides or ()),
        stages_of(stage),
        corpus,
        run,
        nodes,
        processes,
        init_from,
        continue_from,
        general,
    )
    submission = submit(order, on, machine, dry_run=dry_run)
    if submission:
        for line in submission.lines():
            typer.echo(line)
        if watch:
            follow(submission)


@app.command()
def machines() -> None:
    """List the machines that `electra submit --on` knows."""
    from launch.machines import files
    from launch.machines import machines as known

    for name, (machine, origin) in known().items():
        has = f"{machine.nodes:,} node{'s' * (machine.nodes > 1)}"
        has += f" of {machine.gpus} GPUs" if machine.gpus else ""
        typer.echo(f"{name:<12} {machine.backend:<12} {has:<24} {origin}")
    typer.echo(f"more are named in {' or '.join(map(str, files()))}; docs/clusters.md says how")


@app.command()
def status(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Runs, or corpora.")],
) -> None:
    """Show how far runs are and whether they are healthy.

    Their folders tell it, and so does the scheduler if it can be asked from here.
    """
    from configs.common import json_lines
    from launch.status import status as status_of

    for folder in folders:
        shown = status_of(folder)
        typer.echo("\n".join(shown.lines()))
        json_lines.write("status", **shown.facts())


@app.command()
def logs(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run, or a corpus.")],
    stage: Annotated[str | None, typer.Option(help="By default the last one that has printed something.")] = None,
    lines: Annotated[int, typer.Option(min=1, help="How many, from the end of each log.")] = 50,
) -> None:
    """Print the output of the jobs of a submitted run."""
    from launch.status import newest_log, tail
    from launch.submit import stages_of

    for log in newest_log(folder, stages_of(stage)[0] if stage else None):
        typer.echo(f"==> {log} <==" if isinstance(log, Path) else f"its output is where this shows it: {log}")
        for line in tail(log, lines) if isinstance(log, Path) else ():
            typer.echo(line, nl=False)


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(help="A shipped recipe, or the path of a TOML file.")] = None,
    overrides: Overrides = None,
) -> None:
    """List the shipped recipes, or print every key of a recipe with the file that states it."""
    from launch.recipes import keys_with_origins, listing

    typer.echo("\n".join(keys_with_origins(name, overrides or ()) if name else listing()))


@app.command()
def plan(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    gpu: Annotated[str, typer.Option(help="Of which kind, such as h200; a wrong one lists them all.")],
    gpus: Annotated[int, typer.Option(min=1, help="How many in each node.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="How many nodes.")] = 1,
    budget: Annotated[
        float | None, typer.Option(min=0.01, metavar="HOURS", help="What fits into so many hours?")
    ] = None,
    text_bytes: Annotated[str | None, typer.Option(metavar="SIZE", help="What a text, such as 180GB, needs.")] = None,
    language: Annotated[str, typer.Option(help="Of --text-bytes: english or chinese.")] = "english",
    network: Annotated[str, typer.Option(help="Of --text-bytes: the network adapters of a node.")] = "ndr-8",
) -> None:
    """Estimate the memory, time and disk of a run, what fits into hours of GPUs, or what a large text needs."""
    from configs.load import from_tables, read
    from launch import budget as budgets
    from launch import plan as plans
    from launch import scale

    tables = read(recipe, overrides or ())
    if "discriminator" not in tables.get("model", {}):
        raise UserError(f"{recipe}: takes the shape of a released model; plan a recipe of that shape, such as base")
    if budget and text_bytes:
        raise UserError("plan: give --budget or --text-bytes, and not both")
    checked, total = from_tables(tables, recipe), nodes * gpus
    if budget:
        typer.echo("\n".join(budgets.lines(checked, budget, total, gpu)))
        return
    planned = plans.plan(checked, total, gpu)
    of_text = scale.lines(scale.scale(text_bytes, language, planned, nodes, network)) if text_bytes else None
    typer.echo("\n".join(of_text or plans.lines(planned)))


for room in (data_prep_commands, pretrain_commands, sweep_commands):
    app.registered_commands += room.app.registered_commands
    app.registered_groups += room.app.registered_groups


def main() -> None:
    run(app, "electra")


if __name__ == "__main__":
    main()
