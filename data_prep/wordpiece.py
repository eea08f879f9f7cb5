"""WordPiece by look-up: each distinct word is tokenized once, and its tokens are looked up when it occurs again.

The tokens of a text are the tokens of its words. The text is cut at characters that split words: white space, and
characters that stand alone, such as punctuation and Chinese characters. The tokenizer itself is asked whether a
character splits, once for every code point that occurs, and it encodes each distinct word once, exactly as written. So
no rule of BERT's is repeated here. Nothing reaches across a character that splits: of all normalization, only the order
of combining marks depends on neighbours, and no mark splits.

A piece is a word, or a character that stands alone. Letters in shapes: T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from data_prep.word_table import WordHasher, WordTable

# The table of code points holds the piece number of each character, or one of these three values. They mean that the
# character was not seen yet, that it is part of a word, or that it splits words and has no tokens itself.
_UNSEEN, _IN_WORD, _NO_TOKENS = -3, -2, -1
_CODE_POINTS = 0x110000
# When the remembered words have more characters than this in total, which takes about 50 MB, all are forgotten.
_REMEMBERED = 2**21
# The number of words that are encoded together as one text.
_GROUP = 128


@dataclass(frozen=True)
class Encoded:
    """The tokens of some lines.

    Tokens are counted through all lines. Characters are counted through all lines too, with one character for each
    line end.
    """

    ids: NDArray[np.uint32]  # [T]
    line_starts: NDArray[np.integer]  # [lines + 1], in tokens
    piece_starts: NDArray[np.integer]  # [pieces], in characters
    piece_tokens: NDArray[np.integer]  # [pieces], how many

    @property
    def starts(self) -> NDArray[np.integer]:
        """Return for each token the character at which its piece begins, [T]."""
        return np.repeat(self.piece_starts, self.piece_tokens)


def is_function_of_words(tokenizer: Tokenizer) -> bool:
    """Return whether `WordPiece` gives the same ids as this tokenizer.

    It does for BERT's tokenizer without features that look at more than a word: truncation, padding, and added tokens
    that are recognized in text.
    """
    added = tokenizer.get_added_tokens_decoder().values()
    return (
        isinstance(tokenizer.model, models.WordPiece)
        and isinstance(tokenizer.normalizer, normalizers.BertNormalizer)
        and isinstance(tokenizer.pre_tokenizer, pre_tokenizers.BertPreTokenizer)
        and tokenizer.truncation is None
        and tokenizer.padding is None
        and (not added or tokenizer.encode_special_tokens)
        and all(token.special for token in added)
    )


class Ordinary:
    """Encodes lines with any tokenizer, each line separately."""

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer

    def __call__(self, lines: list[str]) -> Encoded:
        encodings = self._tokenizer.encode_batch(lines, add_special_tokens=False)
        ids = np.array([token for encoding in encodings for token in encoding.ids], np.uint32)
        starts = [
            start + first
            for start, encoding in zip(_line_starts(lines), encodings, strict=False)
            for first, _ in encoding.offsets
        ]
        line_starts = np.cumsum([0, *map(len, encodings)])
        return Encoded(ids, line_starts, np.array(starts, np.int64), np.ones(len(ids), np.int64))


class WordPiece:
    """Encodes lines with a tokenizer for which `is_function_of_words` is true, and remembers the words that it sees."""

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._normalizer, self._pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer
        (self._stop,) = self._ids_of(".")
        self._hash = WordHasher()
        self._forget()

    def _forget(self) -> None:
        self._piece_of = np.full(_CODE_POINTS, _UNSEEN, np.int32)
        self._words = WordTable()
        self._num_remembered = 0
        # for each piece: the number of its tokens, and the index in `_ids` at which they begin
        self._num_tokens = self._first = np.zeros(0, np.int32)
        self._ids = np.zeros(0, np.uint32)

    def __call__(self, lines: list[str]) -> Encoded:
        if self._num_remembered > _REMEMBERED:
            self._forget()
        piece_starts, pieces = self._pieces("\n".join([*lines, ""]))
        num_tokens = self._num_tokens[pieces]
        token_starts = np.zeros(len(pieces) + 1, np.int32)
        np.cumsum(num_tokens, out=token_starts[1:])
        line_starts = token_starts[np.searchsorted(piece_starts, _line_starts(lines))]
        return Encoded(self._gather(pieces, num_tokens, token_starts), line_starts, piece_starts, num_tokens)

    def _pieces(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the characters at which pieces begin, and the numbers of the pieces. White space is left out.

        The text ends with a line end.
        """
        characters = np.frombuffer(text.encode("utf-32-le"), "<u4")
        piece_of_character = self._piece_of[characters]
        if len(piece_of_character) and piece_of_character.min() == _UNSEEN:
            self._ask(np.unique(characters[piece_of_character == _UNSEEN]))
            piece_of_character = self._piece_of[characters]
        in_word = piece_of_character == _IN_WORD
        first_of_word = in_word.copy()
        first_of_word[1:] &= ~in_word[:-1]
        starts = np.flatnonzero(first_of_word | (piece_of_character >= 0))
        pieces = piece_of_character[starts]
        word_starts, word_ends = np.flatnonzero(first_of_word), np.flatnonzero(in_word[:-1] & ~in_word[1:]) + 1
        hashes = self._hash(characters, word_starts, word_ends)
        of_words = self._words.find(hashes)
        if len(new := np.flatnonzero(of_words == WordTable.ABSENT)):
            distinct, first = np.unique(hashes[new], return_index=True)
            spelled = zip(word_starts[new[first]].tolist(), word_ends[new[first]].tolist(), strict=True)
            self._words.add(distinct, self._learn([text[start:end] for start, end in spelled]))
            of_words[new] = self._words.find(hashes[new])
        pieces[pieces == _IN_WORD] = of_words
        return starts, pieces

    def _ask(self, code_points: NDArray[np.uint32]) -> None:
        """Ask the tokenizer about new characters: whether they split words, and which tokens they have if they do."""
        splits = [point for point in code_points.tolist() if self._splits(chr(point))]
        pieces = self._learn([chr(point) for point in splits])
        self._piece_of[code_points] = _IN_WORD
        self._piece_of[splits] = np.where(self._num_tokens[pieces] > 0, pieces, _NO_TOKENS)

    def _splits(self, character: str) -> bool:
        """Return whether the character separates the letters on both sides of it and joins neither of them."""
        text = self._normalizer.normalize_str(f"a{character}a")
        pieces = self._pre_tokenizer.pre_tokenize_str(text)
        return len(pieces) > 1 and pieces[0][0] == pieces[-1][0] == "a"

    def _learn(self, words: list[str]) -> NDArray[np.int32]:
        """Let the tokenizer encode `words`, and return their new piece numbers."""
        groups = [words[start : start + _GROUP] for start in range(0, len(words), _GROUP)]
        encoded = list(zip(*map(self._encode, groups), strict=True)) or [(), ()]
        num_before = len(self._num_tokens)
        self._num_tokens = np.concatenate([self._num_tokens, *encoded[0]])
        self._ids = np.concatenate([self._ids, *encoded[1]])
        self._first = np.cumsum(self._num_tokens, dtype=np.int32) - self._num_tokens
        self._num_remembered += sum(map(len, words))
        return np.arange(num_before, len(self._num_tokens), dtype=np.int32)

    def _encode(self, words: list[str]) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
        """Return the number of tokens of each word, and the tokens of all words.

        The words are encoded as one text with a full stop after each word, which takes a third of the time of single
        words. The tokens between the stops are the words. If a word contains the token of the full stop itself, the
        words are encoded separately instead.
        """
        ids = self._ids_of("".join(word + "." for word in words))
        stops = np.flatnonzero(ids == self._stop)
        if len(stops) == len(words):
            return (np.diff(stops, prepend=-1) - 1).astype(np.int32), np.delete(ids, stops)
        alone = [self._ids_of(word) for word in words]
        return np.array([len(of_word) for of_word in alone], np.int32), np.concatenate(alone)

    def _ids_of(self, text: str) -> NDArray[np.uint32]:
        (encoding,) = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)
        return np.array(encoding.ids, np.uint32)

    def _gather(
        self, pieces: NDArray[np.int32], num_tokens: NDArray[np.int32], token_starts: NDArray[np.int32]
    ) -> NDArray[np.uint32]:
        """Return the tokens of the pieces, one piece after the other, [T]."""
        where = np.repeat(self._first[pieces] - token_starts[:-1], num_tokens)
        where += np.arange(len(where), dtype=np.int32)
        return self._ids[where]


def encoder_of(tokenizer: Tokenizer) -> WordPiece | Ordinary:
    """Return the faster of the two encoders that give the ids of this tokenizer."""
    return WordPiece(tokenizer) if is_function_of_words(tokenizer) else Ordinary(tokenizer)


def _line_starts(lines: list[str]) -> NDArray[np.int64]:
    """Return the character at which each line begins, [lines + 1], where every line ends with one extra character."""
    starts = np.zeros(len(lines) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, lines), np.int64, len(lines)) + 1, out=starts[1:])
    return starts
