"""The inputs on which an export is compared with the model.

They are rows of the run's corpus if it can be found, and random tokens otherwise.

Letters: B examples, L their length.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.common import randomness
from configs.common.files import read_json
from data_prep.shards import Corpus, Planes
from pretrain.export.source import Source
from pretrain.run.folder import PROVENANCE

_NUM_EXAMPLES = 8
# A base model takes about a second for eight examples of this length on two cores.
_MAX_LENGTH = 128
_SEED = 0


@dataclass(frozen=True)
class Examples:
    """Padded inputs of a model. Some have two segments if the corpus has such examples."""

    tokens: Tensor  # [B, L]
    segments: Tensor  # [B, L]
    real: Tensor  # [B, L] bool, false on padding
    origin: str  # where the examples come from, for people


def corpus_of(source: Source) -> Corpus | None:
    """Open the corpus of a run if it is still in the folder that the provenance names, and None otherwise.

    A corpus that was prepared again has another manifest and counts as missing.
    """
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
    return _of_rows(corpus, length) if corpus else _random(min(shape["vocabulary"] for shape in shapes), length)


def _of_rows(corpus: Corpus, length: int) -> Examples:
    split = "validation" if corpus.num_rows("validation") else "train"
    rows = corpus.read(split, np.arange(min(_NUM_EXAMPLES, corpus.num_rows(split))))
    planes = Planes.of(rows, corpus.special)
    places = [(row, start, end) for row in range(len(rows)) for start, end in _borders(planes, row)][:_NUM_EXAMPLES]
    shape = (len(places), length)
    tokens, segments, real = np.full(shape, corpus.special.pad), np.zeros(shape, np.int64), np.zeros(shape, bool)
    for number, (row, start, end) in enumerate(places):
        size = min(length, end - start)
        tokens[number, :size] = planes.tokens[row, start : start + size]
        segments[number, :size] = planes.segment_b[row, start : start + size]
        real[number, :size] = True
    name = "held-out" if split == "validation" else "training"
    return _examples(tokens, segments, real, f"{len(places)} examples of the corpus' {name} rows")


def _borders(planes: Planes, row: int) -> list[tuple[int, int]]:
    """Return the start and the end of each example of a row."""
    starts = np.flatnonzero(planes.example_start[row]).tolist()
    return list(zip(starts, [*starts[1:], int(planes.lengths[row])], strict=True))


def _random(vocabulary: int, length: int) -> Examples:
    """Make random tokens, which are the same on every machine."""
    places = np.arange(_NUM_EXAMPLES)[:, None], np.arange(length)
    tokens = (randomness.bits(_SEED, "proof of an export", *places) % np.uint64(vocabulary)).astype(np.int64)
    real = np.arange(length) < np.linspace(min(3, length), length, _NUM_EXAMPLES).astype(np.int64)[:, None]
    segments = np.broadcast_to(np.arange(length) > length // 4, tokens.shape).astype(np.int64)
    return _examples(tokens, segments, real, f"{_NUM_EXAMPLES} rows of random tokens")


def _examples(tokens: NDArray, segments: NDArray, real: NDArray, origin: str) -> Examples:
    tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in (tokens, segments, real)]
    return Examples(tensors[0], tensors[1], tensors[2], origin)
