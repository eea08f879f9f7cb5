"""A vocabulary is trained the same every time, and its characters and words follow from the text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.corpus_tables import VocabularyTable
from configs.folders import TOKENIZER_FILE, VOCABULARY_FILE
from configs.load import load
from configs.vocabulary.tokenizer import bare_tokenizer, entries_of
from data_prep import vocabulary, vocabulary_training
from tests.conftest import documents

LINES = [line for document in documents() for line in document.split("\n")]


def settings(**changes: object) -> VocabularyTable:
    return load("small").vocabulary.model_copy(update={"size": 900, **changes})


def test_the_alphabet_is_counted_through_all_texts_as_the_normalizer_changes_them() -> None:
    """Compare with a count over the normalized texts; the marks are in several orders."""
    texts = [
        "",
        "E\u0301a e\u0327\u0301 e\u0301\u0327",
        *[""] * 600,
        "\u212b \uac00 \u3000\u6cd5\x00 \u0130A\u03a3",
        *LINES,
    ]
    for strip_accents in (True, False):
        table = settings(strip_accents=strip_accents, alphabet=40)
        tokenizer = bare_tokenizer({"[UNK]": 0}, vocabulary.settings_of_recipe(table))
        counts = Counter("".join("".join(map(tokenizer.normalizer.normalize_str, texts)).split()))
        expected = sorted(sorted(counts, key=lambda character: (-counts[character], character))[:40])
        assert vocabulary_training._alphabet(tokenizer, table, texts) == expected


def test_training_gives_the_same_bytes_every_time(tmp_path: Path) -> None:
    texts = []
    for name in "ab":
        (tmp_path / name).mkdir()
        vocabulary.save(vocabulary_training.train(settings(), lambda: LINES), tmp_path / name)
        texts.append([(tmp_path / name / file).read_bytes() for file in (TOKENIZER_FILE, VOCABULARY_FILE)])
    assert texts[0] == texts[1]


def test_the_special_tokens_come_first_and_words_follow() -> None:
    entries = entries_of(vocabulary_training.train(settings(), lambda: LINES))
    assert entries[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert {"the", "##ing", "a", "##a"} <= set(entries)
    assert len(entries) == 900


def test_too_little_text_is_said() -> None:
    with pytest.raises(UserError, match=r"vocabulary\.size: 900, and the text gives 30 entries"):
        vocabulary_training.train(settings(), lambda: ["some few words"] * 3)


def test_characters_that_stand_alone_get_no_continuation() -> None:
    entries = entries_of(vocabulary_training.train(settings(size=13, smallest_count=1), lambda: ["中文ab, ab"] * 5))
    assert "##中" not in entries
    assert "##," not in entries
    assert "##b" in entries


def test_the_most_frequent_characters_get_an_entry() -> None:
    """The alphabet of two takes a (8 times) and c (7 times), and then follows the order of the code points."""
    lines = ["c c c", "a a a a", "c a c a", "b"] * 2
    chosen = settings(size=9, alphabet=2, smallest_count=99)
    entries = entries_of(vocabulary_training.train(chosen, lambda: lines))
    assert entries[5:] == ["a", "c", "##a", "##c"]


def test_more_characters_than_entries_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"vocabulary\.size: 6, and the text gives 11 entries; set .*=11 or more, or lower"
    ):
        vocabulary_training.train(settings(size=6), lambda: ["abc"] * 3)
