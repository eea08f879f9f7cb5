"""More positions than the model has: its table repeated, told at the start, and loaded by transformers again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.load import read
from data_prep.__main__ import load_corpus_recipe
from data_prep.shards import Corpus
from pretrain.export.folder import export
from pretrain.released.adaptation import recipe_and_weights
from pretrain.released.lookup import open_released
from pretrain.released.positions import with_positions
from pretrain.step.world import World
from pretrain.train import train
from tests.released import release

LONGER = (
    "model.max_positions=96",
    "schedule.steps=2",
    "schedule.warmup_steps=1",
    "optimizer.learning_rate=1e-3",
    "batch.rows=2",
    "run.evaluate_rows=2",
    "run.log_every=1",
)


@pytest.fixture(scope="module")
def model(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    release(folder, corpus_folder / "vocab.txt", max_positions=40)
    return folder / "x-discriminator"


def test_the_table_is_repeated(model: Path) -> None:
    network = open_released(str(model)).main
    table = network.weights["embeddings.position.weight"]
    longer, (remark,) = with_positions(network, 96)
    assert torch.equal(longer.weights["embeddings.position.weight"], torch.cat([table, table, table[:16]]))
    assert longer.shape["max_positions"] == 96 and "positions from 40 on start as copies of the first ones" in remark
    assert with_positions(network, 40) == (network, [])


def test_a_run_with_longer_rows_and_its_export(model: Path, corpus_folder: Path, world: World, tmp_path: Path) -> None:
    """The rows of the corpus have 64 tokens, and the model 40 positions."""
    tables, corpus, run = read("adapt", LONGER), Corpus(corpus_folder), tmp_path / "run"
    tables |= {name: getattr(corpus, name).model_dump(mode="json") for name in ("data", "vocabulary", "masking")}
    recipe, weights = recipe_and_weights(tables, "adapt", str(model), corpus, run)
    assert train(recipe, corpus, run, world, "auto", initial_weights=weights)
    (started,) = read_json(run / "provenance.json")["starts"]
    assert any("from 40 on start as copies of the first ones" in remark for remark in started["init_from"]["remarks"])
    proofs = export(str(run), tmp_path / "out")
    assert all("by transformers" in str(proof) for _, proof in proofs)
    loaded = transformers.ElectraForPreTraining.from_pretrained(tmp_path / "out" / "discriminator")
    assert loaded.config.max_position_embeddings == 96
    assert loaded(torch.zeros(1, 96, dtype=torch.long)).logits.shape == (1, 96)
    # The same command resumes the run.
    assert recipe_and_weights(tables, "adapt", str(model), corpus, run) == (recipe, None)


def test_fewer_positions_are_refused(model: Path, corpus_folder: Path, tmp_path: Path) -> None:
    tables = read("adapt", ["model.max_positions=32"])
    with pytest.raises(UserError, match=r"model\.max_positions: 32, and .* has 40; it may be more"):
        recipe_and_weights(tables, "adapt", str(model), Corpus(corpus_folder), tmp_path)


def test_preparation_takes_longer_rows_only_if_the_recipe_states_the_positions(model: Path, tmp_path: Path) -> None:
    rows = (f"data.sources={tmp_path}", "data.row_length=64")
    with pytest.raises(UserError, match=r"above the 40 positions of .* or give it more positions with model\.max_pos"):
        load_corpus_recipe("adapt", [*rows], str(model))
    assert load_corpus_recipe("adapt", [*rows, "model.max_positions=64"], str(model)).data.row_length == 64
