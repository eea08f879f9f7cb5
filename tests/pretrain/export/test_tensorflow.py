"""Google's names and layouts: identical weights by our reader, for shared and for separate embeddings."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pretrain.export.folder import Order, export
from pretrain.export.tensorflow import google_name
from pretrain.released import tensorflow as reader
from pretrain.released.lookup import open_released
from pretrain.released.network import TowerName
from tests.pretrain.export.test_bundle import GOLDEN
from tests.released import release

PARTS: tuple[TowerName, ...] = ("discriminator", "generator")


def test_googles_own_checkpoint_comes_back(tmp_path: Path) -> None:
    """The same variables with the same numbers, all but the number of the step."""
    export(str(GOLDEN), tmp_path / "again", Order("tensorflow"))
    google_arrays, exported_arrays = (
        reader.read(GOLDEN / "model.ckpt-5"),
        reader.read(tmp_path / "again" / "model.ckpt"),
    )
    assert google_arrays.keys() - exported_arrays.keys() == {"global_step"}
    assert not exported_arrays.keys() - google_arrays.keys()
    for name, array in exported_arrays.items():
        assert (array == google_arrays[name]).all(), name


@pytest.mark.parametrize("shared", [True, False])
def test_both_networks_with_shared_and_with_separate_embeddings(
    corpus_folder: Path, tmp_path: Path, shared: bool
) -> None:
    release(tmp_path, corpus_folder / "vocab.txt", shared=shared)
    export(str(tmp_path / "x-discriminator"), tmp_path / "out", Order("tensorflow"))
    names = reader.read(tmp_path / "out" / "model.ckpt").keys()
    assert ("generator/embeddings/word_embeddings" in names) != shared
    stored = open_released(str(tmp_path / "out"))
    for part in PARTS:
        before = open_released(str(tmp_path / f"x-{part}")).networks[part]
        assert stored.networks[part].tower == before.tower
        assert stored.networks[part].weights.keys() == before.weights.keys()
        for name, tensor in before.weights.items():
            assert torch.equal(stored.networks[part].weights[name], tensor), name


@pytest.mark.parametrize("part", PARTS)
def test_one_network_of_a_run(run: Path, tmp_path: Path, part: TowerName) -> None:
    proved = export(str(run), tmp_path / "out", Order("tensorflow", part))
    assert [proof.part for _, proof in proved] == [part]
    assert open_released(str(tmp_path / "out")).networks.keys() == {part}
    assert (tmp_path / "out" / "checkpoint").read_text().startswith('model_checkpoint_path: "model.ckpt-12"')
    assert f'"vocab_size": {1200}' in (tmp_path / "out" / "README.md").read_text()


def test_names() -> None:
    expected = {
        "electra.embeddings.LayerNorm.weight": "electra/embeddings/LayerNorm/gamma",
        "electra.embeddings_project.weight": "generator/embeddings_project/kernel",
        "electra.encoder.layer.11.attention.self.query.bias": "generator/encoder/layer_11/attention/self/query/bias",
        "generator_lm_head.bias": "generator_predictions/output_bias",
    }
    assert {name: google_name(name, "generator", own_embeddings=False) for name in expected} == expected
    name = google_name("discriminator_predictions.dense_prediction.weight", "discriminator", own_embeddings=False)
    assert name == "discriminator_predictions/dense_1/kernel"
