"""The stages of a preparation: the plan says what must stay the same, and the missing bytes follow from the rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.load import load
from configs.recipe import differences
from data_prep.executors import local
from data_prep.shards import Corpus
from data_prep.stages import Preparation
from tests.conftest import SMALL


def preparation(text: Path, out: Path, *overrides: str, megatron: bool = False) -> Preparation:
    return Preparation(load("tiny", [*SMALL, f"data.sources={text}", *overrides]), out, megatron)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text("one line\n\nanother document\n")
    return tmp_path / "text.txt"


def test_nothing_is_written_before_the_work(text: Path, tmp_path: Path) -> None:
    plan = preparation(text, tmp_path / "out").plan
    assert plan["input"] == {str(text): {"bytes": text.stat().st_size}}
    assert not (tmp_path / "out").exists()


def test_the_plan_differs_in_what_changes_the_bytes_of_a_corpus(text: Path, tmp_path: Path) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("one line\n")

    def changed(*overrides: str, megatron: bool = False) -> set[str]:
        other = preparation(text, tmp_path / "out", *overrides, megatron=megatron).plan
        return {key for key, _, _ in differences(preparation(text, tmp_path / "out").plan, other)}

    assert changed("schedule.steps=99", "model.dropout=0.2") == set()
    assert changed("seed=9") == {"seed"}
    assert changed("masking.rate=0.3") == {"recipe.masking.rate"}
    assert changed(megatron=True) == {"megatron"}
    assert "lexicon" in changed("masking.scheme=terms", f"masking.lexicon={terms}")
    plan = preparation(text, tmp_path / "out").plan
    text.write_text("a longer line\n\nanother document\n")
    assert [key for key, _, _ in differences(plan, preparation(text, tmp_path / "out").plan)] == [f"input.{text}.bytes"]


def test_the_stages_in_order_make_a_corpus(text_file: Path, tmp_path: Path) -> None:
    corpus = preparation(text_file, tmp_path / "out", "data.deduplicate=exact")
    assert [folder.name for folder in corpus.progress] == ["signatures", ".prepare"]
    local.run(corpus.signing, corpus.signing.unfinished(), 1)
    corpus.find_repeated()
    corpus.make_vocabulary()
    size = text_file.stat().st_size
    row = 64 * 2 + 2 + (3 + 2) * 8  # the ids, the length, three planes and two maskings of a row of 64 tokens
    # Until a task is finished, a token is assumed to have four bytes of text.
    assert corpus.missing_bytes() == int(size / 4 / 64 * row)
    local.run(corpus.tasks, corpus.tasks.unfinished(), 1)
    assert corpus.missing_bytes() == 0
    assert not (tmp_path / "out" / "manifest.json").exists()
    corpus.complete()
    assert Corpus(tmp_path / "out", verify=True).num_rows("train") > 0
    assert read_json(tmp_path / "out" / "report.json")["deduplicate"] == "exact"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("masking.segmenter=nothing", "nothing"),
        ("data.filters=[{name='Nothing'}]", "Nothing"),
        ("data.sources=/nowhere", "/nowhere does not exist"),
    ],
)
def test_what_is_missing_is_said_before_any_file_is_written(
    text: Path, tmp_path: Path, override: str, sentence: str
) -> None:
    with pytest.raises(UserError) as error:
        preparation(text, tmp_path / "out", override)
    assert sentence in str(error.value)
    assert not (tmp_path / "out").exists()
