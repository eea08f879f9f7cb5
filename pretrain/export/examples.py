"""The inputs on which an export is compared with the model.

They are rows of the run's corpus if it can be found, and random tokens otherwise.

Letters: B examples, L their length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.common import randomness
from configs.common.errors import UserError
from configs.common.files import read_json
from configs.vocabulary.entries import read_folder
from data_prep.shards import Corpus, Planes
from pretrain.export.source import Source
from pretrain.run.folder import PROVENANCE

_NUM_EXAMPLES = 8
# A large model takes about two seconds for eight examples of this length on two cores. All weights but those of later
# positions take part, and the weights that are read back are compared bit by bit anyway.
_MAX_LENGTH = 64
_SEED = 0

# The number of a row, and the start and the end of an example in it.
Place = tuple[int, int, int]


@dataclass(frozen=True)
class Examples:
    """Padded inputs of a model. Some have two segments if the corpus has such examples."""

    tokens: Tensor  # [B, L]
    segments: Tensor  # [B, L]
    real: Tensor  # [B, L] bool, false on padding
    origin: str  # where the examples come from, for people


def corpus_of(source: Source, named: Path | None = None) -> Corpus | None:
    """Open the corpus that the user named, or else that of a run. Returns None if there is none.

    The corpus of a run must still be in the folder that the provenance names. One that was prepared again has another
    manifest and counts as missing. Raises UserError if the corpus that the user named has another vocabulary.
    """
    if named:
        corpus = Corpus(named)
        if read_folder(named) != read_folder(source.tokenizer):
            raise UserError(
                f"--corpus {named}: has another vocabulary than {source.name}; prepare it with --init-from "
                f"{source.name}"
            )
        return corpus
    if source.training is None:
        return None
    starts = read_json(source.training.chosen.run / PROVENANCE)["starts"]
    folder = Path(starts[-1]["corpus"]["folder"])
    if not (folder / "manifest.json").is_file():
        return None
    corpus = Corpus(folder)
    return corpus if corpus.manifest_sha256 == source.training.chosen.state.corpus else None


def examples_for(source: Source, corpus: Corpus | None) -> Examples:
    """Make examples of at most `_MAX_LENGTH` tokens, from the corpus if there is one, otherwise of random tokens."""
    shapes = [network.shape for network in source.networks.values()]
    length = min(_MAX_LENGTH, *(shape["max_positions"] for shape in shapes))
    if corpus:
        return _of_rows(corpus, length)
    return random_examples(min(shape["vocabulary"] for shape in shapes), _NUM_EXAMPLES, length)


def _of_rows(corpus: Corpus, length: int) -> Examples:
    split = "validation" if corpus.num_rows("validation") else "train"
    rows = corpus.read(split, np.arange(min(_NUM_EXAMPLES, corpus.num_rows(split))))
    planes = Planes.of(rows, corpus.special)
    places = places_of(planes)[:_NUM_EXAMPLES]
    name = "held-out" if split == "validation" else "training"
    origin = f"{len(places)} examples of the corpus' {name} rows"
    return examples_at(planes, places, length, corpus.special.pad, origin)


def places_of(planes: Planes) -> list[Place]:
    """Return the row, the start and the end of each example."""
    places = []
    for row, length in enumerate(planes.lengths.tolist()):
        starts = np.flatnonzero(planes.example_start[row]).tolist()
        places += zip([row] * len(starts), starts, [*starts[1:], length], strict=True)
    return places


def examples_at(planes: Planes, places: Sequence[Place], length: int, padding: int, origin: str) -> Examples:
    """Make the examples at `places`, cut after `length` tokens. `padding` is the id of [PAD]."""
    tokens = lay_out(planes.tokens, places, length, padding)
    segments, real = (lay_out(plane, places, length) for plane in (planes.segment_b, np.ones_like(planes.segment_b)))
    return _examples(tokens, segments, real, origin)


def lay_out(plane: NDArray, places: Sequence[Place], length: int, padding: int = 0) -> NDArray:
    """Copy each example from the rows [R, L] of a plane into a row of its own, cut after `length` values."""
    laid_out = np.full((len(places), length), padding, plane.dtype)
    for number, (row, start, end) in enumerate(places):
        size = min(length, end - start)
        laid_out[number, :size] = plane[row, start : start + size]
    return laid_out


def random_examples(vocabulary: int, num_examples: int, length: int) -> Examples:
    """Make random tokens, which are the same on every machine. The last row is full, and rows before it are shorter."""
    places = np.arange(num_examples)[:, None], np.arange(length)
    tokens = (randomness.bits(_SEED, "proof of an export", *places) % np.uint64(vocabulary)).astype(np.int64)
    real = np.arange(length) < np.linspace(length, min(3, length), num_examples).astype(np.int64)[::-1, None]
    segments = np.broadcast_to(np.arange(length) > length // 4, tokens.shape).astype(np.int64)
    return _examples(tokens, segments, real, f"{num_examples} rows of random tokens")


def _examples(tokens: NDArray, segments: NDArray, real: NDArray, origin: str) -> Examples:
    tensors = [torch.from_numpy(array) for array in (tokens.astype(np.int64), segments.astype(np.int64), real)]
    return Examples(tensors[0], tensors[1], tensors[2], origin)
