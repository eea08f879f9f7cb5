"""Words and tokens lie on the characters of the text as the user wrote it."""

from __future__ import annotations

import pytest

from configs.common.errors import UserError
from configs.vocabulary.settings import TokenizerSettings
from configs.vocabulary.tokenizer import bert_tokenizer
from pretrain.proofread.words import tokenize

ENTRIES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "cafe",
    "ban",
    "##ana",
    "x",
    ".",
    "中",
    "文",
    "ᄒ",
    "##ᅡ",
    "##ᆫ",
]
TOKENIZER = bert_tokenizer(ENTRIES, TokenizerSettings.of(True, None, 100), "test")


@pytest.mark.parametrize(
    ("text", "words", "tokens"),
    [
        ("The banana.", ["The", "banana", "."], ["The", "ban", "ana", "."]),
        ("café CAFÉ", ["café", "CAFÉ"], ["café", "CAFÉ"]),
        ("cafe\u0301 x", ["cafe\u0301", "x"], ["cafe", "x"]),
        ("中文x", ["中", "文", "x"], ["中", "文", "x"]),
        ("x😀 the", ["x😀", "the"], ["x😀", "the"]),
        ("the\r\n\r\nx", ["the", "x"], ["the", "x"]),
        ("qqq the", ["qqq", "the"], ["qqq", "the"]),
        ("ban\u200bana the", ["ban\u200bana", "the"], ["ban", "ana", "the"]),
        ("the [MASK] x", ["the", "[MASK]", "x"], ["the", "[MASK]", "x"]),
        ("한 x", ["한", "x"], ["한", "한", "한", "x"]),
        ("\U0001f1e9中", ["\U0001f1e9", "中"], ["\U0001f1e9", "中"]),
        ("  ", [], []),
        ("", [], []),
    ],
)
def test_marks_lie_on_the_characters_of_the_user(text: str, words: list[str], tokens: list[str]) -> None:
    read = tokenize(TOKENIZER, text)
    assert [text[word.start : word.end] for word in read.words] == words
    assert [text[token.start : token.end] for token in read.tokens] == tokens
    assert [member for word in read.words for member in range(word.first, word.last)] == [*range(len(tokens))]
    assert read.ids == TOKENIZER.encode(text, add_special_tokens=False).ids


def test_half_of_a_character_is_refused() -> None:
    with pytest.raises(UserError, match="surrogate"):
        tokenize(TOKENIZER, "the \ud83d x")
