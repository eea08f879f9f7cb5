"""JSON that is one value for the complete file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import UserError
from data_prep.sources import json_values
from tests.data_prep.sources.reading import left_out, read, texts

RECORDS = [{"text": f"{number} \u4e8c ] , "} for number in range(50)]
TEXTS = [record["text"].strip() for record in RECORDS]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("value", "field"),
    [
        (RECORDS, "text"),
        ({"version": 1, "data": RECORDS}, "text"),
        ({"version": 1, "data": RECORDS}, "data.text"),
        ({"authors": [{"name": "a"}], "data": RECORDS}, "text"),
        ({"a": {"b": RECORDS}}, "a.b.text"),
    ],
)
def test_lists_of_records(tmp_path: Path, value: Any, field: str, indent: int | None) -> None:
    (tmp_path / "a.json").write_text(json.dumps(value, indent=indent))
    assert texts(tmp_path, field=field) == TEXTS


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_an_array_is_decoded_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(json_values, "_CHUNK", chunk)
    (tmp_path / "a.json").write_text(json.dumps(RECORDS))
    assert texts(tmp_path) == TEXTS


def test_an_object_may_be_a_record_itself(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"text": "one", "tags": ["x"]}, indent=2))
    assert texts(tmp_path) == ["one"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (json.dumps({"a": RECORDS, "b": RECORDS}), r"a\.json: is one object with records under a, b; name one list"),
        (json.dumps(RECORDS)[:-20], r"a\.json: is not JSON, or cut short"),
        (json.dumps(RECORDS) + "[]", "Extra data after the array"),
        ('[{"text": null}]', "record 1 has null under 'text'"),
    ],
)
def test_faults_are_named(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UserError, match=sentence):
        texts(tmp_path)


def test_the_rest_of_an_array_that_is_cut_short_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(RECORDS)[:-5])
    assert texts(tmp_path, on_error="skip") == TEXTS[:-1]
    assert left_out(tmp_path, on_error="skip") == {"rests of JSON files": 1}


def test_bytes_that_are_no_text_are_counted_in_an_array_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'[{"text": "caf\xe9"}, {"text": "caf\xe9 caf\xe9"}, {"text": "good"}]')
    assert [document.invalid_sequences for document in read(tmp_path / "a.json")] == [1, 2, 0]
