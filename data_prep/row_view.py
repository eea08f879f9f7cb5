"""The tokens of a row as readable pieces, each with its role in the row, for a terminal or a page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.vocabulary.entries import SPECIAL_TOKENS
from data_prep.rows import Planes


@dataclass(frozen=True)
class Piece:
    text: str
    space_before: bool
    begins_example: bool
    second_segment: bool
    special: bool
    unknown: bool
    masked: bool


def pieces_of(planes: Planes, masks: NDArray[np.bool_], row: int, words: list[str]) -> list[Piece]:
    """Return the pieces of the real tokens of one row. `words` are the entries of the vocabulary by id."""
    pieces: list[Piece] = []
    for position in range(planes.lengths[row]):
        word = words[planes.tokens[row, position]]
        begins = bool(planes.example_start[row, position])
        pieces.append(
            Piece(
                text=word.removeprefix("##"),
                space_before=bool(position) and not begins and not word.startswith("##"),
                begins_example=begins,
                second_segment=bool(planes.segment_b[row, position]),
                special=word in SPECIAL_TOKENS.values(),
                unknown=word == SPECIAL_TOKENS["unk"],
                masked=bool(masks[row, position]),
            )
        )
    return pieces
