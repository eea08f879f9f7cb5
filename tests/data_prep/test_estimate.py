"""The estimate states the input and the tasks, which are certain, and what the vocabulary does not know of a sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.load import load
from data_prep.estimate import estimate
from tests.conftest import SMALL


@pytest.mark.parametrize("deduplicate", ["none", "minhash"])
def test_the_input_and_its_tasks(text_file: Path, deduplicate: str) -> None:
    sentence = str(estimate(load("tiny", [*SMALL, f"data.sources={text_file}", f"data.deduplicate={deduplicate}"]), 3))
    size = text_file.stat().st_size
    assert sentence.startswith(
        f"tasks: 1; input: {size:,} bytes, about {size:,} bytes of text; time with --workers 3: "
    )
    assert "minutes of them for the vocabulary" in sentence
    assert "unknown to the vocabulary" not in sentence


def test_what_an_existing_vocabulary_does_not_know(tmp_path: Path) -> None:
    """Three of nine tokens are unknown. Special tokens are tokens too, since a row holds them."""
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n", encoding="utf-8")
    (tmp_path / "text.txt").write_text("a 法 法\nb 律 a b\n", encoding="utf-8")
    vocabulary = [f"vocabulary.source={tmp_path / 'vocab.txt'}", "vocabulary.size=7"]
    recipe = load(
        "tiny", [*SMALL, f"data.sources={tmp_path / 'text.txt'}", *vocabulary, "data.single_segment_share=1.0"]
    )
    assert str(estimate(recipe, 1)).endswith("; unknown to the vocabulary: 33.333 % of the tokens (法 2, 律 1)")


def test_without_text_nothing_is_measured(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(" \n\n \n")
    with pytest.raises(UserError, match=r"data\.sources: the sample holds no text, so nothing can be measured"):
        estimate(load("tiny", [*SMALL, f"data.sources={tmp_path / 'text.txt'}"]), 1)
