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


def test_keys_that_are_not_stated_change_no_fingerprint() -> None:
    """Runs and corpora of earlier versions keep their identity. This is the fingerprint before these keys existed."""
    recipe = load("tiny")
    assert not any(name.startswith(("temperature_", "masking_")) for name in recipe.to_dict()["corruption"])
    assert recipe.fingerprint() == "0d1856f3f6a856ddd6464730c39b385eb7ac575ed61598bc39320bb11ae299bd"
