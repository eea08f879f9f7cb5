"""Whatever bytes a file holds, they are read, or refused with one sentence."""

from __future__ import annotations

import encodings.aliases
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.common.errors import UserError
from configs.corpus_tables import SourceTable
from configs.load import load
from data_prep.prepare import prepare
from data_prep.sources.readers import documents
from data_prep.sources.tasks import cut_into_tasks
from tests.conftest import SMALL
from tests.fuzz import VALUES, cut_and_flipped

FORMATS = ("text", "lines", "file", "wikiextractor", "jsonl", "csv", "parquet")
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


@pytest.mark.parametrize("line", ["[" * 100_000, "1" * 5000, '{"text": ' * 5000, '{"text": "a"} {', '{"text": NaN}'])
def test_json_beyond_reason(folder: Path, line: str) -> None:
    path = folder / "line.jsonl"
    path.write_text(line + "\n")
    (piece,) = cut_into_tasks((SourceTable(path=str(path)),))[0]
    with pytest.raises(UserError, match=r"line\.jsonl: (line 1|is not JSON|has numbers)"):
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
