"""Long texts are cut into overlapping windows, and each token is scored where it has the most context."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Window:
    """The tokens `start` to `end` of a text, which a network reads together. Ends are exclusive.

    The scores of the tokens `first` to `last` are taken from this window.
    """

    start: int
    end: int
    first: int
    last: int


def windows(num_tokens: int, size: int) -> list[Window]:
    """Cut a text into windows of `size` tokens, or into one window if the text fits.

    Each window overlaps the next by at least a half, and the last one ends with the text. Two neighbours share their
    overlap in its middle. So every token has at least a quarter of a window of context on each side, or the text begins
    or ends there.
    """
    assert size > 1, size
    if num_tokens <= size:
        return [Window(0, num_tokens, 0, num_tokens)]
    starts = [*range(0, num_tokens - size, size // 2), num_tokens - size]
    middles = [(later + earlier + size) // 2 for earlier, later in pairwise(starts)]
    borders = [0, *middles, num_tokens]
    return [
        Window(start, start + size, first, last)
        for start, first, last in zip(starts, borders, borders[1:], strict=False)
    ]
