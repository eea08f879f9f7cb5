"""A threshold keeps its false-alarm rate on rows that did not choose it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from configs.common.errors import UserError
from data_prep.shards import Corpus, Planes
from pretrain.export.examples import corpus_of, places_of
from pretrain.proofread.model import Proofreader
from pretrain.proofread.scoring import suspicion
from pretrain.proofread.threshold import OriginalTokens, Threshold, original_tokens, threshold_for
from pretrain.step.loader import held_out_numbers


@pytest.fixture(scope="module")
def tokens(reader: Proofreader, corpus_folder: Path) -> OriginalTokens:
    return original_tokens(reader, Corpus(corpus_folder))


def by_hand() -> OriginalTokens:
    suspicion = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    return OriginalTokens(suspicion, np.array([0, 1, 2, 3, 0, 1, 2, 3]), 4, "corpus")


def test_values_worked_by_hand() -> None:
    tokens = by_hand()
    assert tokens.half(0).suspicion.tolist() == [0.1, 0.3, 0.5, 0.7]
    assert tokens.half(1).row.tolist() == [0, 1, 0, 1]
    assert tokens.half(0).choose(0.25) == 0.5  # 0.7 alone is above it
    assert tokens.half(0).choose(0.5) == 0.3
    measured = threshold_for(tokens, 0.25)
    assert measured.value == 0.5 and measured.num_tokens == 4 and measured.num_rows == 2
    assert measured.false_alarms and measured.false_alarms.value == 0.5  # 0.6 and 0.8, of 0.2, 0.4, 0.6 and 0.8


def test_equal_values_are_not_flagged_in_part() -> None:
    tokens = OriginalTokens(np.full(10, 0.3), np.arange(10), 10, "corpus")
    assert tokens.measure(tokens.choose(0.5)).false_alarms.value == 0  # type: ignore[union-attr]  # it was measured


def test_a_rate_that_the_tokens_cannot_show_is_refused() -> None:
    with pytest.raises(UserError, match=r"--false-alarms 0\.1: 4 held-out tokens .* give at least 0\.25"):
        threshold_for(by_hand(), 0.1)


@pytest.mark.parametrize("rate", [0.3, 0.1, 0.03, 0.01])
def test_the_rate_of_a_trained_run_is_kept_on_the_other_half(tokens: OriginalTokens, rate: float) -> None:
    measured = threshold_for(tokens, rate)
    chosen, other = tokens.half(0), tokens.half(1)
    share = float((chosen.suspicion > measured.value).mean())
    assert rate - 2 / len(chosen.suspicion) < share <= rate
    alarms = measured.false_alarms
    assert alarms and alarms.value is not None and alarms.low is not None and alarms.high is not None
    assert alarms.value == pytest.approx(float((other.suspicion > measured.value).mean()))
    assert alarms.low - 0.02 <= rate <= alarms.high + 0.02
    assert f"of {len(other.suspicion):,} original tokens" in measured.line()


def test_the_tokens_are_those_of_the_held_out_rows(reader: Proofreader, tokens: OriginalTokens, corpus: Corpus) -> None:
    special = [corpus.special.cls, corpus.special.sep]
    rows = corpus.read("validation", np.arange(corpus.num_rows("validation")))
    real = np.arange(corpus.data.row_length) < rows["length"][:, None].astype(int)
    assert len(tokens.suspicion) == int((real & ~np.isin(rows["tokens"], special)).sum())
    assert np.bincount(tokens.row).size == tokens.num_rows == len(rows)


def test_an_example_has_the_suspicion_of_its_text(reader: Proofreader, tokens: OriginalTokens, corpus: Corpus) -> None:
    numbers = held_out_numbers(corpus, tokens.num_rows, corpus.manifest.seed)
    planes = Planes.of(corpus.read("validation", numbers), corpus.special)
    whole = [(row, start, end) for row, start, end in places_of(planes) if not planes.segment_b[row, start:end].any()]
    assert whole
    for row, start, end in whole:
        expected = suspicion(reader, planes.tokens[row, start + 1 : end - 1].tolist())
        first = int(planes.maskable[row, :start].sum())
        measured = tokens.suspicion[tokens.row == row][first : first + len(expected)]
        np.testing.assert_allclose(measured, expected, atol=1e-6)


def test_the_corpus_of_a_run_is_found_by_its_provenance(reader: Proofreader, corpus_folder: Path) -> None:
    corpus = corpus_of(reader.source)
    assert corpus and corpus.folder.resolve() == corpus_folder.resolve()


def test_a_threshold_without_a_corpus_says_so() -> None:
    assert "was not measured" in Threshold(0.5).line()
