"""A manifest comes back as it was written, and a damaged or edited one is refused by its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from configs.common.errors import UserError
from data_prep import manifest
from data_prep.shards import Corpus


@pytest.fixture
def copied(corpus_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(corpus_folder, tmp_path / "corpus"))


@pytest.mark.parametrize("name", ["../train-00000.npy", "/etc/passwd", "train-00000.npy/../../x", "x"])
def test_names_that_lead_out_of_the_folder(copied: Path, name: str) -> None:
    content = json.loads((copied / "manifest.json").read_text())
    content["shards"]["train"][0]["file"] = name
    (copied / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="is not the name of a shard"):
        Corpus(copied)
    content["shards"]["train"][0]["file"] = "train-00000.npy"
    content["vocabulary"]["files"][name] = "0"
    (copied / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"manifest\.json: vocabulary\.files"):
        Corpus(copied)


def test_an_edited_manifest(copied: Path) -> None:
    content = json.loads((copied / "manifest.json").read_text())
    for change, sentence in (
        ({"schema_version": 2}, "manifest.json: schema_version: 2 is not 1"),
        ({"recipe": {**content["recipe"], "masking": {"scheme": "x"}}}, "manifest.json: recipe.masking"),
        ({"shards": {"train": [{"file": "train-00000.npy"}]}}, "manifest.json: shards.train.0.number: missing"),
        ({"more": 1}, "manifest.json: unknown key more"),
    ):
        (copied / "manifest.json").write_text(json.dumps(content | change))
        with pytest.raises(UserError) as error:
            Corpus(copied)
        assert sentence in str(error.value)


@pytest.mark.parametrize(("before", "after"), [('"seed": 1', '"seed": 2'), ('"rate": 0.15', '"rate": 0.16')])
def test_a_manifest_edited_to_something_else_that_is_valid(copied: Path, before: str, after: str) -> None:
    text = (copied / "manifest.json").read_text()
    assert before in text
    (copied / "manifest.json").write_text(text.replace(before, after))
    with pytest.raises(UserError, match=r"manifest\.json: its sha256 does not match its contents"):
        Corpus(copied)


def test_a_manifest_that_is_written_again_has_the_same_bytes(copied: Path) -> None:
    before = (copied / "manifest.json").read_bytes()
    manifest.write(copied, manifest.read(copied))
    assert (copied / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("content", ["[]", "1", "null", '"text"'])
def test_a_file_without_a_table(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(UserError, match=r"manifest\.json: holds no table, .*; prepare the corpus again"):
        manifest.read(tmp_path)


@pytest.mark.parametrize(
    ("table", "changes", "sentence"),
    [
        ("rows", {"train": None}, "rows.train: missing"),
        ("vocabulary", {"size": 3}, "vocabulary.special.sep: 3 is no entry of a vocabulary of 3"),
        ("vocabulary", {"files": {}}, "vocabulary.files: none, and they must be tokenizer.json and vocab.txt"),
    ],
)
def test_parts_that_do_not_fit(copied: Path, table: str, changes: dict, sentence: str) -> None:
    content = json.loads((copied / "manifest.json").read_text())
    content[table] = {key: value for key, value in (content[table] | changes).items() if value is not None}
    (copied / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(UserError) as error:
        manifest.read(copied)
    assert sentence in str(error.value)
