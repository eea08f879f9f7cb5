"""The scores on held-out examples, against scikit-learn and against counting by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from configs.common.errors import UserError
from data_prep.shards import Corpus
from pretrain.export.checkpoints import Choice
from pretrain.export.held_out import HeldOut, detection_auc, held_out, masked_accuracy, mean_cosine
from pretrain.export.source import Source, open_source
from tests.released import release


@pytest.fixture
def source(run: Path) -> Source:
    return open_source(str(run), Choice())


@pytest.fixture
def test(source: Source, corpus: Corpus) -> HeldOut:
    return held_out(source, corpus)


def test_every_masking_of_the_corpus_is_there(test: HeldOut, corpus: Corpus) -> None:
    numbers = np.arange(corpus.num_rows("validation"))
    rows, masks = corpus.read_masked("validation", numbers, np.zeros_like(numbers))
    assert len(rows) * 64 < 16_384, "all held-out rows of this corpus are taken"
    assert test.masked.sum() == masks.sum()
    assert test.examples.real.sum() == rows["length"].sum()
    assert sorted(test.examples.tokens[test.masked].tolist()) == sorted(rows["tokens"][masks].tolist())
    assert (test.hidden.tokens[test.masked] == corpus.special.mask).all()
    assert torch.equal(test.replaced.tokens[~test.masked], test.examples.tokens[~test.masked])


def test_the_auc_is_scikit_learns(test: HeldOut) -> None:
    def outputs(tokens: torch.Tensor, segments: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        return (tokens % 7).float()  # with many ties

    replaced = test.replaced.tokens != test.examples.tokens
    real = test.examples.real
    expected = roc_auc_score(replaced[real].numpy(), (test.replaced.tokens % 7)[real].numpy())
    assert detection_auc(outputs, test) == pytest.approx(expected, abs=1e-12)


def test_the_accuracy_is_a_share_of_the_masked_tokens(source: Source, test: HeldOut) -> None:
    def outputs(tokens: torch.Tensor, segments: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        return source.outputs("generator", tokens, segments, real, states=False)

    hits = 0
    for row in range(len(test.masked)):
        inputs = (
            test.hidden.tokens[row : row + 1],
            test.hidden.segments[row : row + 1],
            test.hidden.real[row : row + 1],
        )
        predicted = outputs(*inputs)[0].argmax(-1)
        hits += int((predicted == test.examples.tokens[row])[test.masked[row]].sum())
    assert masked_accuracy(outputs, test) == hits / int(test.masked.sum())


def test_the_cosine_of_known_angles(test: HeldOut) -> None:
    def states(angle: float):
        vector = torch.tensor([np.cos(angle), np.sin(angle)])
        return lambda tokens, segments, real: vector.expand(*tokens.shape, 2)

    assert mean_cosine(states(0.2), states(0.2), test) == pytest.approx(1)
    assert mean_cosine(states(0.2), states(0.2 + np.pi / 3), test) == pytest.approx(0.5)


def test_without_a_generator_tokens_are_random(corpus: Corpus, tmp_path: Path) -> None:
    release(tmp_path, corpus.folder / "vocab.txt", max_positions=32, names=("alone", "x-generator"))
    test = held_out(open_source(str(tmp_path / "alone"), Choice()), corpus)
    assert test.replacements == "random tokens"
    assert test.examples.tokens.shape[1] == 32  # cut to the positions of the model
    assert (test.replaced.tokens != test.examples.tokens)[test.masked].double().mean() > 0.98


def test_a_corpus_without_held_out_rows_is_refused(
    source: Source, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "num_rows", lambda split: 0)
    with pytest.raises(UserError, match="holds no held-out rows"):
        held_out(source, corpus)
