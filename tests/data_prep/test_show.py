"""`electra inspect CORPUS` prints the corpus's own numbers and rows."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from data_prep.shards import Corpus
from data_prep.show import show_corpus


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print lines that are not broken."""
    monkeypatch.setenv("COLUMNS", "1000")


def test_rows_are_printed_with_their_masks(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    show_corpus(corpus.folder, "train", 2, 3, verify=False)
    printed = capsys.readouterr().out
    numbers = np.array([2, 3, 4])
    rows, masks = corpus.read_masked("train", numbers, np.zeros_like(numbers))
    headings = re.findall(r"train row (\d+): (\d+) tokens, (\d+) masked", printed)
    assert [tuple(map(int, heading)) for heading in headings] == [
        (number, int(row["length"]), int(mask.sum())) for number, row, mask in zip(numbers, rows, masks, strict=True)
    ]
    assert len(re.findall(r"<[^<>\s]+>", printed)) >= masks.sum() - 3  # a masked token may itself be < or >


def test_each_example_begins_a_line(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    show_corpus(corpus.folder, "train", 0, 1, verify=False)
    text = capsys.readouterr().out.partition("train row 0")[2].split("\n", 1)[1]
    assert all(line.startswith("[CLS]") and line.count("[CLS]") == 1 for line in text.splitlines() if line)


@pytest.mark.parametrize(("first", "count", "shown"), [(0, 0, 0), (10**6, 4, 0), (0, 10**6, None)])
def test_rows_beyond_the_last_are_not_printed(
    corpus: Corpus, capsys: pytest.CaptureFixture[str], first: int, count: int, shown: int | None
) -> None:
    show_corpus(corpus.folder, "validation", first, count, verify=False)
    expected = corpus.num_rows("validation") if shown is None else shown
    assert capsys.readouterr().out.count("validation row ") == expected


def test_the_numbers_of_the_corpus(corpus_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_corpus(corpus_folder, "train", 0, 0, verify=True)
    printed = capsys.readouterr().out
    corpus = Corpus(corpus_folder)
    for part in (
        f"{corpus.num_rows('train'):,} of 64 tokens",
        "1,200 entries",
        "15% of the tokens, 2",
        "40 documents",
    ):
        assert part in printed
