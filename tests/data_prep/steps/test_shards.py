"""Rows are written with their masks into one shard for each split, and the report counts what was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from configs.common.files import read_json, sha256_of
from configs.load import load
from data_prep.counts import TaskReport
from data_prep.manifest import Split
from data_prep.rows import unpack
from data_prep.segments import Example
from data_prep.steps import shards
from data_prep.steps.shards import WriteShards

RECIPE = load("tiny", ["data.row_length=16", "data.shortest_random_length=3", "masking.maskings=2"])


def examples(number: int, split: Split = "train") -> Iterator[tuple[Split, Example]]:
    """Yield examples of 16 tokens, each with its number in its first token and 14 tokens in all that may be masked."""
    for first in range(number):
        tokens = np.array([2, 5 + first % 26, *[6] * 13, 3], np.uint32)
        yield split, Example([tokens], len(tokens), second_segment=16)


def write(folder: Path, split_examples: list[tuple[Split, Example]], number: int = 0) -> TaskReport:
    report = TaskReport()
    WriteShards(folder, folder, RECIPE.data, RECIPE.masking, RECIPE.seed, report).run(split_examples, number)
    return report


def test_both_splits_are_written_and_reported(vocabulary_folder: Path) -> None:
    report = write(vocabulary_folder, [*examples(3), *examples(1, "validation")], 7)
    for split, number in (("train", 3), ("validation", 1)):
        path = vocabulary_folder / f"{split}-00007.npy"
        rows = np.load(path, allow_pickle=False)
        assert rows["tokens"][:, 1].tolist() == [*range(5, 5 + number)]
        facts = {"file": path.name, "number": 7, "rows": number}
        assert report.shards[split] == [facts | {"bytes": path.stat().st_size, "sha256": sha256_of(path)}]
    assert (report.tokens, report.examples) == ({"train": 48, "validation": 16}, {"train": 3, "validation": 1})
    assert report.example_lengths == {"16": 4}
    # A masking fills max(1, round(0.15 * 16)) = 2 slots of each of the four rows.
    assert report.masked_tokens == {"0": 8, "1": 8}
    assert TaskReport.of(read_json(vocabulary_folder / "00007.json")) == report


def test_a_split_without_examples_has_no_shard(vocabulary_folder: Path) -> None:
    report = write(vocabulary_folder, [])
    assert report.shards == {"train": [], "validation": []}
    assert not list(vocabulary_folder.glob("*.npy"))
    assert TaskReport.of(read_json(vocabulary_folder / "00000.json")) == TaskReport()


def test_the_size_of_a_block_does_not_show(vocabulary_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = set()
    for rows in (1, 3, 7, 512):
        monkeypatch.setattr(shards, "_BLOCK_ROWS", rows)
        write(vocabulary_folder, [*examples(7)])
        contents.add((vocabulary_folder / "train-00000.npy").read_bytes())
    assert len(contents) == 1


def test_masks_are_those_of_real_words(vocabulary_folder: Path) -> None:
    write(vocabulary_folder, [*examples(50)])
    masks = unpack(np.load(vocabulary_folder / "train-00000.npy", allow_pickle=False)["masks"])
    assert (masks.sum(2) == 2).all()
    assert not masks[:, :, [0, 15]].any()  # [CLS] and [SEP]
    assert not np.array_equal(masks[:, 0], masks[:, 1])
