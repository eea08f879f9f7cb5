"""The sentences of a document become examples: one or two segments between [CLS] and [SEP].

The rules come from google-research/electra, build_pretraining_dataset.py, after the fix of its segment condition
(commit 1ed0852) or, with `segment_condition = "reversed"`, before that fix. There is one difference: text that does
not fit into an example starts the next example instead of being dropped.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.corpus_tables import DataTable
from data_prep.manifest import SpecialTokens

Tokens = NDArray[np.uint32]
# The first token of a sentence, or of a part of one, and the token after its last, counted in the document.
_Span = tuple[int, int]
# Google's target length for the first segment when there is no second segment: it is longer than any example.
_ONE_SEGMENT = 100_000


class Example(NamedTuple):
    """An example: its flagged token ids (see `words`), special tokens included, and the start of its second segment.

    The ids are in several arrays, one after the other, with `size` tokens in total. A block of rows joins them at once.
    Without a second segment, `second_segment` is the number of tokens.
    """

    parts: list[Tokens]
    size: int
    second_segment: int


def examples(
    tokens: Tokens, starts: Sequence[int], data: DataTable, special: SpecialTokens, key: int
) -> Iterator[Example]:
    """Cut one document into examples of at most `data.row_length` tokens.

    `starts` are the tokens at which sentences start, and the number of all tokens. `key` is the seed of all random
    choices.
    """
    choices = random.Random(key)
    target = _target(data, choices)
    pending: list[_Span] = []
    num_pending = 0
    for span in pairwise(starts):
        start, end = span
        if start == end:
            continue
        pending.append(span)
        num_pending += end - start
        while num_pending >= target:
            first, second, pending = _cut(pending, target, data, choices)
            example = _assemble(tokens, first, second, special)
            yield example
            num_pending -= example.size - (3 if second else 2)
            target = _target(data, choices)
    while pending:
        first, second, pending = _cut(pending, target, data, choices)
        yield _assemble(tokens, first, second, special)


def _target(data: DataTable, choices: random.Random) -> int:
    if choices.random() < data.random_length_share:
        return choices.randint(data.shortest_random_length, data.row_length)
    return data.row_length


def _cut(
    sentences: list[_Span], target: int, data: DataTable, choices: random.Random
) -> tuple[list[_Span], list[_Span], list[_Span]]:
    """Return the first segment, the second segment, and the sentences that did not fit into them."""
    one_segment = choices.random() < data.single_segment_share
    first_target = _ONE_SEGMENT if one_segment else (target - 3) // 2
    first: list[_Span] = []
    second: list[_Span] = []
    num_first = num_second = 0
    fixed = data.segment_condition == "fixed"
    for span in sentences:
        size = span[1] - span[0]
        if (
            bool(first) != fixed
            or num_first + size < first_target
            or (bool(second) != fixed and num_first < first_target and choices.random() < 0.5)
        ):
            first.append(span)
            num_first += size
        else:
            second.append(span)
            num_second += size
    room = data.row_length - 2
    first_rest = _cut_off(first, num_first - room)
    second_rest = _cut_off(second, num_second - max(0, room - 1 - num_first))
    # With the reversed condition, the second segment holds the earlier sentences, so its rest comes first.
    return first, second, first_rest + second_rest if fixed else second_rest + first_rest


def _cut_off(spans: list[_Span], excess: int) -> list[_Span]:
    """Remove the last `excess` tokens from the spans, and return them in spans of their own."""
    removed: list[_Span] = []
    while excess > 0:
        start, end = spans[-1]
        border = end - excess
        excess -= end - start
        if border > start:
            spans[-1] = start, border
            removed.append((border, end))
        else:
            removed.append(spans.pop())
    removed.reverse()
    return removed


def _assemble(tokens: Tokens, first: list[_Span], second: list[_Span], special: SpecialTokens) -> Example:
    cls, sep = _alone(special.cls), _alone(special.sep)
    parts = [cls]
    size = second_segment = _append(parts, tokens, first) + 2
    parts.append(sep)
    if second:
        size += _append(parts, tokens, second) + 1
        parts.append(sep)
    return Example(parts, size, second_segment)


def _append(parts: list[Tokens], tokens: Tokens, spans: list[_Span]) -> int:
    """Append the tokens of the spans, neighbours as one array. Return the number of tokens."""
    if not spans:
        return 0
    first, last = spans[0][0], spans[0][1]
    size = last - first
    for start, end in spans[1:]:
        size += end - start
        if start != last:
            parts.append(tokens[first:last])
            first = start
        last = end
    parts.append(tokens[first:last])
    return size


@cache
def _alone(token: int) -> Tokens:
    return np.array([token], np.uint32)
