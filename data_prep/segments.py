"""The sentences of a document become examples: one or two segments between [CLS] and [SEP].

The rules come from google-research/electra, build_pretraining_dataset.py, after the fix of its segment condition
(commit 1ed0852) or, with `segment_condition = "reversed"`, before that fix. There is one difference: text that does
not fit into an example starts the next example instead of being dropped.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.corpus_tables import DataTable
from data_prep.manifest import SpecialTokens

Sentence = NDArray[np.uint32]
# Google's target length for the first segment when there is no second segment: it is longer than any example.
_ONE_SEGMENT = 100_000


class Example(NamedTuple):
    """An example: its flagged token ids (see `words`), special tokens included, and the start of its second segment.

    Without a second segment, `second_segment` is the number of tokens.
    """

    tokens: Sentence
    second_segment: int


def examples(sentences: Iterable[Sentence], data: DataTable, special: SpecialTokens, key: int) -> Iterator[Example]:
    """Cut one document into examples of at most `data.row_length` tokens. `key` is the seed of all random choices."""
    choices = random.Random(key)
    target = _target(data, choices)
    pending: list[Sentence] = []
    num_pending = 0
    for sentence in sentences:
        size = len(sentence)
        if not size:
            continue
        pending.append(sentence)
        num_pending += size
        while num_pending >= target:
            example, pending = _cut(pending, target, data, special, choices)
            yield example
            num_pending = sum(map(len, pending))
            target = _target(data, choices)
    while pending:
        example, pending = _cut(pending, target, data, special, choices)
        yield example


def _target(data: DataTable, choices: random.Random) -> int:
    if choices.random() < data.random_length_share:
        return choices.randint(data.shortest_random_length, data.row_length)
    return data.row_length


def _cut(
    sentences: list[Sentence], target: int, data: DataTable, special: SpecialTokens, choices: random.Random
) -> tuple[Example, list[Sentence]]:
    """Return one example, and the sentences that did not fit into it."""
    one_segment = choices.random() < data.single_segment_share
    first_target = _ONE_SEGMENT if one_segment else (target - 3) // 2
    first: list[Sentence] = []
    second: list[Sentence] = []
    num_first = num_second = 0
    fixed = data.segment_condition == "fixed"
    for sentence in sentences:
        size = len(sentence)
        if (
            bool(first) != fixed
            or num_first + size < first_target
            or (bool(second) != fixed and num_first < first_target and choices.random() < 0.5)
        ):
            first.append(sentence)
            num_first += size
        else:
            second.append(sentence)
            num_second += size
    first, num_first, first_rest = _split(first, num_first, data.row_length - 2)
    second, _, second_rest = _split(second, num_second, data.row_length - 3 - num_first)
    # With the reversed condition, the second segment holds the earlier sentences, so its rest comes first.
    rest = first_rest + second_rest if fixed else second_rest + first_rest
    return _assemble(first, second, num_first, special), rest


def _split(sentences: list[Sentence], size: int, room: int) -> tuple[list[Sentence], int, list[Sentence]]:
    """Return the first `room` of the `size` tokens, their number, and the remaining tokens, with sentence borders."""
    if size <= room:
        return sentences, size, []
    left = room = max(room, 0)
    for index, sentence in enumerate(sentences):
        if len(sentence) > left:
            cut = [sentence[:left]] if left else []
            return sentences[:index] + cut, room, [sentence[left:], *sentences[index + 1 :]]
        left -= len(sentence)
    return sentences, size, []


def _assemble(first: list[Sentence], second: list[Sentence], num_first: int, special: SpecialTokens) -> Example:
    cls, sep = _alone(special.cls), _alone(special.sep)
    parts = [cls, *first, sep, *second, sep] if second else [cls, *first, sep]
    return Example(np.concatenate(parts), num_first + 2)


@cache
def _alone(token: int) -> Sentence:
    return np.array([token], np.uint32)
