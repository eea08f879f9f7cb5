"""Each real token of a row is a piece with its role, worked by hand for one row of two examples."""

from __future__ import annotations

import numpy as np

from configs.vocabulary.entries import SPECIAL_TOKENS
from data_prep.manifest import SpecialTokens
from data_prep.row_view import pieces_of
from data_prep.rows import Planes, pack, row_dtype

WORDS = [*SPECIAL_TOKENS.values(), "na", "##ive", "法"]
ID = {word: number for number, word in enumerate(WORDS)}
SPECIAL = SpecialTokens(**{name: ID[token] for name, token in SPECIAL_TOKENS.items()})


def plane(*positions: int) -> np.ndarray:
    return pack(np.isin(np.arange(16), positions))[None]


def row(*words: str) -> Planes:
    rows = np.zeros(1, row_dtype(16, len(WORDS), 0))
    rows["tokens"][0, : len(words)] = [ID[word] for word in words]
    rows["length"] = len(words)
    rows["example_start"], rows["segment_b"] = plane(0, 7), plane(5, 6)
    return Planes.of(rows, SPECIAL)


def test_the_pieces_of_two_examples() -> None:
    planes = row("[CLS]", "na", "##ive", "[UNK]", "[SEP]", "法", "[SEP]", "[CLS]", "na", "[SEP]")
    pieces = pieces_of(planes, np.isin(np.arange(16), (2, 5))[None], 0, WORDS)
    assert [piece.text for piece in pieces] == [
        "[CLS]",
        "na",
        "ive",
        "[UNK]",
        "[SEP]",
        "法",
        "[SEP]",
        "[CLS]",
        "na",
        "[SEP]",
    ]

    def marked(role: str) -> list[int]:
        return [place for place, piece in enumerate(pieces) if getattr(piece, role)]

    assert marked("begins_example") == [0, 7]
    assert marked("space_before") == [1, 3, 4, 5, 6, 8, 9]
    assert marked("second_segment") == [5, 6]
    assert marked("special") == [0, 3, 4, 6, 7, 9]
    assert marked("unknown") == [3]
    assert marked("masked") == [2, 5]


def test_padding_has_no_pieces_and_a_full_row_has_all() -> None:
    nothing = np.zeros((1, 16), bool)
    assert pieces_of(row(), nothing, 0, WORDS) == []
    assert len(pieces_of(row(*["na"] * 16), nothing, 0, WORDS)) == 16
