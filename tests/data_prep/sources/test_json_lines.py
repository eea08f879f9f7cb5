"""JSON lines: the same in any ranges, and a bad line is named with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.common.errors import UserError
from tests.data_prep.sources.reading import read_in_ranges, texts


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.lists(st.integers(1, 400), max_size=6))
def test_byte_ranges(tmp_path_factory: pytest.TempPathFactory, numbers: list[int], cuts: list[int]) -> None:
    path = tmp_path_factory.mktemp("ranges") / "lines.jsonl"
    path.write_text("".join(json.dumps({"text": f"document {number}"}) + "\n" for number in numbers))
    assert read_in_ranges(path, cuts, "jsonl") == [f"document {number}" for number in numbers]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b'{"text": "a"', "is not JSON"),
        (b'{"body": "a"}', "has no field 'text' (it has body); set field of the source"),
        (b"[1]", "is a list, where an object with 'text' is wanted"),
        (b'{"text": 3}', "has a number under 'text', where text is wanted"),
        (b'{"text": null}', "has null under 'text'; leave such records out"),
    ],
)
def test_a_bad_line_is_named_with_its_place(tmp_path: Path, line: bytes, sentence: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "good"}\n' + line + b"\n")
    with pytest.raises(UserError, match=r"a\.jsonl: line 2 \(at byte 17\) ") as error:
        texts(tmp_path)
    assert sentence in str(error.value)
