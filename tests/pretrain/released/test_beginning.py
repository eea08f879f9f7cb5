"""A run begins with the corpus's tables, and with a continued run, a released model, or neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import UserError
from configs.load import read, read_stated
from data_prep.shards import Corpus
from pretrain.released.beginning import RecipeRequest
from pretrain.step.world import World
from tests.conftest import SMALL
from tests.trained import run as run

TRAINING = [key for key in SMALL if not key.startswith(("data.", "vocabulary.", "masking."))]


def request(*overrides: str, **origin: Any) -> RecipeRequest:
    keys = [*TRAINING, *overrides]
    return RecipeRequest("tiny", read("tiny", keys), read_stated("tiny", keys), **origin)


def test_tables_come_from_the_corpus(corpus: Corpus, world: World, tmp_path: Path, capsys: Any) -> None:
    beginning = request().complete(corpus, tmp_path, world)
    for table in ("data", "vocabulary", "masking"):
        assert beginning.recipe.to_dict()[table] == corpus.manifest.recipe.model_dump(mode="json")[table]
    assert (beginning.weights, beginning.continuation) == (None, None)
    assert capsys.readouterr().out.startswith(f"taken from the corpus {corpus.folder}: data.")


def test_a_stated_key_may_not_contradict_the_corpus(corpus: Corpus, world: World, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"was prepared with data\.row_length = \d+, and you state 4096;"):
        request("data.row_length=4096").complete(corpus, tmp_path, world)


def test_the_weights_come_from_a_model_or_an_earlier_run(
    corpus: Corpus, run: Path, world: World, tmp_path: Path
) -> None:
    continued = request(continue_from=run).complete(corpus, tmp_path, world)
    assert continued.weights is None and continued.continuation
    assert continued.continuation.checkpoint == run / "checkpoints" / "step-00000012"
    tables, stated = read("adapt", TRAINING), read_stated("adapt", TRAINING)
    beginning = RecipeRequest("adapt", tables, stated, init_from=str(run)).complete(corpus, tmp_path, world)
    assert beginning.continuation is None and beginning.weights
    assert beginning.recipe.model.discriminator == continued.recipe.model.discriminator
