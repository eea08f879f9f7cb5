"""`electra inspect RUN|MODEL` and `electra evaluate`: what is inside, printed."""

from __future__ import annotations

from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from configs.errors import UserError
from configs.files import read_json, sha256_of
from configs.load import from_tables, load
from data_prep.shards import Corpus
from pretrain import checkpoint
from pretrain.checkpoint import RECIPE
from pretrain.evaluate import evaluate
from pretrain.logs import read_metrics
from pretrain.run import CHECKPOINTS
from pretrain.saved import open_pair
from pretrain.world import World

# Metrics with the titles of their columns, ten of which fit a narrow terminal.
_LOSSES = {"mlm_loss": "mlm", "rtd_loss": "rtd", "mts_loss": "mts", "csp_loss": "csp"}
_TRAINING = {
    "loss": "loss",
    **_LOSSES,
    "masked_accuracy": "masked",
    "replaced_share": "replaced",
    "gradient_norm": "norm",
    "tokens_per_second": "tokens/s",
    "mfu": "mfu",
}
_EVALUATION = {
    **_LOSSES,
    "masked_accuracy": "masked",
    "sampled_accuracy": "sampled",
    "auc": "auc",
    "precision": "precision",
    "recall": "recall",
}
_MOST_LINES = 12


def show_run(folder: Path) -> None:
    """Print a run's recipe, its losses and its checkpoints, each verified."""
    console = Console()
    recipe = load(str(folder / RECIPE))
    console.print(f"[bold]{recipe.name}[/bold]: {recipe.about}", highlight=False, soft_wrap=True)
    console.print(
        f"{recipe.schedule.steps:,} steps of {recipe.batch.rows} rows; recipe sha256 {recipe.fingerprint()[:12]}"
    )
    lines = read_metrics(folder)
    for kind, titles in (("training", _TRAINING), ("evaluation", _EVALUATION)):
        _print_metrics(console, kind, [line for line in lines if line["kind"] == kind], titles)
    for found in checkpoint.found(folder / CHECKPOINTS):
        try:
            checkpoint.verify(found)
            console.print(f"{found}: complete", highlight=False, soft_wrap=True)
        except UserError as error:
            console.print(f"[red]{error}[/red]", highlight=False, soft_wrap=True)


def list_checkpoints(run: Path) -> None:
    """Print a line for each checkpoint of a run, verified, and then what is wrong with those that are not whole."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("step", "time", "MB", "processes", "ZeRO", ""):
        table.add_column(title, justify="right" if title in ("step", "MB", "processes", "ZeRO") else "left")
    damage: list[str] = []
    for folder in _checkpoints(run):
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        known, condition = ("", "", ""), "whole"
        try:
            state = checkpoint.verify(folder)
            known = (state.time, str(state.processes), str(state.zero_stage))
        except UserError as error:
            condition = "damaged"
            damage.append(str(error))
        when, processes, stage = known
        step = f"{checkpoint.step_of(folder):,}"
        table.add_row(step, when, f"{size / 1e6:,.1f}", processes, stage, condition)
    console = Console()
    console.print(table)
    for sentence in damage:
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def verify_checkpoints(folder: Path) -> None:
    """Verify a checkpoint, or every one of a run; raises UserError naming each file that is damaged."""
    chosen = [folder] if checkpoint.is_checkpoint(folder) else _checkpoints(folder)
    damage: list[str] = []
    for candidate in chosen:
        try:
            checkpoint.verify(candidate)
            print(f"{candidate}: whole")
        except UserError as error:
            damage.append(str(error))
    if damage:
        raise UserError("; ".join(damage))


def _checkpoints(run: Path) -> list[Path]:
    folders = checkpoint.found(run / CHECKPOINTS)
    if not folders:
        raise UserError(f"{run}: holds no checkpoint; name a run, or a folder below its {CHECKPOINTS}")
    return folders


def show_model(folder: Path) -> None:
    """Print an exported model's shape and parameters; nothing but its JSON and the header of its tensors is read."""
    from safetensors import safe_open

    console = Console()
    config = read_json(folder / "config.json")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for key, value in config.items():
        table.add_row(key, str(value))
    console.print(table)
    with safe_open(folder / "model.safetensors", framework="pt") as tensors:
        shapes = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118  not a mapping
    num_parameters = sum(torch.Size(shape).numel() for shape in shapes.values())
    console.print(f"{len(shapes)} tensors, {num_parameters:,} parameters")


def print_scores(model: Path, corpus_folder: Path, num_rows: int | None) -> None:
    """Print the scores of a saved pair on a corpus's held-out rows."""
    corpus = Corpus(corpus_folder)
    saved = open_pair(model)
    if sha256_of(saved.run / "vocab.txt") != corpus.manifest.vocabulary.files["vocab.txt"]:
        raise UserError(f"{corpus_folder}: has another vocabulary than {saved.run}; prepare the text with {saved.run}")
    if corpus.data.row_length > saved.recipe.model.max_positions:
        raise UserError(
            f"{corpus_folder}: has rows of {corpus.data.row_length} tokens, and the model has "
            f"{saved.recipe.model.max_positions} positions; prepare the text with a smaller data.row_length"
        )
    tables = {"data": corpus.data.model_dump(mode="json"), "masking": corpus.masking.model_dump(mode="json")}
    recipe = from_tables(saved.recipe.tables() | tables, str(corpus_folder))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    world = World(0, 1, device, None)
    num_rows = num_rows or corpus.num_rows("validation")
    scores = evaluate(saved.pair.to(device), corpus, recipe, world, torch.float32, num_rows)
    if not scores:
        raise UserError(f"{corpus_folder}: holds no held-out rows; prepare it with a higher data.validation_share")
    console = Console()
    shown = min(num_rows, corpus.num_rows("validation"))
    console.print(f"{saved.checkpoint} on {shown:,} held-out rows", highlight=False, soft_wrap=True)
    _print_metrics(console, "evaluation", [{"step": saved.state.step, **scores}], _EVALUATION)


def _print_metrics(console: Console, title: str, lines: list[dict], titles: dict[str, str]) -> None:
    """A table with at most `_MOST_LINES` lines, spread evenly, the last among them."""
    if not lines:
        return
    stride = -(-len(lines) // _MOST_LINES)
    shown = lines[::-1][::stride][::-1]
    present = [name for name in titles if name in lines[-1]]
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    for title in ("step", *(titles[name] for name in present)):
        table.add_column(title, justify="right")
    for line in shown:
        table.add_row(f"{line['step']:,}", *(_number(line.get(name)) for name in present))
    console.print(table)


def _number(value: float | None) -> str:
    """A number in few digits; a dash for a loss that was not finite."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"
