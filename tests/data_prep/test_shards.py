"""A corpus that is not what its manifest says is refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from configs.errors import UserError
from data_prep.shards import Corpus, pack, row_dtype, shard_writer, unpack


def test_planes_round_trip() -> None:
    plane = np.random.default_rng(0).random((5, 64)) < 0.3
    assert pack(plane).shape == (5, 8)
    assert np.array_equal(unpack(pack(plane)), plane)


def test_a_shard_grows_and_is_an_ordinary_numpy_file(tmp_path: Path) -> None:
    dtype = row_dtype(16, 100, 2)
    rows = np.zeros(3000, dtype)
    rows["length"] = np.arange(3000) % 17
    with shard_writer(tmp_path / "a.npy", dtype) as shard:
        for start in range(0, 3000, 700):
            shard.append(rows[start : start + 700])
        assert not (tmp_path / "a.npy").exists()
    assert np.array_equal(np.load(tmp_path / "a.npy", mmap_mode="r", allow_pickle=False), rows)


def test_a_shard_without_rows_does_not_appear(tmp_path: Path) -> None:
    with shard_writer(tmp_path / "a.npy", row_dtype(16, 100, 0)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_rows_are_read_by_number_in_any_order(corpus: Corpus) -> None:
    everything = corpus.read("train", np.arange(corpus.num_rows("train")))
    numbers = np.array([5, 0, 17, 5])
    assert np.array_equal(corpus.read("train", numbers), everything[numbers])


@pytest.fixture
def copied(corpus_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(corpus_folder, tmp_path / "corpus"))


def test_a_folder_that_is_no_complete_corpus(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such corpus"):
        Corpus(tmp_path / "nowhere")
    (copied / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"no manifest\.json, so this is no complete corpus"):
        Corpus(copied)


def test_a_truncated_shard(copied: Path) -> None:
    shard = copied / "train-00000.npy"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"train-00000\.npy: .* it is truncated or damaged"):
        Corpus(copied)


def test_a_missing_shard(copied: Path) -> None:
    (copied / "validation-00000.npy").unlink()
    with pytest.raises(UserError, match=r"validation-00000\.npy: missing"):
        Corpus(copied)


@pytest.mark.parametrize("place", [8, 20_000, -1])
def test_a_flipped_byte(copied: Path, place: int) -> None:
    shard = copied / "train-00000.npy"
    content = bytearray(shard.read_bytes())
    content[place] ^= 1
    shard.write_bytes(content)
    with pytest.raises(UserError, match=r"train-00000\.npy: .* damaged"):
        Corpus(copied, verify=True)


def test_an_edited_manifest(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    for change, sentence in (
        ({"schema_version": 2}, "manifest.json: schema_version: 2 is not 1"),
        ({"recipe": {**manifest["recipe"], "masking": {"scheme": "x"}}}, "manifest.json: recipe.masking"),
        ({"shards": {"train": [{"file": "x"}]}}, "manifest.json: shards.train.0.number: missing"),
        ({"more": 1}, "manifest.json: more: unknown key"),
    ):
        (copied / "manifest.json").write_text(json.dumps(manifest | change))
        with pytest.raises(UserError) as error:
            Corpus(copied)
        assert sentence in str(error.value)


def test_a_changed_vocabulary(copied: Path) -> None:
    (copied / "vocab.txt").write_text("[PAD]\n")
    with pytest.raises(UserError, match=r"vocab\.txt: its sha256 is not the manifest's"):
        Corpus(copied, verify=True)
