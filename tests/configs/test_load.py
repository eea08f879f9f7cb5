"""Recipes are checked when they are read, and a mistake is one sentence with its dotted key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.common.errors import UserError
from configs.load import for_corpus, from_tables, load, read, read_stated, shipped
from configs.recipe import differences


@pytest.mark.parametrize("name", sorted({*shipped()} - {"adapt"}))
def test_shipped_recipes_are_valid_and_know_their_name(name: str) -> None:
    assert load(name).name == name


def test_adapt_lacks_nothing_but_what_a_model_has() -> None:
    with pytest.raises(UserError, match=r"adapt: vocabulary\.source, .*: missing"):
        for_corpus(read("adapt"), "adapt")
    model = load("base").to_dict()
    model_tables = {"vocabulary": model["vocabulary"]}
    assert for_corpus(read("adapt", (), model_tables), "adapt").name == "adapt"
    with pytest.raises(UserError, match=r"adapt: vocabulary\.source, .*: missing"):
        load("adapt")
    with pytest.raises(UserError, match=r"unknown key model\.dropot; did you mean model\.dropout"):
        for_corpus(read("adapt", ["model.dropot=0.1"], model_tables), "adapt")
    stated = {"model": {key: model["model"][key] for key in model["model"].keys() - read("adapt")["model"].keys()}}
    assert (
        from_tables(read("adapt", (), model_tables | stated), "adapt").model.discriminator
        == load("base").model.discriminator
    )


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("model.dropot=0.1", "unknown key model.dropot; did you mean model.dropout?"),
        ("learning_rate=1", "unknown key learning_rate; did you mean optimizer.learning_rate?"),
        ('model.dropout="x"', "model.dropout: 'x' is not a valid number"),
        ("seed=1.5", "seed: 1.5 is not a valid integer"),
        ("seed=99999999999999999999", "seed: 99999999999999999999 is not less than 9223372036854775808"),
        ("schedule=3", "schedule: 3 is not a table"),
        ("masking.scheme=words", "masking.scheme: 'words' is not 'token', 'whole_word', 'terms' or 'span'"),
        ("masking.maskings=sometimes", "masking.maskings: 'sometimes' is not a valid integer or 'fresh'"),
        ("data.row_length=130", "data.row_length: 130 is not a multiple of 8"),
        ("data.sources=3", "data.sources: 3 is neither a path nor a list"),
        ("model.generator.heads=3", "model.generator.heads: 3 does not divide hidden (64)"),
        ("corruption.mask=0.5", "corruption.mask + random + keep: 0.65, and they must sum to 1"),
        ("schedule.warmup_steps=1000", "schedule.warmup_steps: 1000 is not below steps (1000)"),
        ("compute.zero_stage=3", "compute.zero_stage: 3 is not less than or equal to 2"),
        ("nonsense", "nonsense: not an override"),
        ("name.x=1", "name.x: name is a value, not a table"),
    ],
)
def test_a_wrong_key_or_value_is_named(override: str, sentence: str) -> None:
    with pytest.raises(UserError) as error:
        load("tiny", [override])
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["model", "data", "initial", "objectives", "deepspeed"])
@pytest.mark.parametrize("value", ["3", "[1]", "small"])
def test_a_value_is_no_table(name: str, value: str, tmp_path: Path) -> None:
    for read_some in (read, read_stated):
        with pytest.raises(UserError, match=rf"tiny: {name}: .* is not a table"):
            read_some("tiny", [f"{name}={value}"])
    (tmp_path / "mine.toml").write_text(f'extends = "tiny"\n{name} = 3\n')
    with pytest.raises(UserError, match=rf"mine\.toml: {name}: 3 is not a table"):
        read(str(tmp_path / "mine.toml"))


def test_everything_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n')
    tables = "data, vocabulary, masking, corruption, model, objectives, optimizer, schedule, batch, compute, run"
    with pytest.raises(
        UserError, match=rf'mine.toml: about, seed, {tables}: missing; a recipe states every number \(extends = "small"'
    ):
        load(str(path))


def test_a_variant_lays_its_tables_over_one_recipe(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "small"\nname = "mine"\n[model]\ndropout = 0.0\n')
    recipe = load(str(path))
    changed = {key for key, _, _ in differences(load("small").model_dump(mode="json"), recipe.model_dump(mode="json"))}
    assert changed == {"name", "model.dropout"}


def test_a_recipe_that_extends_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "mine.toml"\n')
    with pytest.raises(UserError, match="extends itself"):
        load(str(path))


def test_the_nearest_recipe_is_offered() -> None:
    with pytest.raises(UserError, match="did you mean small"):
        load("smal")


def test_values_are_toml_and_else_strings() -> None:
    recipe = load("tiny", ["data.sources=my text/a.jsonl.gz", "model.dropout=0.25", 'name="x"'])
    assert (recipe.data.sources[0].path, recipe.data.sources[0].format) == ("my text/a.jsonl.gz", "auto")
    assert (recipe.model.dropout, recipe.name) == (0.25, "x")


@given(st.text(max_size=40))
def test_any_override_is_read_or_refused_in_one_sentence(override: str) -> None:
    try:
        load("tiny", [override])
    except UserError as error:
        assert str(error)


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "tiny"\n[schedule]\nsteps = 77\nwarmup_steps = 7\n', encoding="utf-8-sig")
    assert load(str(path)).schedule.steps == 77


def test_rows_longer_than_stated_positions_are_refused_before_a_shape_is_known() -> None:
    model = ["vocabulary.source=vocab.txt", "vocabulary.size=100", "vocabulary.longest_word=100"]
    model += ["vocabulary.lowercase=true", "vocabulary.strip_accents=true", "data.row_length=64"]
    assert for_corpus(read("adapt", model), "adapt").data.row_length == 64
    with pytest.raises(UserError, match=r"data\.row_length: 64 is above model\.max_positions \(32\)"):
        for_corpus(read("adapt", [*model, "model.max_positions=32"]), "adapt")
