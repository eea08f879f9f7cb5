"""The text in a field of a record."""

from __future__ import annotations

from typing import Any

import pytest

from data_prep.sources.faults import Fault
from data_prep.sources.fields import ABSENT, NULL, OTHER_TYPE, text_at


@pytest.mark.parametrize(
    ("record", "field", "text"),
    [
        ({"text": "a"}, "text", "a"),
        ({"data": {"text": "a"}}, "data.text", "a"),
        ({"data.text": "a", "data": {"text": "b"}}, "data.text", "a"),
        ({"text": ["a", "b"]}, "text", "a\nb"),
        ({"turns": [{"text": "a"}, {"text": "b"}]}, "turns.text", "a\nb"),
        ({"text": []}, "text", ""),
        ({"text": "二".encode()}, "text", "二"),
    ],
)
def test_texts(record: Any, field: str, text: str) -> None:
    assert text_at(record, field) == text


@pytest.mark.parametrize(
    ("record", "field", "reason", "sentence"),
    [
        ({"id": 1}, "text", ABSENT, "has no field 'text' (it has id)"),
        ({"data": {"id": 1}}, "data.text", ABSENT, "has no field 'text' (it has id)"),
        ({"text": None}, "text", NULL, "has null under 'text'"),
        ({"data": None}, "data.text", NULL, "has null under 'data'"),
        ({"text": True}, "text", OTHER_TYPE, "has true or false under 'text', where text is wanted"),
        ({"text": {"a": 1}}, "text", OTHER_TYPE, "(it has a; name one as text.NAME)"),
        (3, "text", OTHER_TYPE, "is a number, where an object with 'text' is wanted"),
    ],
)
def test_absent_null_and_other_types_are_told_apart(record: Any, field: str, reason: str, sentence: str) -> None:
    with pytest.raises(Fault) as fault:
        text_at(record, field)
    assert fault.value.left_out.reason == reason
    assert sentence in str(fault.value)
