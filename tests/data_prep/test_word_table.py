"""The table gives every word the number under which it was added, whatever the order and the collisions of slots."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_prep.word_table import WordHasher, WordTable


def hashes_of(words: list[str], hasher: WordHasher, between: str = " ") -> np.ndarray:
    text = between.join(["", *words, ""])
    sizes = np.array([len(word) for word in words], np.int64)
    starts = np.cumsum(sizes + 1) - sizes
    return hasher(np.frombuffer(text.encode("utf-32-le"), "<u4"), starts, starts + sizes)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=50))
def test_equal_words_alone_have_equal_hashes_wherever_they_are(words: list[str]) -> None:
    hasher = WordHasher()
    hashes = hashes_of(words, hasher)
    assert hashes_of(words[::-1], hasher, between="x").tolist() == hashes[::-1].tolist()
    assert len({*hashes.tolist()}) == len({*words})


def test_similar_words_differ() -> None:
    words = [*(chr(point) for point in range(0x3000)), *(f"{a}{b}{c}" for a in "ab" for b in "abc" for c in "\0\1abc")]
    words += ["a\0", "\0a", "\0\0", *("a" * length for length in range(2, 300))]
    assert len({*hashes_of(words, WordHasher()).tolist()}) == len({*words})


def test_the_table_agrees_with_a_dictionary_while_it_grows() -> None:
    draw, table, expected = random.Random(0), WordTable(), {}
    for _ in range(40):
        # Many of these hashes begin with the same bits, so the words want the same slots.
        drawn = {
            draw.choice([draw.getrandbits(64), draw.getrandbits(8), 2**64 - 1 - draw.getrandbits(8)])
            for _ in range(2000)
        }
        new = [word for word in drawn if word not in expected]
        numbers = np.arange(len(expected), len(expected) + len(new), dtype=np.int32)
        table.add(np.array(new, np.uint64), numbers)
        expected |= dict(zip(new, numbers.tolist(), strict=True))
        asked = [*expected, *(draw.getrandbits(64) for _ in range(1000)), *range(256)]
        numbers = [expected.get(word, WordTable.ABSENT) for word in asked]
        assert table.find(np.array(asked, np.uint64)).tolist() == numbers
    assert len(table) == len(expected) > 2**14


def test_a_new_table_has_no_words() -> None:
    table = WordTable()
    assert table.find(np.array([0, 1, 2**64 - 1], np.uint64)).tolist() == [WordTable.ABSENT] * 3
    table.add(np.zeros(0, np.uint64), np.zeros(0, np.int32))
    assert len(table) == 0
