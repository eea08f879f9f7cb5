"""The `electra` command: the commands of every room under one name, light to import."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import data_prep.__main__ as data_prep_commands
import pretrain.__main__ as pretrain_commands
from configs.cli import CorpusFolder, General, InitFrom, Overrides, RecipeName, RunFolder, application
from configs.errors import UserError

app = application(
    help="Pretrain ELECTRA encoders: prepare a corpus, train generator and discriminator, export the pair."
)


class SplitName(StrEnum):
    train = "train"
    validation = "validation"


@app.command()
def inspect(
    folder: Annotated[Path, typer.Argument(help="A corpus, a run, or an exported model.")],
    split: Annotated[SplitName, typer.Option(help="Of a corpus: which rows.")] = SplitName.train,
    row: Annotated[int, typer.Option(min=0, help="Of a corpus: the first row shown.")] = 0,
    rows: Annotated[int, typer.Option(min=0, help="Of a corpus: how many rows are shown.")] = 3,
    verify: Annotated[bool, typer.Option(help="Of a corpus: compare the sha256 of every file.")] = False,
) -> None:
    """Show what is inside a corpus, a run or a model."""
    if (folder / "manifest.json").is_file() and (folder / "tokenizer.json").is_file():
        from data_prep.show import show_corpus

        show_corpus(folder, split.value, row, rows, verify=verify)
    elif (folder / "recipe.toml").is_file():
        from pretrain.show import show_run

        show_run(folder)
    elif (folder / "config.json").is_file():
        from pretrain.show import show_model

        show_model(folder)
    else:
        raise UserError(f"{folder}: is no corpus (manifest.json), no run (recipe.toml) and no model (config.json)")


@app.command()
def submit(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    corpus: CorpusFolder,
    run: RunFolder,
    init_from: InitFrom = None,
    general: General = None,
    on: Annotated[str, typer.Option(help="The machine; `local` is this one.")] = "local",
    nodes: Annotated[int, typer.Option(min=1, help="How many nodes.")] = 1,
    processes: Annotated[
        int | None, typer.Option(min=1, help="On each node; by default one for each GPU, else core.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the command, start nothing.")] = False,
) -> None:
    """Pretrain on several devices as a job."""
    from configs.load import load
    from launch.submit import submit as start

    arguments = [recipe, "--corpus", str(corpus), "--run", str(run), *(overrides or ())]
    arguments += ["--general", str(general)] if general else []
    if init_from:  # only the job reads the model, and knows the shape that the recipe gets from it
        start([*arguments, "--init-from", init_from], None, corpus, on, nodes, processes, dry_run=dry_run)
    else:
        start(arguments, load(recipe, overrides or ()), corpus, on, nodes, processes, dry_run=dry_run)


for room in (data_prep_commands, pretrain_commands):
    app.registered_commands += room.app.registered_commands
    app.registered_groups += room.app.registered_groups


def main() -> None:
    app()


if __name__ == "__main__":
    main()
