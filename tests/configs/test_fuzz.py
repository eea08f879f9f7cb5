"""Any recipe or override is either read or refused with one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.common.errors import UserError
from configs.load import RECIPES, load
from configs.recipe import flatten
from tests.fuzz import VALUES, changed, cut_and_flipped

TINY = load("tiny").to_dict()
KEYS = st.sampled_from(sorted(flatten(TINY))) | st.sampled_from(sorted(TINY)) | st.text(max_size=12)


def read(recipe: str, *overrides: str) -> None:
    """Do everything that is done with a recipe before it is used."""
    try:
        loaded = load(recipe, overrides)
        loaded.fingerprint()
        loaded.lines()
        again = tomli_w.dumps(loaded.to_dict())
        assert again
    except UserError as error:
        assert str(error)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes") / "recipe.toml"


def _toml(value: Any) -> Any:
    """Remove None, which TOML does not have."""
    if isinstance(value, dict):
        return {key: _toml(inner) for key, inner in value.items() if inner is not None}
    return [_toml(inner) for inner in value if inner is not None] if isinstance(value, list) else value


@settings(max_examples=200)
@given(tables=changed(TINY))
def test_tables(file: Path, tables: dict[str, Any]) -> None:
    file.write_text(tomli_w.dumps(_toml(tables)), encoding="utf-8")
    read(str(file))


@settings(max_examples=200)
@given(content=cut_and_flipped((RECIPES / "tiny.toml").read_bytes()) | st.binary(max_size=40))
def test_text(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    read(str(file))


@settings(max_examples=100)
@given(parent=VALUES, name=st.text(max_size=20))
def test_parents(file: Path, parent: Any, name: str) -> None:
    file.write_text(tomli_w.dumps(_toml({"extends": parent})), encoding="utf-8")
    read(str(file))
    read(name)


def test_a_name_longer_than_a_name_can_be(file: Path) -> None:
    file.write_text(f'extends = "{"a" * 300}"\n')
    for recipe in (str(file), "a" * 300):
        with pytest.raises(UserError, match="unknown recipe"):
            load(recipe)


@settings(max_examples=200)
@given(key=KEYS, value=st.text(max_size=20) | VALUES.map(repr), whole=st.text(max_size=20))
def test_overrides(key: str, value: str, whole: str) -> None:
    read("tiny", f"{key}={value}", f"{key}.x={value}")
    read("tiny", whole)


@pytest.mark.parametrize("value", ["1" * 5000, "[" * 5000, "{a=" * 500, "9" * 400, "inf", "nan", "1979-05-27"])
def test_numbers_and_nesting_beyond_reason(file: Path, value: str) -> None:
    file.write_text(f'extends = "tiny"\n[schedule]\nsteps = {value}\n')
    for overrides in ([], [f"data.row_length={value}"], [f"optimizer.learning_rate={value}"]):
        with pytest.raises(UserError):
            load(str(file), overrides)
        if overrides:
            with pytest.raises(UserError):
                load("tiny", overrides)
