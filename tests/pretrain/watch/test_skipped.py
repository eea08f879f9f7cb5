"""A series of skipped steps ends a run, and its first rows are written with the losses that the pair gives them.

Whole runs with skipped steps, and several processes, are in tests/integration/test_skipped.py.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from configs.common.errors import UserError
from data_prep.shards import Corpus
from pretrain.model.batch import Batch
from pretrain.run.folder import RunFolder, Start
from pretrain.run.trained_model import open_pair
from pretrain.step.engine import Engine
from pretrain.step.loader import Loader
from pretrain.step.world import World
from pretrain.watch.skipped import check, may_be_too_many
from tests.trained import run as run

FIRST_ROW = 5
FINITE, INFINITE, NAN = torch.tensor(1.0), torch.tensor(torch.inf), torch.tensor(torch.nan)


@pytest.fixture
def engine(run: Path, world: World) -> Engine:
    """Return an engine whose run ends after three skipped steps in a row, and whose losses are the same everywhere."""
    trained = open_pair(run)
    tables = {
        "run": trained.recipe.run.model_copy(update={"stop_after_skipped": 3}),
        "compute": trained.recipe.compute.model_copy(update={"precision": "fp32"}),
    }
    return Engine(trained.pair, trained.recipe.model_copy(update=tables), world)


@pytest.fixture
def folder(engine: Engine, corpus: Corpus, world: World, tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path, engine.recipe, corpus, world)


def _skip(engine: Engine, *norms: torch.Tensor) -> None:
    for norm in norms:
        engine.skips.add(norm)


def _rows_of_the_end(folder: RunFolder, engine: Engine, done: int) -> list[dict[str, Any]]:
    _skip(engine, NAN, INFINITE, NAN)
    with pytest.raises(UserError):
        check(folder, engine, done, Start(0, first_row=FIRST_ROW))
    file = folder.folder / f"skipped-{done - 2:08d}.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _batch(folder: RunFolder, step: int) -> Batch:
    with Loader(folder.corpus, folder.recipe, folder.world, FIRST_ROW) as loader:
        [batch] = loader.step(step)
    return batch


def test_a_finite_step_begins_the_series_again(folder: RunFolder, engine: Engine) -> None:
    _skip(engine, INFINITE, INFINITE, FINITE, NAN, INFINITE)
    assert not may_be_too_many(engine)
    check(folder, engine, 5, Start(0))
    _skip(engine, INFINITE)
    assert may_be_too_many(engine)
    with pytest.raises(UserError, match=r"^step 6: the loss or the gradient of the last 3 steps was not finite"):
        check(folder, engine, 6, Start(0))
    assert [path.name for path in folder.folder.glob("skipped-*")] == ["skipped-00000004.jsonl"]


def test_the_rows_are_those_that_the_loader_gave_the_first_skipped_step(folder: RunFolder, engine: Engine) -> None:
    rows, batch = _rows_of_the_end(folder, engine, 10), _batch(folder, 7)
    assert [row["ids"] for row in rows] == [
        tokens[real].tolist() for tokens, real in zip(batch.tokens, batch.real, strict=True)
    ]
    assert all(row["text"].startswith("[CLS] ") and row["text"].endswith("[SEP]") for row in rows)


def test_the_losses_of_the_rows_add_up_to_the_loss_of_their_step(folder: RunFolder, engine: Engine) -> None:
    rows, batch = _rows_of_the_end(folder, engine, 10), _batch(folder, 7)
    with torch.no_grad():
        sums = engine.pair.eval()(batch, engine.pair.counts([batch])).sums
    for name, predicted in (("mlm", batch.filled), ("rtd", batch.real)):
        counts = predicted.sum(1).tolist()
        total = sum(row["losses"][name] * count for row, count in zip(rows, counts, strict=True))
        assert total == pytest.approx(float(sums[name]), rel=1e-6), name


def test_a_loss_that_is_not_finite_is_null(folder: RunFolder, engine: Engine) -> None:
    assert engine.pair.detection
    torch.nn.init.constant_(engine.pair.detection.prediction.bias, torch.inf)
    rows = _rows_of_the_end(folder, engine, 3)
    assert {row["losses"]["rtd"] for row in rows} == {None} and all(row["losses"]["mlm"] > 0 for row in rows)


@pytest.mark.parametrize("has_checkpoints", [False, True])
def test_the_sentence_names_the_rows_and_the_newest_checkpoint(
    run: Path, folder: RunFolder, engine: Engine, has_checkpoints: bool
) -> None:
    if has_checkpoints:
        shutil.copytree(run / "checkpoints", folder.checkpoints)
    kept = folder.checkpoints / "step-00000012" if has_checkpoints else "no checkpoint"
    _skip(engine, NAN, NAN, NAN, NAN)
    sentence = (
        f"step 20: the loss or the gradient of the last 4 steps was not finite, so they changed nothing; the rows of "
        f"step 17, each with its losses, are in {folder.folder}/skipped-00000017.jsonl, and {kept} is kept; "
    )
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}"):
        check(folder, engine, 20, Start(0))
