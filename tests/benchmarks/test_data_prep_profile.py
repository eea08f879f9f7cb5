"""The profile measures the work of `electra prepare` itself: every step has its time, and the corpus is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.data_prep_profile import print_table, seconds_of_steps
from configs.common.files import read_json
from configs.recipe import Recipe
from data_prep.steps.shards import WriteShards


def test_the_corpus_is_that_of_prepare(
    small_recipe: Recipe, corpus_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = seconds_of_steps(small_recipe, tmp_path / "corpus")
    assert read_json(tmp_path / "corpus" / "manifest.json") == read_json(corpus_folder / "manifest.json")
    assert {"input cut into tasks", "vocabulary and warnings", f"{WriteShards.name} (WriteShards)"} <= {*seconds}
    assert all(of_step >= 0 for of_step in seconds.values()) and "" not in seconds
    print_table(seconds)
    assert "| all | " in capsys.readouterr().out
