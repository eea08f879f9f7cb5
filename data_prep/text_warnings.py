"""Warnings about text and a vocabulary that do not fit each other: one sentence each, with the key to set.

Nothing here is refused: a released model may have been trained with such settings, and then they are right.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from configs.common.scripts import CHINESE
from configs.corpus_tables import MaskingTable, VocabularyTable
from configs.vocabulary.entries import SPECIAL_TOKENS

# English has accents on about 1 letter in 1,000, German on 15, Spanish on 25, and Russian has й on 12.
_ACCENTED_SHARE = 0.005
# BERT's uncased vocabularies have entries that no text can reach in less than this share.
_UNREACHABLE_SHARE = 0.01
_UNKNOWN_SHARE = 0.01
# Text where this share of the characters is in words of more characters has no spaces between words.
_LONG_WORD, _LONG_WORDS_SHARE = 25, 0.3
_FEW_TOKENS = 10_000
# Special tokens are never masked, so a row of short examples has a little less than the rate in any scheme.
_MASKED_SHARE = 0.8
_EXAMPLES = 3
_CHINESE_TEXT = re.compile(f"[{CHINESE}]+")


def text_warnings(texts: Sequence[str], vocabulary: VocabularyTable) -> Iterator[str]:
    """Warnings about a sample of the text, before it is prepared."""
    if vocabulary.strip_accents:
        yield from _accents(texts)
    yield from _missing_spaces(texts)


def vocabulary_warnings(entries: Iterable[str], vocabulary: VocabularyTable) -> Iterator[str]:
    """Warnings about entries that no text can reach, because it is lowercased or loses its accents first."""
    special = set(SPECIAL_TOKENS.values())
    words = (entry for entry in entries if entry not in special and not entry.startswith("[unused"))
    pieces = [word.removeprefix("##") for word in words]
    for key, change, kind in (("lowercase", str.lower, "capitals"), ("strip_accents", strip_accents, "accents")):
        unreachable = [piece for piece in pieces if getattr(vocabulary, key) and change(piece) != piece]
        if len(unreachable) > _UNREACHABLE_SHARE * len(pieces):
            yield (
                f"vocabulary.{key}: true, and {len(unreachable):,} of {len(pieces):,} entries of {vocabulary.source} "
                f"have {kind} ({', '.join(unreachable[:_EXAMPLES])}), which no text can reach then; "
                f"set vocabulary.{key}=false unless the model was trained so"
            )


def unknown_warnings(
    num_unknown: int, num_tokens: int, characters: Counter[str], vocabulary: VocabularyTable
) -> Iterator[str]:
    """A warning where too much of the text has no entry. `characters` are those that the vocabulary lacks."""
    if num_unknown > _UNKNOWN_SHARE * num_tokens:
        commonest = sorted(characters, key=lambda character: (-characters[character], character))[: 2 * _EXAMPLES]
        # Sources of token ids do not tell which characters they are.
        most_often = f" (most often {' '.join(commonest)})" if commonest else ""
        remedy = "raise vocabulary.alphabet" if vocabulary.source == "train" else "name a vocabulary of this language"
        yield (
            f"vocabulary.source: {num_unknown / num_tokens:.1%} of the tokens are [UNK]{most_often}; {remedy}, or "
            "check the encoding of the sources"
        )


def little_text_warnings(num_documents: int, num_tokens: int) -> Iterator[str]:
    if num_tokens < _FEW_TOKENS:
        yield (
            f"data.sources: hardly any text ({num_documents:,} document{'s' * (num_documents != 1)}, {num_tokens:,} "
            "tokens); a model learns from millions of tokens"
        )


def masked_warnings(num_masked: int, num_tokens: int, masking: MaskingTable) -> Iterator[str]:
    """A warning where a scheme masks far fewer tokens than the rate says."""
    share = num_masked / num_tokens
    if share < _MASKED_SHARE * masking.rate:
        yield (
            f"masking.scheme: {masking.scheme}, and {share:.1%} of the tokens are masked instead of {masking.rate:.0%}"
            ", because words or terms have more tokens than a short row may mask; longer documents help, or "
            "masking.scheme=token"
        )


def lexicon_warnings(counts: Counter[str], masking: MaskingTable) -> Iterator[str]:
    if masking.scheme == "terms" and not counts:
        yield (
            f"masking.lexicon: none of the terms of {masking.lexicon} occurs in the text, so words are masked and no "
            "term is; the file must have a term on each line, spelled as in the text"
        )


def strip_accents(text: str) -> str:
    """What BERT's tokenizer makes of it when it strips accents."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn")


def _accents(texts: Sequence[str]) -> Iterator[str]:
    characters = Counter("".join(texts))
    counts = Counter({character: number for character, number in characters.items() if _is_letter(character)})
    changed = {character: number for character, number in counts.items() if strip_accents(character) != character}
    share = sum(changed.values()) / max(1, counts.total())
    if share > _ACCENTED_SHARE:
        examples = ", ".join(map(_change, _words_with(texts, set(changed))))
        yield (
            f"vocabulary.strip_accents: true changes {share:.1%} of the letters of this text, whose marks may carry "
            f"meaning ({examples}); set vocabulary.strip_accents=false unless the model was trained so"
        )


def _change(word: str) -> str:
    stripped = strip_accents(word)
    if unicodedata.normalize("NFC", stripped) == unicodedata.normalize("NFC", word):
        return f"{word} falls into {len(stripped)} parts"  # Hangul: both look the same in print
    return f"{word} becomes {stripped}"


def _is_letter(character: str) -> bool:
    """Whether it is a letter or a mark, such as a vowel sign."""
    return unicodedata.category(character)[0] in "LM"


def _words_with(texts: Sequence[str], characters: set[str]) -> list[str]:
    """Some words that contain one of the characters, the commonest first; of long words the beginning."""
    words: Counter[str] = Counter()
    for text in texts:
        for word in text.split():
            letters = "".join(character for character in word if _is_letter(character))
            if len(letters) > 1 and not characters.isdisjoint(letters):
                words[letters[:12]] += 1
    return sorted(words, key=lambda word: (-words[word], word))[:_EXAMPLES]


def _missing_spaces(texts: Sequence[str]) -> Iterator[str]:
    """Chinese characters are words by themselves, so they count neither as long nor as short words."""
    lengths = [len(word) for text in texts for word in _CHINESE_TEXT.sub(" ", text).split()]
    in_long_words = sum(length for length in lengths if length > _LONG_WORD)
    if in_long_words > _LONG_WORDS_SHARE * max(1, sum(lengths)):
        yield (
            f"data.sources: {in_long_words / sum(lengths):.0%} of this text is in words of more than {_LONG_WORD} "
            "characters, so it has no spaces between words, and word pieces need them; put spaces between the words "
            "before the text is prepared"
        )
