"""Lines of tokens by hand, and of two real models that are shown the same tokens."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from configs.vocabulary.entries import read_folder
from data_prep.shards import Corpus
from launch.cli import app
from pretrain.evaluation.rows.tokens import token_rows
from tests.pretrain.evaluation.rows.test_scores import BY_HAND
from tests.released import release


def test_by_hand(corpus: Corpus) -> None:
    """Tokens 0, 3 and 4 are replaced; the logits 0, -1 and 2 are probabilities of .5, .27 and .88."""
    words = read_folder(corpus.folder)
    rows = replace(BY_HAND, number=np.array([3, 7]), original=np.arange(6), corrupted=np.array([9, 1, 2, 9, 9, 5]))
    first, second = token_rows(corpus, rows)
    assert first == {
        "corpus": str(corpus.folder),
        "row": 3,
        "tokens": [words[9], words[1], words[2]],
        "originals": {"0": words[0]},
        "suspicion": [0.5, 0.268941421, 0.880797078],
    }
    assert (second["row"], second["tokens"]) == (7, [words[9], words[9], words[5]])
    assert second["originals"] == {"0": words[3], "1": words[4]}


def test_models_with_one_generator_are_shown_the_same_tokens(corpus_folder: Path, tmp_path: Path) -> None:
    from transformers import ElectraForPreTraining

    release(tmp_path / "one", corpus_folder / "vocab.txt", max_positions=64)
    release(tmp_path / "two", corpus_folder / "vocab.txt", max_positions=64)
    other = tmp_path / "two" / "x-discriminator"
    model = ElectraForPreTraining.from_pretrained(other)
    with torch.no_grad():
        model.discriminator_predictions.dense_prediction.bias.fill_(1.0)
    model.save_pretrained(other)
    lines = []
    for folder in (tmp_path / "one" / "x-discriminator", other):
        file, generator = tmp_path / "tokens.jsonl", tmp_path / "one" / "x-generator"
        options = ["--corpus", corpus_folder, "--rows", 4, "--generator", generator, "--tokens", file]
        answer = CliRunner().invoke(app, ["evaluate", *map(str, [folder, *options])])
        assert answer.exit_code == 0, answer.output
        lines.append([json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()])
    one, two = lines
    assert len(one) == 4
    for before, after in zip(one, two, strict=True):
        assert {**before, "suspicion": None} == {**after, "suspicion": None}
        logit = np.log(np.divide(before["suspicion"], 1 - np.array(before["suspicion"])))
        assert 1 / (1 + np.exp(-(logit + 1))) == pytest.approx(np.array(after["suspicion"]), abs=2e-6)


def test_a_model_that_suspects_nothing_is_refused(corpus_folder: Path, tmp_path: Path) -> None:
    release(tmp_path, corpus_folder / "vocab.txt", max_positions=64)
    options = ["--corpus", str(corpus_folder), "--tokens", str(tmp_path / "tokens.jsonl")]
    answer = CliRunner().invoke(app, ["evaluate", str(tmp_path / "x-generator"), *options])
    # A generator finds its discriminator beside it, so the pair detects. Without it there is nothing to write.
    assert answer.exit_code == 0, answer.output
    (tmp_path / "x-discriminator").rename(tmp_path / "elsewhere")
    (tmp_path / "tokens.jsonl").unlink()
    answer = CliRunner().invoke(app, ["evaluate", str(tmp_path / "x-generator"), *options])
    assert answer.exit_code == 2
    assert "suspects no token" in answer.stderr
    assert not (tmp_path / "tokens.jsonl").exists()
