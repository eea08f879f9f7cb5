"""A table has every key that it requires and no other, each of exactly its type."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from configs.schema import Count, Natural, NotNegative, Positive, Share, Table


class ExampleTable(Table):
    count: Count = 1
    natural: Natural = 0
    share: Share = 0.5
    positive: Positive = 1.0
    not_negative: NotNegative = 0.0
    flag: bool = False
    name: str = ""


ACCEPTED: list[tuple[str, Any]] = [
    *(("count", value) for value in (1, 2**63 - 1)),
    *(("natural", value) for value in (0, 2**63 - 1)),
    *(("share", value) for value in (0, 0.0, 1.0, 1)),
    *(("positive", value) for value in (1e-300, 1)),
    *(("not_negative", value) for value in (0, 1e300)),
]
REFUSED: list[tuple[str, Any]] = [
    *(("count", value) for value in (0, -1, 2**63, 1.0, "1", True, None)),
    *(("natural", value) for value in (-1, 2**63, 0.0)),
    *(("share", value) for value in (-1e-9, 1.0000001, float("nan"), "0.5")),
    *(("positive", value) for value in (0, 0.0, float("inf"), float("nan"))),
    *(("not_negative", value) for value in (-1e-300, float("inf"))),
    *(("flag", value) for value in (1, "true")),
    *(("name", value) for value in (1, None)),
    ("other", 1),
]


@pytest.mark.parametrize(("key", "value"), ACCEPTED)
def test_a_value_at_its_bound_is_accepted(key: str, value: Any) -> None:
    assert getattr(ExampleTable(**{key: value}), key) == value


@pytest.mark.parametrize(("key", "value"), REFUSED)
def test_another_type_or_a_value_beyond_its_bound_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError) as error:
        ExampleTable(**{key: value})
    assert [fault["loc"] for fault in error.value.errors()] == [(key,)]


def test_a_table_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ExampleTable().count = 2
