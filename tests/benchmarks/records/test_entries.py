"""levers.toml becomes entries; every mistake in it is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.records.entries import Levers, read_levers
from benchmarks.records.track import HERE
from configs.common.errors import UserError

HEAD = """
seeds = [1, 2]
judge_seed = 9
[reference]
lengths = [1.0, 0.5]
shares = { schedule.warmup_steps = 0.1 }
"""
LEVERS = """
[levers.fast]
about = "twice the rate"
lengths = [0.5]
keys = { optimizer.learning_rate = 1e-3 }

[levers.stable]
about = "a stable rate"
lengths = [0.5]
keys = { schedule.shape = "wsd" }
shares = { schedule.decay_steps = 0.2 }

[levers.mean]
about = "the moving average"
lengths = [0.5]
keys = { optimizer.average_decay = 0.99 }
weights = "average"
"""


def levers(folder: Path, text: str) -> Levers:
    file = folder / "levers.toml"
    file.write_text(HEAD + text)
    return read_levers(file)


def test_steps_are_shares_of_the_steps_of_the_run(tmp_path: Path) -> None:
    entry = levers(tmp_path, LEVERS).entries["stable"]
    assert entry.overrides(50) == [
        'schedule.shape="wsd"',
        "schedule.warmup_steps=5",
        "schedule.decay_steps=10",
        "schedule.steps=50",
    ]


def test_a_stack_has_all_of_its_levers_and_is_repeated_without_each(tmp_path: Path) -> None:
    stack = '[stacks.all]\nabout = "everything"\nlengths = [1.0]\nlevers = ["fast", "stable", "mean"]'
    entries = levers(tmp_path, LEVERS + stack).entries
    assert [*entries][4:] == ["all", "all_without_fast", "all_without_stable", "all_without_mean"]
    assert len(entries["all"].keys) == 3 and entries["all"].weights == "average"
    assert "schedule.decay_steps" in entries["all"].shares
    assert "schedule.decay_steps" not in entries["all_without_stable"].shares
    assert entries["all_without_mean"].weights == "raw"


def test_a_lever_of_a_stack_changes_a_share_of_the_reference(tmp_path: Path) -> None:
    short = '[levers.short]\nabout = ""\nlengths = [1.0]\nshares = { schedule.warmup_steps = 0.02 }\n'
    stack = '[stacks.two]\nabout = ""\nlengths = [1.0]\nlevers = ["short", "fast"]'
    entries = levers(tmp_path, LEVERS + short + stack).entries
    assert entries["two"].shares == {"schedule.warmup_steps": 0.02}
    assert [*entries][-1] == "two"  # a stack of two without one of them is a lever


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[levers.a]\nabout = ''\nlengths = []", "levers.a.lengths: [] is not "),
        ("[levers.reference]\nabout = ''\nlengths = [1.0]", "levers.reference: is used twice"),
        ("[levers.A]\nabout = ''\nlengths = [1.0]", "levers.A: is no name; use small letters"),
        ("[levers.a]\nabout = ''\nlengths = [1.0]\nkey = 1", "unknown key levers.a.key"),
        ("[levers.a]\nabout = ''\nlengths = [1.0]\nshares = { x = 2 }", "levers.a: shares.x: 2 is not "),
        (
            '[stacks.a]\nabout = ""\nlengths = [1.0]\nlevers = ["fats", "mean"]',
            "unknown lever fats; did you mean fast?",
        ),
        (
            '[levers.slow]\nabout = ""\nlengths = [1.0]\nkeys.optimizer.learning_rate = 1e-5\n'
            '[stacks.a]\nabout = ""\nlengths = [1.0]\nlevers = ["fast", "slow"]',
            "a: optimizer.learning_rate is 0.001 in one lever and 1e-05 in another",
        ),
    ],
)
def test_a_mistake_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        levers(tmp_path, LEVERS + text)
    assert sentence in str(refused.value), refused.value


def test_an_unknown_entry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--only: unknown entry fats; did you mean fast"):
        levers(tmp_path, LEVERS).chosen(["fats"])


def test_the_levers_of_the_project_are_valid() -> None:
    assert len(read_levers(HERE / "levers.toml").seeds) >= 5
