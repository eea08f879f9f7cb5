"""The tables of a run: values at their bounds, and the keys that do not fit one another."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from configs.load import load

TABLES: dict[str, Any] = {
    "corruption": load("tiny").corruption,
    "tower": load("tiny").model.generator,
    "model": load("tiny").model,
    "optimizer": load("tiny").optimizer,
    "schedule": load("tiny").schedule,
    "batch": load("tiny").batch,
    "compute": load("tiny").compute,
    "run": load("tiny").run,
}


def changed(name: str, **changes: Any) -> Any:
    table = TABLES[name]
    return type(table).model_validate(table.model_dump() | changes)


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    # In binary, 0.1 + 0.2 + 0.7 is not exactly 1.
    ("corruption", {"mask": 0.1, "random": 0.2, "keep": 0.7}),
    ("corruption", {"mask": 0.0, "random": 0.0, "keep": 1.0}),
    ("tower", {"hidden": 12, "heads": 12}),
    ("tower", {"hidden": 1, "heads": 1}),
    ("optimizer", {"beta1": 0.0, "weight_decay": 0.0}),
    ("schedule", {"steps": 1, "warmup_steps": 0}),
    ("schedule", {"steps": 10, "warmup_steps": 9}),
    ("batch", {"rows": 12, "group_rows": 12}),
    ("batch", {"rows": 12, "group_rows": 3, "rows_start": 6, "ramp_steps": 1}),
    ("compute", {"compile": "cuda_graphs"}),
    ("run", {"save_every": 5, "keep_every": 0}),
    ("run", {"save_every": 5, "keep_every": 15}),
]
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("corruption", {"mask": 0.5, "random": 0.0, "keep": 0.4}, "mask + random + keep: 0.9, and they must sum to 1"),
    ("corruption", {"temperature": 0.0}, "temperature"),
    ("tower", {"hidden": 12, "heads": 5}, "heads: 5 does not divide hidden (12)"),
    ("tower", {"hidden": 12, "heads": 24}, "heads: 24 does not divide hidden (12)"),
    ("model", {"token_types": 1}, "token_types"),
    ("model", {"dropout": 1.0}, "dropout"),
    ("optimizer", {"beta2": 1.0}, "beta2"),
    ("schedule", {"steps": 10, "warmup_steps": 10}, "warmup_steps: 10 is not below steps (10)"),
    ("batch", {"rows": 12, "group_rows": 5}, "group_rows: 5 does not divide rows (12)"),
    ("batch", {"rows": 12, "group_rows": 24}, "group_rows: 24 does not divide rows (12)"),
    ("batch", {"views": 3}, "views"),
    ("batch", {"rows_start": 4}, "ramp_steps: missing; rows_start and ramp_steps are stated together"),
    ("batch", {"ramp_steps": 4}, "rows_start: missing"),
    ("batch", {"rows": 12, "rows_start": 5, "ramp_steps": 4}, "rows_start: 5 is no divisor of rows (12) below it"),
    ("batch", {"rows": 12, "rows_start": 12, "ramp_steps": 4}, "rows_start: 12 is no divisor of rows (12) below it"),
    (
        "batch",
        {"rows": 12, "group_rows": 6, "rows_start": 3, "ramp_steps": 4},
        "group_rows: 6 does not divide rows_start (3)",
    ),
    ("compute", {"zero_stage": 3}, "zero_stage"),
    ("compute", {"compile": "yes"}, "compile"),
    ("run", {"save_every": 5, "keep_every": 12}, "keep_every: 12 is not a multiple of save_every (5)"),
]


@pytest.mark.parametrize(("table", "changes"), ACCEPTED)
def test_values_at_their_bounds(table: str, changes: dict[str, Any]) -> None:
    assert changed(table, **changes).model_dump().items() >= changes.items()


@pytest.mark.parametrize(("table", "changes", "sentence"), REFUSED)
def test_keys_that_do_not_fit_are_refused(table: str, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as error:
        changed(table, **changes)
    assert error.value.error_count() == 1
    assert sentence in str(error.value)


def test_a_batch_grows_in_equal_stages() -> None:
    batch = changed("batch", rows=24, rows_start=8, ramp_steps=6)
    assert [batch.rows_at(step) for step in range(9)] == [8, 8, 8, 16, 16, 16, 24, 24, 24]
    assert [batch.rows_before(step) for step in range(9)] == [0, 8, 16, 24, 40, 56, 72, 96, 120]
    constant = changed("batch", rows=24)
    assert (constant.rows_at(0), constant.rows_before(0), constant.rows_before(5)) == (24, 0, 120)


@pytest.mark.parametrize("stages", [2, 3, 9])
@pytest.mark.parametrize("ramp_steps", [1, 2, 7, 24])
def test_a_ramp_of_any_length_is_a_staircase(stages: int, ramp_steps: int) -> None:
    """Ramps that the number of stages does not divide, and ramps with fewer steps than stages, end on time too."""
    batch = changed("batch", rows=2 * stages, rows_start=2, ramp_steps=ramp_steps)
    rows = [batch.rows_at(step) for step in range(30)]
    assert rows == [2 * min(stages, 1 + step * (stages - 1) // ramp_steps) for step in range(30)]
    assert [batch.rows_before(step) for step in range(30)] == [sum(rows[:step]) for step in range(30)]


def test_keys_that_are_not_stated_change_no_fingerprint() -> None:
    """Runs of earlier versions keep their identity. This is the fingerprint of `tiny` before these keys existed."""
    recipe = load("tiny", ["model.initializer_range=0.02"])
    assert not any(name.startswith(("temperature_", "masking_")) for name in recipe.to_dict()["corruption"])
    assert not {"rows_start", "ramp_steps"} & recipe.to_dict()["batch"].keys()
    assert recipe.fingerprint() == "0d1856f3f6a856ddd6464730c39b385eb7ac575ed61598bc39320bb11ae299bd"
