"""A corpus that differs from its manifest is refused by name."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from configs.common.errors import UserError
from configs.common.files import sha256_of
from data_prep import manifest
from data_prep.manifest import Manifest
from data_prep.rows import row_dtype
from data_prep.shards import Corpus, shard_writer
from tests.damage import DAMAGE, do_damage


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


# Training reads all of these files; the reports are for people.
READ = ("manifest.json", "tokenizer.json", "vocab.txt", "train-00000.npy", "validation-00000.npy")


def test_every_file_is_either_read_or_for_people(corpus_folder: Path) -> None:
    assert {path.name for path in corpus_folder.iterdir()} == {*READ, "report.html", "report.json"}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", READ)
def test_damage_is_refused_by_the_name_of_the_file(copied: Path, name: str, damage: str) -> None:
    do_damage(copied / name, damage)
    with pytest.raises(UserError) as error:
        Corpus(copied, verify=True)
    assert name in str(error.value)
    assert "prepare" in str(error.value)


@pytest.mark.parametrize("damage", ["truncate", "empty", "delete"])
@pytest.mark.parametrize("name", READ)
def test_sizes_are_always_looked_at(copied: Path, name: str, damage: str) -> None:
    do_damage(copied / name, damage)
    with pytest.raises(UserError, match=re.escape(name)):
        Corpus(copied)


def test_two_shards_that_have_changed_places(copied: Path) -> None:
    """The shards have the same size, so only the sha256 shows the exchange."""
    content = json.loads((copied / "manifest.json").read_text())
    (shard,) = content["shards"]["train"]
    other = np.load(copied / shard["file"])[::-1]
    np.save(copied / "train-00001.npy", other)
    second = shard | {"file": "train-00001.npy", "number": 1, "sha256": sha256_of(copied / "train-00001.npy")}
    tables = {key: value for key, value in content.items() if key != "sha256"}
    tables["shards"]["train"] = [shard, second]
    manifest.write(copied, Manifest.model_validate(tables))
    assert Corpus(copied, verify=True).num_rows("train") == 2 * shard["rows"]
    (copied / "train-00000.npy").rename(copied / "other")
    (copied / "train-00001.npy").rename(copied / "train-00000.npy")
    (copied / "other").rename(copied / "train-00001.npy")
    with pytest.raises(UserError, match=r"train-00000\.npy: its sha256 is not the manifest's"):
        Corpus(copied, verify=True)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("tokens", 65535, "holds a token that is not in the vocabulary"),
        ("length", 65535, "says that it is longer than a row"),
        ("masks", 255, "masks more tokens than a row has slots"),
    ],
)
def test_a_row_that_cannot_be_is_noticed_when_it_is_read(copied: Path, field: str, value: int, says: str) -> None:
    rows = np.load(copied / "train-00000.npy", mmap_mode="r+")
    rows[field][3] = value
    rows.flush()
    corpus, numbers = Corpus(copied), np.array([1, 3])
    with pytest.raises(UserError, match=f"row 3 of train {says}, so its shard is damaged"):
        corpus.read_masked("train", numbers, np.array([0, 0]))
