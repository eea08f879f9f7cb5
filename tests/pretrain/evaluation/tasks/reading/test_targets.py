"""Raw examples become labelled examples of one kind; labels that cannot be understood are refused with the folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.options import ReadingOptions
from pretrain.evaluation.tasks.reading.records import RawExample, RawLabel, RawTags
from pretrain.evaluation.tasks.reading.splits import RawSplit
from pretrain.evaluation.tasks.reading.targets import labelled_examples
from pretrain.evaluation.tasks.reading.task import Answer, Answers, Choice, LabelledExample, Tags, Terms

AUTO = ReadingOptions()
NOTHING_TO_FIND = "test: none of 2 records has anything to find, so it counts as unlabelled"


def _read(
    folder: Path, splits: dict[str, list[Any]], options: ReadingOptions = AUTO
) -> tuple[dict[str, list[LabelledExample]], list[str]]:
    raw = {
        split: RawSplit(split, (), [RawExample("a text", "a context", ("a", "word"), target) for target in targets])
        for split, targets in splits.items()
    }
    notes: list[str] = []
    return labelled_examples(raw, folder, options, notes), notes


def _targets(folder: Path, splits: dict[str, list[Any]], options: ReadingOptions = AUTO) -> dict[str, list[Any]]:
    return {split: [example.target for example in kept] for split, kept in _read(folder, splits, options)[0].items()}


def _labels(*values: Any, **keys: Any) -> list[RawLabel]:
    return [RawLabel(value, "label", **keys) for value in values]


def _tags(*values: tuple[Any, ...] | None) -> list[RawTags]:
    return [RawTags(value, "tags") for value in values]


@pytest.mark.parametrize(
    ("targets", "kinds"),
    [
        ([*_labels("yes"), *_tags(("O", "B-x"))], "labels of texts, tags of words"),
        ([Choice(("a", "b"), 0), Terms(("t",)), *_tags(("O", "O"))], "choice, tags of words, terms"),
    ],
)
def test_several_kinds_are_refused_in_whichever_splits_they_are(targets: list[Any], kinds: str, tmp_path: Path) -> None:
    sentence = re.escape(f"{tmp_path}: mixes examples of several kinds: {kinds}")
    for splits in ({"train": targets}, {"train": targets[:1], "test": targets[1:]}):
        with pytest.raises(UserError, match=f"^{sentence}$"):
            _read(tmp_path, splits)


def test_records_without_a_label_have_no_kind(tmp_path: Path) -> None:
    train = [*_labels("yes", None, "no"), *_tags(None), None]
    assert _targets(tmp_path, {"train": train, "test": _tags(None)}) == {"train": ["yes", "no"], "test": []}
    assert _read(tmp_path, {"dev": _labels(None), "test": []}) == ({"dev": [], "test": []}, [])


def test_a_target_stays_with_its_texts(tmp_path: Path) -> None:
    raw = [RawExample(name, None, (), label) for name, label in zip("abc", _labels("x", None, "y"), strict=True)]
    kept = labelled_examples({"dev": RawSplit("dev", (), raw)}, tmp_path, AUTO, notes := [])
    assert kept == {"dev": [LabelledExample("a", None, (), "x"), LabelledExample("c", None, (), "y")]}
    assert notes[0] == "labels are in the field label"


def test_scores_are_numbers_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    splits: dict[str, list[Any]] = {"train": _labels(1.0, 0.0, 1.0, is_score=True)}
    assert _targets(tmp_path, splits) == {"train": [1.0, 0.0, 1.0]}
    assert all(
        isinstance(target, str) for target in _targets(tmp_path, splits, ReadingOptions(kind="classes"))["train"]
    )


def test_numbered_tags_have_the_declared_names(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("O\nS-x\n", encoding="utf-8")
    kept, notes = _read(tmp_path, {"train": _tags((0, 1), None), "dev": _tags((1, 0))})
    assert [example.target for example in kept["train"]] == [Tags(("O", "B-x"))]
    assert [example.target for example in kept["dev"]] == [Tags(("B-x", "O"))]
    assert notes[0] == "tags are in the field tags"
    sentence = re.escape(f"{tmp_path}: the tag 2 is outside of the 2 declared names of tags")
    with pytest.raises(UserError, match=f"^{sentence}$"):
        _read(tmp_path, {"train": _tags((0, 2))})


@pytest.mark.parametrize(
    ("train", "placeholder"),
    [
        ([Choice(("a", "b"), place % 2) for place in range(8)], Choice(("c", "d"), 0)),
        ([Terms((name,)) for name in "abcdefgh"], Terms(("x",))),
    ],
)
def test_one_constant_answer_is_no_label_unless_the_user_says_so(
    train: list[Any], placeholder: Any, tmp_path: Path
) -> None:
    splits = {"train": train, "test": [placeholder] * 30}
    kept, notes = _read(tmp_path, splits)
    assert (len(kept["train"]), len(kept["test"])) == (8, 0)
    assert len(notes) == 1 and notes[0].startswith("test: all 30 labels are ")
    assert _targets(tmp_path, splits, ReadingOptions(missing_label="none"))["test"] == [placeholder] * 30


def test_a_split_without_any_answer_is_unlabelled_and_a_misplaced_answer_moves(tmp_path: Path) -> None:
    """ "context" begins at character 2 of "a context"."""
    splits = {"train": [Answers((Answer("context", 5),)), Answers(())], "test": [Answers(()), Answers(())]}
    kept, notes = _read(tmp_path, splits)
    assert [example.target for example in kept["train"]] == [Answers((Answer("context", 2),)), Answers(())]
    assert not kept["test"]
    assert notes[0] == NOTHING_TO_FIND and notes[1].startswith("train: in 1 records an answer is moved")
