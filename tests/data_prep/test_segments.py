"""Google's segment rules are followed, and no token is dropped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.corpus_tables import DataTable
from configs.load import load
from data_prep.manifest import SpecialTokens
from data_prep.segments import Example, examples

SPECIAL = SpecialTokens(pad=0, unk=1, cls=2, sep=3, mask=4)


def data(**changes: object) -> DataTable:
    return load("small").data.model_copy(update={"row_length": 32, **changes})


def words(example: Example) -> list[int]:
    return [token for token in tokens_of(example) if token > 4]


def tokens_of(example: Example) -> list[int]:
    tokens = np.concatenate(example.parts).tolist()
    assert len(tokens) == example.size
    return tokens


def sentences(lengths: list[int]) -> tuple[np.ndarray, list[int]]:
    """Return a document whose tokens count upwards from 5, and where its sentences start and the last ends.

    The sentences do not start at the beginning of the array.
    """
    return np.arange(sum(lengths) + 7, dtype=np.uint32), (np.cumsum([0, *lengths]) + 5).tolist()


@given(st.lists(st.integers(0, 90), max_size=20), st.integers(0, 2**32), st.sampled_from(["fixed", "reversed"]))
def test_every_token_is_in_exactly_one_example(lengths: list[int], key: int, condition: str) -> None:
    made = list(examples(*sentences(lengths), data(segment_condition=condition), SPECIAL, key))
    assert sorted(word for example in made for word in words(example)) == list(range(5, 5 + sum(lengths)))
    for example in made:
        tokens = tokens_of(example)
        assert 3 <= len(tokens) <= 32
        assert tokens[0] == SPECIAL.cls
        assert tokens[-1] == SPECIAL.sep
        second = tokens[example.second_segment :]
        assert tokens[example.second_segment - 1] == SPECIAL.sep
        assert not len(second) or second[-1] == SPECIAL.sep


def test_a_long_line_fills_rows_to_the_last_token() -> None:
    made = list(examples(*sentences([300]), data(random_length_share=0.0), SPECIAL, 0))
    # The line has 300 = 10 * 30 tokens: it becomes one segment per row, and 30 tokens fit between [CLS] and [SEP].
    assert [example.size for example in made] == [32] * 10
    assert [word for example in made for word in words(example)] == list(range(5, 305))


def test_the_first_segment_takes_sentences_up_to_half_and_the_second_the_rest() -> None:
    never = data(single_segment_share=0.0, random_length_share=0.0)
    first, *_ = examples(*sentences([6, 6, 6, 6, 6, 6]), never, SPECIAL, 3)
    # The target is 32, so half is (32 - 3) // 2 = 14. Since 6 + 6 < 14, two sentences stay in A, a third may go either
    # way, and the others go to B.
    assert first.second_segment - 2 in (12, 18)
    assert first.size == 32


def test_one_segment_where_the_share_says_so() -> None:
    always = data(single_segment_share=1.0)
    for example in examples(*sentences([5] * 30), always, SPECIAL, 1):
        assert example.second_segment == example.size


@pytest.mark.parametrize("share", [0.1, 0.05])
def test_the_shares_are_met(share: float) -> None:
    chosen = data(single_segment_share=share, random_length_share=0.0)
    made = [e for key in range(300) for e in examples(*sentences([9] * 30), chosen, SPECIAL, key)]
    full = [e for e in made if e.size > 25]
    single = np.mean([e.second_segment == e.size for e in full])
    assert single == pytest.approx(share, abs=0.02)


def test_the_same_key_cuts_alike() -> None:
    def cut(key: int) -> list[list[int]]:
        return [tokens_of(example) for example in examples(*sentences([7] * 50), data(), SPECIAL, key)]

    assert cut(1) == cut(1)
    assert cut(1) != cut(2)


def test_the_reversed_condition_does_what_googles_did_before_its_fix() -> None:
    """Check the three effects that issue 20 of google-research/electra and HFL's issues 77 and 90 describe."""
    always = data(segment_condition="reversed", single_segment_share=0.0, random_length_share=0.0)
    # One long line gives an empty first segment.
    (lone, *_) = examples(*sentences([40]), always, SPECIAL, 0)
    assert tokens_of(lone)[:2] == [SPECIAL.cls, SPECIAL.sep]
    assert lone.second_segment == 2
    # A first sentence of at least half the target comes after the sentences that follow it.
    (swapped, *_) = examples(*sentences([20, 5, 10]), always, SPECIAL, 0)
    assert words(swapped)[0] == 25
    assert tokens_of(swapped)[swapped.second_segment] == 5
    # With short sentences, everything is in the first segment.
    (single, *_) = examples(*sentences([6] * 6), always, SPECIAL, 0)
    assert single.second_segment == single.size
