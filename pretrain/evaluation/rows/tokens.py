"""The suspicion of a discriminator for every token of held-out rows, as lines of JSON (`electra evaluate --tokens`).

A line is a row: {"corpus": FOLDER, "row": NUMBER, "tokens": [...], "originals": {POSITION: TOKEN}, "suspicion": [...]}.
`tokens` are the tokens that the discriminator sees, `originals` are the tokens that the generator replaced, by their
positions in the list, and `suspicion` holds the probabilities that the discriminator gives to a replacement.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from configs.common.files import make_folder, whole_file
from configs.vocabulary.entries import read_folder
from data_prep.shards import Corpus
from pretrain.evaluation.rows.scoring import RowMeasures

# Significant digits that are written of a probability. They suffice to order the tokens as the logits do.
_DIGITS = 9


def token_rows(corpus: Corpus, rows: RowMeasures) -> Iterator[dict[str, Any]]:
    """Yield the content of a line for each row. The rows must have been measured with a discriminator."""
    assert rows.logits is not None
    words = np.array(read_folder(corpus.folder))
    suspicion = expit(rows.logits)
    borders = np.searchsorted(rows.row, np.arange(len(rows.number) + 1))
    for number, start, end in zip(rows.number, borders, borders[1:], strict=False):
        original, replaced = words[rows.original[start:end]], rows.replaced[start:end]
        yield {
            "corpus": str(corpus.folder),
            "row": int(number),
            "tokens": words[rows.corrupted[start:end]].tolist(),
            "originals": {str(position): str(original[position]) for position in np.flatnonzero(replaced)},
            "suspicion": [float(f"{probability:.{_DIGITS}g}") for probability in suspicion[start:end]],
        }


def write_token_rows(file: Path, lines: Iterable[dict[str, Any]]) -> None:
    make_folder(file.absolute().parent)
    with whole_file(file) as stream:
        for line in lines:
            stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
