"""The keys about the reading of a task have few values, and others are refused."""

from __future__ import annotations

import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.options import ReadingOptions
from pretrain.evaluation.tasks.settings import reading_options


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], ReadingOptions(kind="auto", missing_label="auto")),
        (["epochs=3"], ReadingOptions()),
        (["kind=number", "missing_label=-1"], ReadingOptions(kind="number", missing_label=-1)),
        (["missing_label=未知"], ReadingOptions(missing_label="未知")),
        (["missing_label=0.5"], ReadingOptions(missing_label=0.5)),
    ],
)
def test_overrides_become_options(overrides: list[str], expected: ReadingOptions) -> None:
    options = reading_options(overrides)
    assert options == expected and type(options.missing_label) is type(expected.missing_label)


@pytest.mark.parametrize("override", ["kind=tags", "kind=1", "missing_label=[1]"])
def test_another_value_is_refused(override: str) -> None:
    with pytest.raises(UserError, match=override.partition("=")[0]):
        reading_options([override])
