"""Printed tables for `electra inspect RUN` and `electra checkpoint`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from configs.common import json_lines
from configs.common.errors import UserError
from configs.folders import CHECKPOINTS, RECIPE
from configs.load import load
from pretrain.run import checkpoint
from pretrain.run.damage import damage_of
from pretrain.run.logs import read_metrics
from pretrain.watch.history import health_of

# Each metric with the title of its column. Ten columns fit a narrow terminal.
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
    """Print a run's recipe, health, metrics and checkpoints. Raises UserError that names each damaged file."""
    if checkpoint.is_checkpoint(folder):
        _show_checkpoint(folder)
        return
    console = Console()
    if not (folder / RECIPE).is_file():
        raise UserError(f"{folder / RECIPE}: missing, so the run is damaged")
    recipe = load(str(folder / RECIPE))
    console.print(f"run {folder}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"[bold]{recipe.name}[/bold]: {recipe.about}", highlight=False, soft_wrap=True)
    console.print(
        f"{recipe.schedule.steps:,} steps of {recipe.batch.rows} rows; recipe sha256 {recipe.fingerprint()[:12]}"
    )
    lines = read_metrics(folder)
    evaluations = dict.fromkeys(("evaluation", "general", "average"), _EVALUATION)
    for kind, titles in ({"training": _TRAINING} | evaluations).items():
        _print_metrics(console, kind, [line for line in lines if line["kind"] == kind], titles)
    if damage := list(damage_of(folder, recipe)):
        raise UserError("; ".join(damage))
    verdict = health_of(folder)
    for line in verdict.lines() if verdict else ():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    checkpoints = checkpoint.list_checkpoints(folder / CHECKPOINTS)
    for path in checkpoints:
        console.print(f"{path}: complete", highlight=False, markup=False, soft_wrap=True)
    json_lines.write(
        "run",
        run=str(folder),
        recipe=recipe.name,
        fingerprint=recipe.fingerprint(),
        step=max((line["step"] for line in lines), default=0),
        num_steps=recipe.schedule.steps,
        **{kind: _last(lines, kind) for kind in ("training", *evaluations)},
        health=verdict.facts() if verdict else None,
        checkpoints=list(map(str, checkpoints)),
    )


def _show_checkpoint(folder: Path) -> None:
    """Verify a checkpoint and print what it holds. Raises UserError that names the damaged file."""
    state, recipe = checkpoint.verify(folder), load(str(folder / RECIPE))
    num_bytes = _num_bytes(folder)
    facts = {"recipe": recipe.name, "bytes": num_bytes} | state.model_dump(exclude={"recipe"})
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    console = Console()
    console.print(f"checkpoint {folder}", highlight=False, markup=False, soft_wrap=True)
    console.print(table)
    json_lines.write("checkpoint", checkpoint=str(folder), **facts, fingerprint=state.recipe)


def _last(lines: list[dict], kind: str) -> dict | None:
    return next((line for line in reversed(lines) if line["kind"] == kind), None)


def _num_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def list_checkpoints(run: Path) -> None:
    """Verify the checkpoints of a run, print a line for each, and then a sentence for each that is not whole."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("step", "time", "MB", "processes", "ZeRO", ""):
        table.add_column(title, justify="right" if title in ("step", "MB", "processes", "ZeRO") else "left")
    damage: list[str] = []
    for folder in _checkpoints(run):
        size = _num_bytes(folder)
        known, condition = ("", "", ""), "whole"
        try:
            state = checkpoint.verify(folder)
            known = (state.time, str(state.processes), str(state.zero_stage))
        except UserError as error:
            condition = "damaged"
            damage.append(str(error))
        when, processes, stage = known
        step = f"{checkpoint.step_number(folder):,}"
        table.add_row(step, when, f"{size / 1e6:,.1f}", processes, stage, condition)
    console = Console()
    console.print(table)
    for sentence in damage:
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def verify_checkpoints(folder: Path) -> None:
    """Verify a checkpoint, or every checkpoint of a run. Raises UserError that names each damaged checkpoint."""
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
    folders = checkpoint.list_checkpoints(run / CHECKPOINTS)
    if not folders:
        raise UserError(f"{run}: holds no checkpoint; name a run, or a folder below its {CHECKPOINTS}")
    return folders


def _print_metrics(console: Console, title: str, lines: list[dict], titles: dict[str, str]) -> None:
    """Print a table with at most `_MOST_LINES` of the lines, evenly spread and including the last line."""
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
    """Format a number with few digits. A value that was not finite, None, becomes a dash."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"
