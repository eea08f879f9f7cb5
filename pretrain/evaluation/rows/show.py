"""`electra evaluate MODEL --corpus CORPUS ...` prints a table with a column for each corpus, and can write JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from configs.common import json_lines
from configs.common.errors import UserError
from configs.common.files import make_folder, write_json
from data_prep.shards import Corpus
from pretrain.evaluation.rows.model import ScoredModel, open_scored_model
from pretrain.evaluation.rows.scores import Score, scores
from pretrain.evaluation.rows.scoring import RowMeasures, measure
from pretrain.evaluation.rows.tokens import token_rows, write_token_rows

_TITLES = {
    "masked_accuracy": "masked accuracy",
    "pseudo_perplexity": "pseudo-perplexity",
    "replaced_share": "replaced",
    "accuracy": "RTD accuracy",
    "precision": "RTD precision",
    "recall": "RTD recall",
    "auc": "RTD AUC",
    "brier": "RTD Brier score",
}


def print_scores(
    model: str,
    folders: list[Path],
    num_rows: int | None,
    generator: str | None = None,
    json_file: Path | None = None,
    tokens_file: Path | None = None,
) -> None:
    """Score a model on the held-out rows of each corpus, and write the files that are named.

    Raises UserError before any corpus is read if one is bad, or if there is no suspicion to write into `tokens_file`.
    """
    corpora = [Corpus(folder) for folder in folders]
    scored = open_scored_model(model, generator)
    if tokens_file and not scored.detects:
        raise UserError(f"{model}: has no discriminator with its head, so it suspects no token; leave out --tokens")
    measures = [(corpus, _measure(scored, corpus, num_rows)) for corpus in corpora]
    results = {str(corpus.folder): _result(rows) for corpus, rows in measures}
    filler = scored.generator.networks["generator"].origin
    console = Console()
    for line in _heading(scored):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(_table(results))
    for folder, result in results.items():
        json_lines.write("scores", model=model, generator=filler, corpus=folder, **result)
    if json_file:
        make_folder(json_file.absolute().parent)
        write_json(json_file, {"model": model, "generator": filler, "corpora": results})
    if tokens_file:
        write_token_rows(tokens_file, (line for corpus, rows in measures for line in token_rows(corpus, rows)))


def _measure(scored: ScoredModel, corpus: Corpus, num_rows: int | None) -> RowMeasures:
    pair, recipe = scored.pair_for(corpus)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return measure(pair.to(device), recipe, corpus, num_rows, detects=scored.detects)


def _result(rows: RowMeasures) -> dict[str, Any]:
    return {"rows": len(rows.slots), "scores": {name: asdict(score) for name, score in scores(rows).items()}}


def _heading(scored: ScoredModel) -> list[str]:
    filler = scored.generator.networks["generator"].origin
    lines = [f"{scored.model.origin}: held-out rows, every masked token hidden, 95 % intervals over rows"]
    if not scored.uses_its_own_generator:
        lines.append(f"the generator of {filler} replaces tokens: masked accuracy and pseudo-perplexity are its scores")
    if not scored.detects:
        lines.append("no scores of detection: the model has no discriminator with its head")
    return [*lines, *scored.remarks()]


def _table(results: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for folder in results:
        table.add_column(folder, justify="right", overflow="fold")
    table.add_row("rows", *(f"{result['rows']:,}" for result in results.values()))
    for name in next(iter(results.values()))["scores"]:
        table.add_row(_TITLES[name], *(_cell(Score(**result["scores"][name])) for result in results.values()))
    return table


def _cell(score: Score) -> str:
    if score.value is None or score.low is None or score.high is None:
        return "-"
    digits = 3 if score.value < 10 else 1
    return f"{score.value:.{digits}f} ({score.low:.{digits}f} to {score.high:.{digits}f})"
