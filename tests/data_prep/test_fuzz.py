"""With any manifest, the corpus is either read or refused with one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.common.errors import UserError
from configs.folders import CORPUS_MANIFEST
from configs.load import load
from data_prep.shards import Corpus, check_corpus
from tests.conftest import SMALL
from tests.fuzz import changed, cut_and_flipped


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def copy(corpus_folder: Path, folder: Path) -> Path:
    """Copy the corpus and give it a manifest of its own."""
    (folder / "corpus").mkdir()
    for path in corpus_folder.iterdir():
        if path.name != CORPUS_MANIFEST:
            (folder / "corpus" / path.name).symlink_to(path)
    return folder / "corpus"


def use(folder: Path) -> None:
    """Do everything that training does with a corpus."""
    try:
        corpus = Corpus(folder, verify=True)
        check_corpus(load("tiny", SMALL), corpus)
        for split in ("train", "validation"):
            numbers = np.arange(min(3, corpus.num_rows(split)))
            corpus.read_masked(split, numbers, np.zeros_like(numbers))
    except UserError as error:
        assert str(error)


@settings(max_examples=200)
@given(data=st.data())
def test_manifests(copy: Path, corpus_folder: Path, data: st.DataObject) -> None:
    manifest: dict[str, Any] = json.loads((corpus_folder / CORPUS_MANIFEST).read_text())
    (copy / CORPUS_MANIFEST).write_text(json.dumps(data.draw(changed(manifest)), default=str))
    use(copy)


@settings(max_examples=60)
@given(data=st.data())
def test_manifests_that_are_cut(copy: Path, corpus_folder: Path, data: st.DataObject) -> None:
    (copy / CORPUS_MANIFEST).write_bytes(
        data.draw(cut_and_flipped((corpus_folder / CORPUS_MANIFEST).read_bytes()) | st.binary())
    )
    use(copy)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda manifest: manifest["shards"].pop("train"), "shards.train: missing"),
        (lambda manifest: manifest["vocabulary"]["files"].update({"../../x": ""}), "vocabulary.files: "),
        (lambda manifest: manifest["vocabulary"]["special"].update(mask=1200), "special.mask: 1200 is no entry"),
        (lambda manifest: manifest.update(seed=2**64), "seed: 18446744073709551616 is not less than"),
    ],
)
def test_what_a_manifest_cannot_say(copy: Path, corpus_folder: Path, change: Any, sentence: str) -> None:
    manifest = json.loads((corpus_folder / CORPUS_MANIFEST).read_text())
    change(manifest)
    (copy / CORPUS_MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=re.escape(sentence)):
        Corpus(copy)
