"""Check word borders: Latin pieces stay themselves, and Chinese words come from a real segmenter.

Long Chinese words fall into characters.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from configs.common.errors import UserError
from configs.load import load
from configs.vocabulary.entries import SPECIAL_TOKENS
from data_prep import vocabulary, words
from data_prep.prepare import prepare
from data_prep.rows import Planes, unpack
from data_prep.shards import Corpus

TEXT = "患者服用ibuprofen缓解头痛,体温38.5度。中华人民共和国药典收录阿司匹林。"
ENTRIES = [*SPECIAL_TOKENS.values(), "ibu", "##pro", "##fen", "38", "5", ".", ",", "。"]
ENTRIES += sorted({character for character in TEXT if "\u4e00" <= character <= "\u9fff"})


@pytest.fixture
def vocabulary_file(tmp_path: Path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text("".join(entry + "\n" for entry in ENTRIES), encoding="utf-8")
    return path


def chosen(vocabulary_file: Path, *overrides: str):
    taken = [f"vocabulary.source={vocabulary_file}", f"vocabulary.size={len(ENTRIES)}"]
    return load("health", [*taken, *overrides])


def borders(vocabulary_file: Path, *overrides: str) -> list[str]:
    """Return the words of TEXT, as the flags of its tokens mark them."""
    recipe = chosen(vocabulary_file, *overrides)
    flagged, _ = words.LineTokenizer(vocabulary.take(recipe.vocabulary), recipe.masking)([TEXT])
    units: list[str] = []
    for token, continues in zip(*words.split(flagged), strict=True):
        piece = ENTRIES[token].removeprefix("##")
        if continues:
            units[-1] += piece
        else:
            units.append(piece)
    return units


def test_words_of_at_most_four_characters_are_units(vocabulary_file: Path) -> None:
    units = borders(vocabulary_file)
    assert "".join(units) == TEXT
    assert {"患者", "服用", "ibuprofen", "缓解", "头痛", "体温", "收录", "38", "阿司匹林"} <= set(units)
    # This word has seven characters in jieba's dictionary, so neither the word nor any part of it is a unit.
    for character in "中华人民共和国":
        assert character in units


def test_longer_words_where_the_recipe_says_so(vocabulary_file: Path) -> None:
    assert "中华人民共和国" in borders(vocabulary_file, "masking.longest_word=7")
    assert "阿司匹林" not in borders(vocabulary_file, "masking.longest_word=3")


def test_without_a_segmenter_a_character_is_a_word(vocabulary_file: Path) -> None:
    units = borders(vocabulary_file, "masking.segmenter=none")
    assert "ibuprofen" in units
    assert {len(word) for word in units if "\u4e00" <= word[0] <= "\u9fff"} == {1}


def test_a_prepared_corpus_masks_words_whole(vocabulary_file: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(f"{TEXT}" * (1 + number % 5) for number in range(60)), encoding="utf-8")
    recipe = chosen(vocabulary_file, f"data.sources={text}", "data.row_length=64", "data.validation_share=0.0")
    prepare(recipe, tmp_path / "corpus", workers=2)
    corpus = Corpus(tmp_path / "corpus")
    rows = corpus.read("train", np.arange(corpus.num_rows("train")))
    planes = Planes.of(rows, corpus.special)
    ids = {entry: number for number, entry in enumerate(ENTRIES)}
    pro = planes.tokens == ids["##pro"]
    assert pro.any(), "a Latin word piece stays itself"
    assert not planes.word_start[pro].any()
    assert not planes.word_start[np.roll(planes.tokens == ids["阿"], 1, axis=1) & (planes.tokens == ids["司"])].any()
    assert planes.word_start[planes.tokens == ids["华"]].all()
    unit = np.cumsum(planes.word_start, axis=1)
    for stored in range(recipe.masking.stored):
        masks = unpack(rows["masks"][:, stored])
        assert masks.any()
        for row in range(len(rows)):
            touched = np.isin(unit[row], unit[row][masks[row]]) & planes.maskable[row]
            assert (touched == masks[row]).all()


def test_an_unknown_segmenter_is_refused(vocabulary_file: Path) -> None:
    with pytest.raises(UserError, match=r"masking\.segmenter: unknown segmenter jeiba; did you mean jieba"):
        borders(vocabulary_file, "masking.segmenter=jeiba")


def test_a_segmenter_that_is_not_installed_is_said_before_anything_is_made(
    vocabulary_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    monkeypatch.setitem(sys.modules, "jieba", None)
    words._load.cache_clear()
    with pytest.raises(UserError, match=r"masking\.segmenter: jieba needs the package jieba, which is not installed"):
        prepare(chosen(vocabulary_file, f"data.sources={tmp_path / 'text.txt'}"), tmp_path / "corpus", workers=1)
    assert not (tmp_path / "corpus").exists()


def test_pieces_that_lose_text_are_refused() -> None:
    with pytest.raises(UserError, match="do not add up"):
        words.inner_characters("头痛 发热", str.split, 4)
