"""The look-up gives the tokenizer's own ids for any text, and recognises tokenizers that look beyond words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from configs.corpus_tables import VocabularyTable
from configs.load import load
from configs.vocabulary.entries import SPECIAL_TOKENS
from configs.vocabulary.tokenizer import bert_tokenizer, entries_of
from data_prep import vocabulary, wordpiece, words
from tests.conftest import documents

TORTURE = """
re\u0301sume\u0301 résumé RÉSUMÉ e\u0327\u0301 e\u0301\u0327 a\u0323\u0302\u302e\U0001d165 \u0301 !\u0301a !\u302e\u0323
\u1100\u1161\u11a8 가각
ΑΣ ΑΣΑ Σ ΟΔΟΣ. ς İstanbul ıI I\u0307 ﬁnal ﬃ ß ẞ ŉ ǰ ΐ K Å Ω Ａｂｃ１２３，。！ ｶﾞ
👩\u200d👩\u200d👧 ❤\ufe0f ❤\ufe0e 👍🏽 🇨🇭 x\u200by \u200b z\u200cw \u2060 \ufeffbom a\u00adb \u202eabc\u202c
\x00 a\x00b \x01\x02 a\x7fb \x85 a\x85b \x1c \ufffd a\ufffdb \u0378 a\u0378b \ue000 a\ue000b \U0010ffff \ufdd0
a\tb\t\tc \u00a0 a\u00a0b \u2003 a\u3000b \u2028 \u2029 a\u2028b \u1680 \u180e a\u180eb \u205f
汉字 汉a字 a汉 \u3400 \U00020000\U00020001 \U0002a6d6 \U0002b820 \U0002b920 \U0002ceb0 \uf900\ufa0e \U0002f800 々〇〡ㄅ
あア สวัสดีครับ ภาษาไทย مَرْحَبًا السلام عليكم नमस्ते हिन्दी ক্ষ தமிழ் \u0f73\u0f75 འཇམ \u0344 \u0340\u0341
don't (it's) “quoted” … — – a-b a_b $5 €5 5% 3.14 1,000 ~`^|<>=+ ≠ ≮ \u037e \u1fef ｡ ¿¡ « » § ¶ · a·b ´
[CLS] [MASK] [mask] [UNK][SEP] ##ing ## # a##b [PAD]ding [ MASK ]
""" + "\n".join(["a" * 99, "a" * 100, "a" * 101, "é" * 201, "x" * 70_000, "", " ", "\u0301" * 300, "汉" * 5000])

# The characters are letters, marks, Chinese, spaces, dropped characters, and characters that become several characters.
# In this selection they meet more often than by chance.
MIXED = (
    "aB1é\u0301\u0327\u0323\u302e\U0001d165\u0345ΣİǰΩﬁ가\u1161सนि汉\U00020000\uf900\U0002b820"
    " \t\u3000\u2028\x00\x85\u200b\ufffd.!-#[]≠\u037e😀"
)


def tokenizer_of(lowercase: bool = True, strip_accents: bool = True, longest_word: int = 100) -> Tokenizer:
    """Return a tokenizer whose entries are all characters below U+3000, at the beginning of words and in them.

    Only some Chinese characters are entries.
    """
    characters = [chr(point) for point in range(0x21, 0x3000)]
    continued = ["##" + character for character in characters]
    chinese = [chr(point) for point in range(0x4E00, 0x5F00)]
    entries = [*SPECIAL_TOKENS.values(), *characters, *continued, *chinese, "the", "##ing"]
    settings = load("small").vocabulary.model_copy(
        update={"lowercase": lowercase, "strip_accents": strip_accents, "longest_word": longest_word}
    )
    return finished(entries, settings)


def finished(entries: list[str], settings: VocabularyTable) -> Tokenizer:
    tokenizer = bert_tokenizer(entries, vocabulary.settings_of_recipe(settings), "these entries")
    tokenizer.encode_special_tokens = True
    return tokenizer


VARIANTS = {
    (lowercase, strip): tokenizer_of(lowercase, strip) for lowercase in (True, False) for strip in (True, False)
}
variants = pytest.mark.parametrize("tokenizer", VARIANTS.values(), ids=map(str, VARIANTS))


def compare(tokenizer: Tokenizer, lines: list[str], encode: wordpiece.WordPiece | None = None) -> None:
    encode = encode or wordpiece.WordPiece(tokenizer)
    encoded = encode(lines)
    expected = [encoding.ids for encoding in tokenizer.encode_batch(lines, add_special_tokens=False)]
    line_ids = [encoded.ids[start:end].tolist() for start, end in pairwise(encoded.line_starts)]
    assert line_ids == expected


@variants
def test_torture(tokenizer: Tokenizer) -> None:
    compare(tokenizer, list(TORTURE.split("\n")))
    compare(tokenizer, [TORTURE])


def test_words_of_the_longest_length_and_beyond() -> None:
    for longest in (1, 5, 200):
        lines = ["e" * length + " é" * length + "e\u0301" * length for length in (1, 4, 5, 6, 199, 200, 201)]
        compare(tokenizer_of(longest_word=longest), lines)


@variants
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_any_text(tokenizer: Tokenizer, lines: list[str]) -> None:
    compare(tokenizer, lines)


@variants
@given(st.lists(st.text(st.sampled_from(MIXED)), max_size=5))
def test_characters_that_meddle_with_each_other(tokenizer: Tokenizer, lines: list[str]) -> None:
    compare(tokenizer, lines)


@variants
def test_real_text(tokenizer: Tokenizer) -> None:
    encode = wordpiece.WordPiece(tokenizer)
    for document in documents():
        compare(tokenizer, document.split("\n"), encode)


@pytest.mark.parametrize(
    "points", [range(0x30000), pytest.param(range(0x30000, 0x110000), marks=pytest.mark.slow)], ids=["0-2", "3-16"]
)
def test_every_code_point_alone_and_between_letters(points: range) -> None:
    characters = [chr(point) for point in points if not 0xD800 <= point <= 0xDFFF]
    tokenizer = VARIANTS[True, True]
    encode = wordpiece.WordPiece(tokenizer)
    for some in range(0, len(characters), 2**15):
        compare(tokenizer, [f"{c} a{c}a" for c in characters[some : some + 2**15]], encode)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordpiece, "_REMEMBERED", 2000)
    encode = wordpiece.WordPiece(VARIANTS[True, True])
    for number in range(50):
        compare(VARIANTS[True, True], [f"word{number}x{other} 汉 ." for other in range(100)], encode)
        assert len(encode._words) <= 400


def without(change: Callable[[Tokenizer], object]) -> Tokenizer:
    tokenizer = tokenizer_of()
    change(tokenizer)
    return tokenizer


OTHERS: dict[str, Callable[[Tokenizer], object]] = {
    "normalizer": lambda t: setattr(t, "normalizer", normalizers.NFKC()),
    "no normalizer": lambda t: setattr(t, "normalizer", None),
    "several normalizers": lambda t: setattr(
        t, "normalizer", normalizers.Sequence([normalizers.NFC(), normalizers.BertNormalizer()])
    ),
    "pre-tokenizer": lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.Whitespace()),
    "no pre-tokenizer": lambda t: setattr(t, "pre_tokenizer", None),
    "model": lambda t: setattr(t, "model", models.WordLevel(t.get_vocab(), unk_token="[UNK]")),
    "added token": lambda t: t.add_tokens([AddedToken("the sky")]),
    "special tokens in text": lambda t: setattr(t, "encode_special_tokens", False),
    "truncation": lambda t: t.enable_truncation(4),
    "padding": lambda t: t.enable_padding(),
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_other_tokenizers_are_recognised_and_take_the_ordinary_path(change: Callable[[Tokenizer], object]) -> None:
    assert wordpiece.is_function_of_words(tokenizer_of())
    tokenizer = without(change)
    assert not wordpiece.is_function_of_words(tokenizer)
    lines = ["The sky [MASK] is blue", "", "above the sky"]
    flagged, starts = words.LineTokenizer(tokenizer, load("small").masking)(lines)
    expected = [encoding.ids for encoding in tokenizer.encode_batch(lines, add_special_tokens=False)]
    ids, _ = words.split(flagged)
    assert [ids[start:end].tolist() for start, end in pairwise(starts)] == expected


def test_no_lines() -> None:
    compare(VARIANTS[True, True], [])
    compare(VARIANTS[True, True], [""])


@cache
def by_jieba() -> words.LineTokenizer:
    return words.LineTokenizer(VARIANTS[True, True], load("health").masking)


@settings(deadline=None)  # jieba reads its dictionary in the first example
@given(st.lists(st.text(st.sampled_from("患者服用头痛 a1.é\u0301\u200b\x00\U0002b820")), max_size=4))
def test_a_segmenters_words_are_marked_as_by_offsets(lines: list[str]) -> None:
    tokenizer, masking = VARIANTS[True, True], load("health").masking
    segmenter = words.segmenter_of(masking)
    assert segmenter
    flagged, starts = by_jieba()(lines)
    begins = [not entry.startswith("##") for entry in entries_of(tokenizer)]
    expected = []
    for line, encoding in zip(lines, tokenizer.encode_batch(lines, add_special_tokens=False), strict=True):
        inner = words.inner_characters(line, segmenter, masking.longest_word)
        expected += [
            not begins[token] or bool(inner[first])
            for token, (first, _) in zip(encoding.ids, encoding.offsets, strict=True)
        ]
    assert words.split(flagged)[1].tolist() == expected
    assert starts[-1] == len(expected)
