"""Maskings follow their law: the number and the choice of tokens, and equal masks for equal names."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from configs.common import randomness
from configs.load import load
from data_prep import masking
from data_prep.rows import Planes
from tests.pretrain.google import GOLDEN

TOKEN = load("tiny", ["masking.maskings=1"]).masking
WORDS = TOKEN.model_copy(update={"scheme": "whole_word"})
CLS, SEP = 2, 3


def planes(rows: int, row_length: int, length: int, *, word: int = 1) -> Planes:
    """Return rows of one example each, whose words all have `word` tokens."""
    tokens = np.full((rows, row_length), 9)
    tokens[:, 0], tokens[:, length - 1] = CLS, SEP
    inside = np.arange(row_length) < length
    special = np.isin(tokens, [CLS, SEP])
    starts = special | (np.arange(row_length) % word == 1 % word)
    return Planes(
        tokens=tokens,
        lengths=np.full(rows, length),
        example_start=np.broadcast_to(np.arange(row_length) == 0, tokens.shape),
        segment_b=np.zeros_like(tokens, bool),
        word_start=starts,
        maskable=inside & ~special,
    )


@pytest.mark.parametrize(
    ("name", "length", "rate"), [("L128_p15", 128, 0.15), ("L512_p15", 512, 0.15), ("L512_p25", 512, 0.25)]
)
def test_googles_budget_for_every_length(name: str, length: int, rate: float) -> None:
    golden = np.load(GOLDEN / "tf_masking_budget.npz")
    chosen = TOKEN.model_copy(update={"rate": rate})
    assert chosen.slots(length) == golden[f"N_{name}"]
    assert np.array_equal(masking.quotas(np.arange(1, length + 1), chosen, length), golden[name])


def test_every_row_fills_its_quota_and_no_special_token_is_chosen() -> None:
    row_planes = planes(200, 128, 100)
    masks = masking.draw(row_planes, TOKEN, 1, "test", 0, np.arange(200)[:, None])
    assert (masks.sum(axis=1) == 15).all()
    assert not (masks & ~row_planes.maskable).any()


def test_tokens_are_chosen_evenly() -> None:
    masks = masking.draw(planes(20_000, 64, 64), TOKEN, 1, "test", 0, np.arange(20_000)[:, None])
    counts = masks[:, 1:63].sum(axis=0)
    expected = masks.sum() / 62
    # The value is chi-square with 61 degrees of freedom, shrunk because 10 of 62 tokens are drawn without replacement.
    # It is above 110 once in 10,000 times.
    assert ((counts - expected) ** 2 / expected).sum() < 110


def test_words_stay_whole_and_fill_the_quota() -> None:
    row_planes = planes(500, 128, 128, word=3)
    masks = masking.draw(row_planes, WORDS, 1, "test", 0, np.arange(500)[:, None])
    words = np.where(row_planes.maskable, np.cumsum(row_planes.word_start, axis=1), 0)
    for row in range(500):
        chosen = set(words[row][masks[row]])
        assert all(masks[row][words[row] == word].all() for word in chosen)
    # At least 18 of the quota of 19 tokens are masked, since a word has three tokens.
    assert (masks.sum(axis=1) >= 18).mean() > 0.95
    assert (masks.sum(axis=1) <= 19).all()


def test_a_word_longer_than_the_quota_stays_unmasked() -> None:
    masks = masking.draw(planes(10, 16, 16, word=16), WORDS, 1, "test", 0, np.arange(10)[:, None])
    assert not masks.any()


def test_a_masking_depends_on_its_names_alone() -> None:
    row_planes = planes(10, 64, 64)
    together = masking.draw(row_planes, TOKEN, 1, "test", 3, np.arange(10)[:, None])
    alone = masking.draw(planes(1, 64, 64), TOKEN, 1, "test", 3, np.array([[7]]))
    assert np.array_equal(together[7], alone[0])
    other = masking.draw(row_planes, TOKEN, 1, "test", 4, np.arange(10)[:, None])
    assert not np.array_equal(together, other)


def test_spans_are_runs_of_whole_words_with_geometric_lengths() -> None:
    mean, rows = 3.8, 3000
    span = TOKEN.model_copy(update={"scheme": "span", "mean_span": mean, "rate": 0.5})
    row_planes = planes(rows, 512, 512, word=2)
    masks = masking.draw(row_planes, span, 1, "test", 0, np.arange(rows)[:, None])
    words = np.where(row_planes.maskable, np.cumsum(row_planes.word_start, axis=1), 0)
    for row in range(50):
        chosen = set(words[row][masks[row]])
        assert all(masks[row][words[row] == word].all() for word in chosen)
    starts = masking._spans(row_planes, keyed_uniform(rows, 512) < 1 / mean)
    lengths = np.concatenate([np.bincount(row - row.min()) // 2 for row in starts[:, 1:511]])
    # These spans in the middle of the rows end by chance and not at [SEP], so P(n words) = p (1 - p)^(n - 1).
    expected = 1 / mean * (1 - 1 / mean) ** (np.arange(1, 9) - 1)
    frequencies = np.array([(lengths == n).mean() for n in range(1, 9)])
    assert np.abs(frequencies - expected).max() < 0.01
    assert (masks.sum(axis=1) <= masking.quotas(row_planes.lengths, span, 512)).all()


def keyed_uniform(rows: int, row_length: int) -> np.ndarray:
    return randomness.uniform(1, "test spans", np.arange(rows)[:, None], np.arange(row_length)[None, :])


def test_spans_do_not_cross_special_tokens() -> None:
    row_planes = planes(200, 64, 64)
    tokens = row_planes.tokens.copy()
    tokens[:, 30] = SEP
    maskable = row_planes.maskable & (tokens != SEP)
    row_planes = dataclasses.replace(row_planes, tokens=tokens, maskable=maskable)
    units = np.where(maskable, masking._spans(row_planes, np.zeros(tokens.shape, bool)), -1)
    assert all(set(row[1:30]).isdisjoint(row[31:63]) for row in units)
    assert {len(set(row[1:30])) for row in units} == {1}
    # An example that begins with the rest of a word begins a span too.
    starts = row_planes.word_start.copy()
    starts[:, 31:34] = False
    units = masking._spans(dataclasses.replace(row_planes, word_start=starts), np.zeros(tokens.shape, bool))
    assert all(set(row[1:30]).isdisjoint(row[31:63]) for row in units) and units[:, 1:].min() >= 0


def test_spans_of_rows_that_open_within_a_word_leave_their_neighbours_alone() -> None:
    """The tokens before the first span belong to no span."""
    span = TOKEN.model_copy(update={"scheme": "span"})
    row_planes = planes(50, 64, 64)
    starts = row_planes.word_start.copy()
    starts[10:, 1:4] = False
    row_planes = dataclasses.replace(row_planes, word_start=starts)
    together = masking.draw(row_planes, span, 1, "test", 0, np.arange(50)[:, None])
    alone = [masking.draw(row_of(row_planes, row), span, 1, "test", 0, np.array([[row]]))[0] for row in range(50)]
    assert np.array_equal(together, alone)


def row_of(row_planes: Planes, row: int) -> Planes:
    return Planes(**{name: values[row : row + 1] for name, values in vars(row_planes).items()})


def with_words(rows: int, row_length: int) -> Planes:
    """Return rows whose words have one to four tokens, each row with other words."""
    row_planes = planes(rows, row_length, row_length)
    starts = keyed_uniform(rows, row_length) < 0.6
    starts[:, :2] = starts[:, -1] = True
    return dataclasses.replace(row_planes, word_start=starts)


@pytest.mark.parametrize("scheme", ["token", "whole_word", "span"])
def test_a_lower_rate_takes_the_first_units_of_a_higher_rate(scheme: str) -> None:
    """Only units that fill a gap at the end of the lower quota may be others."""
    higher = TOKEN.model_copy(update={"scheme": scheme, "mean_span": 2.0, "rate": 0.3})
    row_planes, where = with_words(400, 128), (1, "test", 5, np.arange(400)[:, None])
    words = np.cumsum(row_planes.word_start, axis=1)
    all_masks = masking.draw(row_planes, higher, *where)
    for rate in (0.25, 0.2, 0.15, 0.1):
        masks = masking.draw(row_planes, higher.at_rate(rate), *where)
        assert (masks & all_masks).sum() >= (1 if scheme == "token" else 0.95) * masks.sum()
        for row in range(50 if scheme != "token" else 0):
            assert np.array_equal(np.isin(words[row], words[row][masks[row]]), masks[row])


def test_a_lower_rate_takes_every_masked_place_with_the_same_chance() -> None:
    row_planes, where = planes(20_000, 64, 64), (1, "test", 0, np.arange(20_000)[:, None])
    masks = masking.draw(row_planes, TOKEN.at_rate(0.3), *where)
    fewer = masking.draw(row_planes, TOKEN, *where)
    assert (masks.sum(axis=1) == 19).all() and (fewer.sum(axis=1) == 9).all()
    places = (np.cumsum(masks, axis=1) - 1)[fewer]
    shares = np.bincount(places, minlength=19) / len(fewer)
    # The standard deviation of a share is at most .5 / sqrt(20,000).
    assert np.abs(shares - 9 / 19).max() < 4 * 0.5 / np.sqrt(len(fewer))
