"""A small sample of the text to prepare, for what is measured before the work begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from configs.recipe import CorpusRecipe
from configs.vocabulary.entries import SPECIAL_TOKENS
from data_prep import wordpiece
from data_prep.document import SourceDocument
from data_prep.sources.ranges import Range
from data_prep.sources.readers import weighted

# From how many places the sample is taken, since the sources may differ.
_PLACES = 16


def sample_documents(recipe: CorpusRecipe, tasks: list[list[Range]], num_bytes: int) -> Iterator[SourceDocument]:
    """The first documents of evenly chosen ranges, about `num_bytes` of text. The input alone decides which."""
    pieces = [piece for task in tasks for piece in task]
    chosen = pieces[:: max(1, len(pieces) // _PLACES)]
    for piece in chosen:
        room = num_bytes // len(chosen)
        for document in weighted(piece, recipe.data, recipe.seed):
            yield document
            room -= document.num_bytes
            if room <= 0:
                break


@dataclass(frozen=True)
class TokenCounts:
    num_tokens: int
    num_unknown: int
    # The characters without an entry, and how often they occur.
    missing_characters: Counter[str]


def count_tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> TokenCounts:
    """The tokens of a sample, as the tokenizer of a corpus cuts it."""
    ids = wordpiece.encoder_of(tokenizer)(list(texts)).ids
    num_unknown = int(np.count_nonzero(ids == tokenizer.token_to_id(SPECIAL_TOKENS["unk"])))
    missing: Counter[str] = Counter()
    for character, number in Counter("".join(texts)).items() if num_unknown else ():
        for normal in "".join(tokenizer.normalizer.normalize_str(character).split()):
            if not has_entry(tokenizer, normal):
                missing[normal] += number
    return TokenCounts(len(ids), num_unknown, missing)


def has_entry(tokenizer: Tokenizer, character: str) -> bool:
    """Whether a character can begin or continue a word."""
    return any(tokenizer.token_to_id(prefix + character) is not None for prefix in ("", "##"))
