"""Marks the tokens that continue a unit, so that they are masked together with the token before.

A token continues a unit if it is a "##" piece of WordPiece, or if it lies within a word of the segmenter or a term of
the lexicon and is not the first token there.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from configs.common.errors import UserError, unknown
from configs.common.scripts import is_chinese
from configs.corpus_tables import MaskingTable
from configs.recipe import CorpusRecipe
from configs.vocabulary.entries import SPECIAL_TOKENS
from data_prep import vocabulary, wordpiece
from data_prep.lexicon import Lexicon, read_terms
from data_prep.wordpiece import Encoded

# A segmenter cuts a text into pieces, in order. Joined, the pieces are the text again.
Segmenter = Callable[[str], Iterable[str]]

GROUP = "electra.segmenters"
# This bit of a token id is set when the token continues a word. No vocabulary is large enough to use the bit itself.
CONTINUES = np.uint32(1 << 31)


class LineTokenizer:
    """Turns lines into token ids. The ids of tokens that continue a word have the bit `CONTINUES`."""

    def __init__(self, tokenizer: Tokenizer, masking: MaskingTable):
        self._encode = wordpiece.encoder_of(tokenizer)
        self._segmenter = segmenter_of(masking)
        self._longest = masking.longest_word
        self.lexicon = lexicon_of(masking, tokenizer)
        self._flags = vocabulary.continuations(tokenizer) * CONTINUES
        self._unk = tokenizer.token_to_id(SPECIAL_TOKENS["unk"])
        self._unknown: Counter[str] = Counter()

    def __call__(self, lines: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.integer]]:
        """Return the tokens of all lines, [T], and the index of the first token of each line, [lines + 1]."""
        encoded = self._encode(lines)
        flagged = encoded.ids | self._flags[encoded.ids]
        if (self._segmenter or self.lexicon) and lines:
            inner = np.concatenate([self._inner(line) for line in lines])
            flagged |= inner[encoded.starts] * CONTINUES
        self._note_unknown(lines, encoded)
        return flagged, encoded.line_starts

    def take_unknown(self) -> Counter[str]:
        """Count the words that became [UNK] since the last call, as written, with the white space after them."""
        taken, self._unknown = self._unknown, Counter()
        return taken

    def _note_unknown(self, lines: list[str], encoded: Encoded) -> None:
        unknown = np.flatnonzero(encoded.ids == self._unk)
        if len(unknown):
            text = "\n".join([*lines, ""])
            starts = encoded.starts[unknown]
            behind = np.searchsorted(encoded.piece_starts, starts, side="right")
            ends = np.append(encoded.piece_starts, len(text))[behind]
            self._unknown.update(text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True))

    def flagged(self, ids: NDArray[np.integer]) -> NDArray[np.uint32]:
        """Add the bit `CONTINUES` to token ids that were read without their text."""
        return ids.astype(np.uint32) | self._flags[ids]

    def _inner(self, line: str) -> NDArray[np.bool_]:
        """Return which characters lie within a unit and are not its first, bool [characters + 1].

        The last entry stands for the end of the line.
        """
        inner = np.zeros(len(line) + 1, bool)
        if self._segmenter:
            inner[:-1] = inner_characters(line, self._segmenter, self._longest)
        if self.lexicon:
            inner[:-1] |= self.lexicon.inner_characters(line)
        return inner


def split(flagged: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Separate flagged ids into token ids, and whether each token continues a word."""
    return flagged & ~CONTINUES, (flagged & CONTINUES) != 0


def inner_characters(line: str, segmenter: Segmenter, longest: int) -> NDArray[np.bool_]:
    """Return which characters come after the first in a Chinese word of at most `longest` characters.

    The result is bool [characters]. Raises UserError when the pieces of the segmenter do not add up to the line.
    """
    inner = np.zeros(len(line), bool)
    end = 0
    for piece in segmenter(line):
        start, end = end, end + len(piece)
        if 1 < len(piece) <= longest and is_chinese(piece):
            inner[start + 1 : end] = True
    if end != len(line):
        raise UserError(f"masking.segmenter: its pieces of {line[:40]!r} do not add up to the text")
    return inner


def terms_of(masking: MaskingTable) -> list[str]:
    """Return the terms of the lexicon, or none without a lexicon. Raises UserError when its file holds no terms."""
    return read_terms(Path(masking.lexicon)) if masking.lexicon else []


def lexicon_of(masking: MaskingTable, tokenizer: Tokenizer) -> Lexicon | None:
    """Return the lexicon, or None if the recipe names no file. Raises UserError when the file holds no terms."""
    if not masking.lexicon:
        return None
    return Lexicon(Path(masking.lexicon), lowercase=tokenizer.normalizer.normalize_str("A") == "a")


def check_terms(recipe: CorpusRecipe, tokenizer: Tokenizer) -> None:
    """Raise UserError for a term that has more tokens than a row may mask."""
    lexicon = lexicon_of(recipe.masking, tokenizer)
    slots = recipe.masking.slots(recipe.data.row_length)
    for term in lexicon.terms if lexicon else ():
        size = len(tokenizer.encode(term, add_special_tokens=False))
        if size > slots:
            raise UserError(
                f"masking.lexicon: {recipe.masking.lexicon}: the term {term[:40]!r} has {size} tokens, and in a "
                f"row of {recipe.data.row_length} tokens at most {slots} are masked (data.row_length, masking.rate)"
            )


def segmenter_of(masking: MaskingTable) -> Segmenter | None:
    """Return the segmenter, or None if the recipe uses none.

    Raises UserError when there is no segmenter of that name, or when a package that it needs is not installed.
    """
    return None if masking.segmenter == "none" else _load(masking.segmenter)


@cache
def _load(name: str) -> Segmenter:
    segmenters = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in segmenters:
        raise UserError(f"masking.segmenter: {unknown('segmenter', name, ['none', *sorted(segmenters)])}")
    try:
        return segmenters[name].load()()
    except ModuleNotFoundError as error:
        raise UserError(f"masking.segmenter: {name} needs the package {error.name}, which is not installed") from None


def jieba() -> Segmenter:
    """Return jieba as a segmenter, with its own dictionary.

    jieba would keep a cache file in the common temporary folder. This cache is not used.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba as package

    tokenizer = package.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer.cut
