"""Check a table of languages and vocabularies, each with the warning that it must give or with no warning."""

from __future__ import annotations

from collections import Counter

import pytest

from configs.load import load
from data_prep.text_warnings import (
    lexicon_warnings,
    little_text_warnings,
    masked_warnings,
    text_warnings,
    unknown_warnings,
    vocabulary_warnings,
)
from tests.conftest import documents

TINY = load("tiny")
VOCABULARY = TINY.vocabulary.model_copy(update={"lowercase": True, "strip_accents": True, "source": "vocab.txt"})

# Each language has a text, and the change that stripping accents makes to a word of the text.
DAMAGED = {
    "Korean": ("법원은 판결을 선고하였다", "판결을 falls into 9 parts"),
    "Hindi": ("न्यायालय ने निर्णय दिया", "ने becomes न"),
    "Japanese": ("患者が病院で熱を出した", "患者が病院で熱を出した becomes 患者か病院て熱を出した"),
    "Thai": ("ผู้ป่วย มี ไข้ สูง", "สูง becomes สง"),
    "Vietnamese": ("tòa án đã tuyên án", "án becomes an"),
    "German": ("sie möchte die Prüfung", "möchte becomes mochte"),
    "Turkish": ("çocuk güneş ışık", "güneş becomes gunes"),
    "Russian": ("мой чай", "мой becomes мои"),
    "Spanish": ("el niño comió", "niño becomes nino"),
}


@pytest.mark.parametrize("language", DAMAGED)
def test_stripping_accents_from_a_language_that_needs_them(language: str) -> None:
    text, change = DAMAGED[language]
    (warning,) = text_warnings([text], VOCABULARY)
    assert warning.startswith("vocabulary.strip_accents: true changes ")
    assert change in warning
    assert "set vocabulary.strip_accents=false" in warning
    assert not [*text_warnings([text], VOCABULARY.model_copy(update={"strip_accents": False}))]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(documents()) + " a café",
        "法院认为，患者发热。" * 20,
        "",
        "see http://a.b/" + "c" * 40 + " and more words here" * 8,
    ],
)
def test_text_that_stripping_does_not_damage(text: str) -> None:
    assert not [*text_warnings([text], VOCABULARY)]


@pytest.mark.parametrize("text", ["thequickbrownfoxjumpsoverthelazydog" * 3, "ศาลได้มีคำพิพากษาให้จำเลยชดใช้ค่าเสียหายแก่โจทก์"])
def test_text_without_spaces(text: str) -> None:
    (warning,) = text_warnings([text], VOCABULARY.model_copy(update={"strip_accents": False}))
    assert "it has no spaces between words" in warning


@pytest.mark.parametrize(
    ("entries", "changes", "keys"),
    [
        (["[PAD]", "[unused1]", "the", "##s"], {}, []),
        (["[PAD]", "Die", "der", "##R"], {}, ["lowercase"]),
        (["[PAD]", "über", "der"], {}, ["strip_accents"]),
        (["[PAD]", "Über", "der"], {}, ["lowercase", "strip_accents"]),
        (["[PAD]", "Über", "der"], {"lowercase": False}, ["strip_accents"]),
        (["[PAD]", "Über", "der"], {"lowercase": False, "strip_accents": False}, []),
        (["[PAD]", *(f"w{number}" for number in range(200)), "É"], {}, []),
    ],
)
def test_entries_that_no_text_can_reach(entries: list[str], changes: dict[str, bool], keys: list[str]) -> None:
    warnings = [*vocabulary_warnings(entries, VOCABULARY.model_copy(update=changes))]
    assert [warning.partition(":")[0] for warning in warnings] == [f"vocabulary.{key}" for key in keys]
    assert all("of vocab.txt have" in warning for warning in warnings)


def test_unknown_tokens_above_a_share() -> None:
    characters = Counter("ооо中")
    assert not [*unknown_warnings(10, 1000, characters, VOCABULARY)]
    (warning,) = unknown_warnings(11, 1000, characters, VOCABULARY)
    assert "1.1% of the tokens are [UNK] (most often о 中); name a vocabulary of this language" in warning
    (warning,) = unknown_warnings(11, 1000, characters, TINY.vocabulary)
    assert "raise vocabulary.alphabet" in warning


def test_unknown_tokens_of_ids_name_no_characters() -> None:
    (warning,) = unknown_warnings(11, 1000, Counter(), VOCABULARY)
    assert "1.1% of the tokens are [UNK]; name a vocabulary" in warning


def test_a_scheme_that_masks_too_little() -> None:
    whole_words = TINY.masking.model_copy(update={"scheme": "whole_word"})
    assert not [*masked_warnings(125, 1000, whole_words)]
    (warning,) = masked_warnings(107, 1000, whole_words)
    assert "masking.scheme: whole_word, and 10.7% of the tokens are masked instead of 15%" in warning


def test_hardly_any_text() -> None:
    (warning,) = little_text_warnings(1, 3)
    assert "(1 document, 3 tokens)" in warning
    assert not [*little_text_warnings(1, 10_000)]


def test_a_lexicon_of_which_no_term_occurs() -> None:
    terms = TINY.masking.model_copy(update={"scheme": "terms", "lexicon": "terms.txt"})
    (warning,) = lexicon_warnings(Counter(), terms)
    assert "none of the terms of terms.txt occurs in the text" in warning
    assert not [*lexicon_warnings(Counter(a=1), terms)]
    assert not [*lexicon_warnings(Counter(), TINY.masking)]
