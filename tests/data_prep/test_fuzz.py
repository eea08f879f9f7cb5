"""Whatever a text or a corpus says, it is read, or refused with one sentence."""

from __future__ import annotations

import encodings.aliases
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.common.errors import UserError
from configs.corpus_tables import SourceTable
from configs.folders import CORPUS_MANIFEST
from configs.load import load
from data_prep.prepare import prepare
from data_prep.shards import Corpus, check_corpus
from data_prep.sources.readers import documents
from data_prep.sources.tasks import cut_into_tasks
from tests.conftest import SMALL
from tests.fuzz import VALUES, changed, cut_and_flipped

FORMATS = ("text", "lines", "file", "jsonl", "csv")
JSONL = "".join(json.dumps({"text": text, "id": 1}) + "\n" for text in ("one", "zwei 二", "\ud83d", "")).encode()
TEXTS = st.binary(max_size=60) | cut_and_flipped(JSONL) | VALUES.map(repr).map(str.encode) | st.text().map(str.encode)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@settings(max_examples=300)
@given(
    content=TEXTS,
    format=st.sampled_from(FORMATS),
    encoding=st.sampled_from(["utf-8", "utf-16", "gb18030", "ascii"])
    | st.sampled_from(sorted(encodings.aliases.aliases)),
    on_error=st.sampled_from(["stop", "skip"]),
)
def test_texts(folder: Path, content: bytes, format: str, encoding: str, on_error: str) -> None:
    path = folder / "text"
    path.write_bytes(content)
    try:
        source = load(
            "tiny",
            [f'data.sources=[{{path="{path}", format="{format}", encoding="{encoding}", on_error="{on_error}"}}]'],
        ).data.sources
        for task in cut_into_tasks(source):
            for piece in task:
                for document in documents(piece):
                    document.text.encode()
    except UserError as error:
        assert str(error)


@pytest.mark.parametrize(
    "line", ["[" * 100_000, "1" * 5000, '{"text": ' * 5000, '{"text": "a"} {', '{"text": NaN}', "\x00"]
)
def test_json_beyond_reason(folder: Path, line: str) -> None:
    path = folder / "line.jsonl"
    path.write_text(line + "\n")
    (piece,) = cut_into_tasks((SourceTable(path=str(path)),))[0]
    with pytest.raises(UserError, match="the line at byte 0 "):
        list(documents(piece))


@settings(max_examples=5)
@given(content=TEXTS)
def test_preparation(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("prepare")
    (folder / "text.txt").write_bytes(content)
    try:
        prepare(load("tiny", [*SMALL, f"data.sources={folder / 'text.txt'}"]), folder / "corpus", 1)
    except UserError:
        assert not (folder / "corpus").exists()


@pytest.fixture(scope="module")
def copy(corpus_folder: Path, folder: Path) -> Path:
    """The corpus with a manifest of its own."""
    (folder / "corpus").mkdir()
    for path in corpus_folder.iterdir():
        if path.name != CORPUS_MANIFEST:
            (folder / "corpus" / path.name).symlink_to(path)
    return folder / "corpus"


def use(folder: Path) -> None:
    """All that training does with a corpus."""
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
