"""A recipe is compared by the keys that decide the weights, and its parts fit each other."""

from __future__ import annotations

import pytest

from configs.common.errors import UserError
from configs.load import from_tables, load
from configs.recipe import differences, flatten


def test_the_fingerprint_is_that_of_the_science() -> None:
    plain = load("tiny").fingerprint()
    layout = ("batch.micro_rows=3", "compute.zero_stage=1", "compute.compile=true")
    for harmless in (*layout, "run.log_every=7", "data.sources=x", "name=other"):
        assert load("tiny", [harmless]).fingerprint() == plain
    for science in ("seed=2", "model.dropout=0.3", "batch.rows=8", "masking.rate=0.2", "objectives.rtd.weight=10"):
        assert load("tiny", [science]).fingerprint() != plain


def test_a_key_that_was_added_later_does_not_change_the_fingerprint() -> None:
    """The hash is that of `tiny` as it was before any key had a default, so runs of that time can be used."""
    before = "0d1856f3f6a856ddd6464730c39b385eb7ac575ed61598bc39320bb11ae299bd"
    of_that_time = "model.initializer_range=0.02"
    assert load("tiny", [of_that_time]).fingerprint() == before
    assert load("tiny", [of_that_time, "schedule.shape=linear"]).fingerprint() == before
    assert load("tiny", [of_that_time, "schedule.shape=cosine"]).fingerprint() != before


def test_tables_are_flattened_to_dotted_keys() -> None:
    assert flatten({"a": 1, "b": {"c": 2, "d": {"e": [3]}}, "f": {}}) == {"a": 1, "b.c": 2, "b.d.e": [3]}
    assert flatten({}) == {}


def test_differences_are_sorted_by_key_and_a_missing_value_is_none() -> None:
    left = {"b": {"x": 1, "y": 2}, "a": "法律", "same": True}
    right = {"b": {"x": 1, "y": 3}, "z": 0, "same": True}
    assert differences(left, right) == [("a", "法律", None), ("b.y", 2, 3), ("z", None, 0)]
    assert differences(left, left) == []


@pytest.mark.parametrize("name", ["tiny", "health"])
def test_a_recipe_is_the_same_after_it_was_stored(name: str) -> None:
    recipe = load(name)
    assert from_tables(recipe.to_dict(), "stored") == recipe


def test_each_table_is_one_line_for_people() -> None:
    lines = load("tiny", ['name="法律"']).lines()
    assert lines[0].startswith('  name="\\u6cd5\\u5f8b"  about=')
    (schedule,) = [line for line in lines if "[schedule]" in line]
    assert (
        schedule == '  [schedule]  steps=1000  warmup_steps=100  shape="linear"  decay_power=1.0  warmup="multiplied"'
    )
    assert not any("[deepspeed]" in line for line in lines)


@pytest.mark.parametrize(("steps", "alone"), [(0, []), (1, [0]), (3, [0, 1, 2])])
def test_a_new_generator_is_trained_alone_for_the_steps_of_the_recipe(steps: int, alone: list[int]) -> None:
    initial = f"{{generator='build', generator_width=0.25, generator_steps={steps}, layer_decay=1.0}}"
    recipe = load("tiny", [f"initial={initial}"])
    assert [step for step in range(6) if recipe.generator_learns_alone(step)] == alone
    assert not load("tiny").generator_learns_alone(0)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (("masking.maskings=1", "batch.views=2"), "masking.maskings: 1 is fewer than batch.views (2)"),
        (("data.row_length=1024",), "data.row_length: 1024 is above model.max_positions (512)"),
        (("masking.rate=0.001",), "masking.rate: 0.001 leaves no slot in a row of 128 tokens"),
        (("objectives={}",), "objectives: empty"),
    ],
)
def test_parts_that_do_not_fit_are_refused(overrides: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        load("tiny", overrides)
    assert sentence in str(error.value)


@pytest.mark.parametrize("maskings", ["2", "fresh"])
def test_two_views_need_two_maskings(maskings: str) -> None:
    assert load("tiny", [f"masking.maskings={maskings}", "batch.views=2"]).batch.views == 2


def test_the_slots_of_a_run_are_counted_over_its_steps() -> None:
    """A row of 128 tokens has int((rate + .005) * 128) slots: 39, 34, 29, 24 and 19 at .3, .2625, .225, .1875, .15."""
    falls = ["masking.rate=0.3", "corruption.masking_rate_end=0.15", "corruption.masking_rate_steps=4"]
    steps = ["schedule.warmup_steps=0", "schedule.steps=6"]
    assert load("tiny", [*falls, *steps]).mean_slots == (39 + 34 + 29 + 24 + 19 + 19) / 6
    assert load("tiny", steps).mean_slots == 19
    # Of a long run some steps are counted. The exact mean is that of 39 to 19 in equal parts.
    long = ["corruption.masking_rate_steps=1000000", "schedule.steps=1000000"]
    assert load("tiny", [*falls, *long]).mean_slots == pytest.approx(128 * (0.225 + 0.005) - 0.5, abs=0.02)


def test_steps_with_more_rows_count_more() -> None:
    falls = ["masking.rate=0.3", "corruption.masking_rate_end=0.15", "corruption.masking_rate_steps=1"]
    ramp = ["batch.rows=32", "batch.rows_start=8", "batch.ramp_steps=1", "schedule.warmup_steps=0", "schedule.steps=3"]
    recipe = load("tiny", [*falls, *ramp])
    assert recipe.num_rows == 8 + 32 + 32
    assert recipe.mean_slots == pytest.approx((8 * 39 + 64 * 19) / 72)


FALLS = ("corruption.temperature_start=3.0", "corruption.temperature_steps=6")
FEWER = ("masking.rate=0.3", "corruption.masking_rate_end=0.15", "corruption.masking_rate_steps=6")
GROWS = ("batch.rows_start=4", "batch.ramp_steps=6")


@pytest.mark.parametrize(
    ("keys", "name", "earlier_counts"),
    [(FALLS, "temperature_steps", True), (FEWER, "masking_rate_steps", True), (GROWS, "ramp_steps", False)],
)
@pytest.mark.parametrize(("steps", "earlier"), [(5, 0), (6, 0), (7, 0), (2, 3), (2, 4)])
def test_a_run_that_ends_before_a_value_has_reached_its_end(
    keys: tuple[str, ...], name: str, earlier_counts: bool, steps: int, earlier: int
) -> None:
    recipe = load("tiny", [*keys, f"schedule.steps={steps}", "schedule.warmup_steps=1"])
    last = steps + (earlier if earlier_counts else 0)
    sentences = [*recipe.unfinished(earlier)]
    assert bool(sentences) == (last < 6)
    assert all(f"{name}: 6, and the last step of this run is step {last}, " in sentence for sentence in sentences)
