"""A corpus decides its own keys, and only a user's key that contradicts the corpus is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import UserError
from configs.corpus_recipe import describe_taken, take_corpus_tables
from configs.load import from_tables, load, read, read_stated

FOLDER = Path("corpus")
PREPARED = ("data.sources=text.txt", "data.row_length=64", "data.validation_share=0.1", "vocabulary.size=1200")


def corpus_tables() -> dict[str, Any]:
    tables = load("tiny", PREPARED).to_dict()
    return {name: tables[name] for name in ("data", "vocabulary", "masking")}


def take(recipe: str, *overrides: str) -> dict[str, Any]:
    return take_corpus_tables(read(recipe, overrides), read_stated(recipe, overrides), corpus_tables(), FOLDER)


def test_a_shipped_recipe_takes_everything_from_the_corpus() -> None:
    recipe = from_tables(take("tiny", "schedule.steps=9", "schedule.warmup_steps=1"), "tiny")
    assert (recipe.data.row_length, recipe.data.validation_share, recipe.vocabulary.size) == (64, 0.1, 1200)
    assert recipe.schedule.steps == 9


def test_the_same_key_may_be_stated_again() -> None:
    assert take("tiny", *PREPARED)["data"]["row_length"] == 64


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("data.row_length=128", "was prepared with data.row_length = 64, and you state 128; leave data.row_length out"),
        ("masking.rate=0.2", "was prepared with masking.rate = 0.15, and you state 0.2"),
        ("vocabulary.source=vocab.txt", 'was prepared with vocabulary.source = "train", and you state "vocab.txt"'),
    ],
)
def test_a_stated_key_that_contradicts_the_corpus_is_refused(override: str, sentence: str) -> None:
    with pytest.raises(UserError, match=f"^corpus: {sentence}"):
        take("tiny", override)


def test_a_file_of_the_user_states_its_own_keys_and_not_those_that_it_extends(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "tiny"\nname = "mine"\n[schedule]\nsteps = 7\n', encoding="utf-8")
    assert read_stated(str(mine)) == {"name": "mine", "schedule": {"steps": 7}}
    assert take(str(mine))["data"]["row_length"] == 64
    mine.write_text('extends = "tiny"\nname = "mine"\n[data]\nrow_length = 128\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"data\.row_length = 64, and you state 128"):
        take(str(mine))


def test_the_text_may_be_named_again_under_another_path() -> None:
    assert take("tiny", "data.sources=elsewhere.txt", "masking.lexicon=terms.txt")["data"]["row_length"] == 64


def test_an_unknown_key_is_still_named() -> None:
    with pytest.raises(UserError, match=r"unknown key data\.row_lenght; did you mean data\.row_length"):
        from_tables(take("tiny", "data.row_lenght=64"), "tiny")


def test_the_keys_that_the_corpus_decides_are_shown() -> None:
    line = describe_taken(read("tiny"), corpus_tables(), FOLDER)
    assert line.startswith("taken from the corpus corpus: data.row_length=64 (recipe: 128), ")
    assert "sources" not in line
    assert not describe_taken(read("tiny", PREPARED), corpus_tables(), FOLDER)
