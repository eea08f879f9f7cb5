"""The estimate states the input and the tasks, which are certain, and what the vocabulary does not know of a sample."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.common.errors import UserError
from configs.load import load
from data_prep.estimate import estimate
from launch.cli import app
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
    estimated = estimate(recipe, 1)
    assert str(estimated).endswith("; unknown to the vocabulary: 33.333 % of the tokens (法 2, 律 1)")
    (warning,) = estimated.warnings
    assert "法 律" in warning and "name a vocabulary of this language" in warning


def test_a_dry_run_warns_about_the_text(tmp_path: Path) -> None:
    """All words are accented, and the recipe strips accents. A vocabulary that is still to be trained has no faults."""
    (tmp_path / "text.txt").write_text("école élève été\n" * 50, encoding="utf-8")
    keys = [*SMALL, f"data.sources={tmp_path / 'text.txt'}", "vocabulary.strip_accents=true"]
    answer = CliRunner().invoke(app, ["prepare", "tiny", "--out", str(tmp_path / "out"), *keys, "--dry-run"])
    assert answer.exit_code == 0
    warnings = [line for line in answer.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1 and "vocabulary.strip_accents: true changes" in warnings[0]
    assert not (tmp_path / "out").exists()


def test_without_text_nothing_is_measured(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(" \n\n \n")
    with pytest.raises(UserError, match=r"data\.sources: the sample holds no text, so nothing can be measured"):
        estimate(load("tiny", [*SMALL, f"data.sources={tmp_path / 'text.txt'}"]), 1)
