"""A vocabulary is trained the same every time, or taken unchanged from a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from configs.common.errors import UserError
from configs.common.files import read_json, write_json
from configs.corpus_tables import VocabularyTable
from configs.load import load
from configs.vocabulary.tokenizer import entries_of
from data_prep import vocabulary


def settings(**changes: object) -> VocabularyTable:
    return load("small").vocabulary.model_copy(update={"size": 900, **changes})


@pytest.fixture
def words_file(tmp_path: Path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nnaive\n##s\nx\n", encoding="utf-8")
    return path


def test_a_vocab_txt_keeps_its_ids_and_follows_the_recipe(words_file: Path) -> None:
    tokenizer = vocabulary.take(settings(source=str(words_file), size=8))
    assert entries_of(tokenizer) == words_file.read_text().split()
    assert tokenizer.encode("Naïves x", add_special_tokens=False).ids == [5, 6, 7]
    assert tokenizer.encode("x").ids == [2, 7, 3]


def test_a_tokenizer_json_and_a_folder_are_taken(words_file: Path, tmp_path: Path) -> None:
    vocabulary.save(vocabulary.take(settings(source=str(words_file), size=8)), tmp_path)
    for source in (tmp_path, tmp_path / "tokenizer.json"):
        assert entries_of(vocabulary.take(settings(source=str(source), size=8)))[5] == "naive"


def test_special_tokens_in_text_are_text(words_file: Path, tmp_path: Path) -> None:
    vocabulary.save(vocabulary.take(settings(source=str(words_file), size=8)), tmp_path)
    ids = vocabulary.load(tmp_path).encode("[MASK] x [SEP]", add_special_tokens=False).ids
    assert not {2, 3, 4} & set(ids)


@pytest.mark.parametrize("missing", ["[MASK]", "[PAD]"])
def test_a_vocabulary_without_a_special_token_is_refused(words_file: Path, missing: str) -> None:
    words_file.write_text(words_file.read_text().replace(missing, "other"), encoding="utf-8")
    with pytest.raises(UserError) as error:
        vocabulary.take(settings(source=str(words_file), size=8))
    assert f"lacks {missing}, which pretraining needs" in str(error.value)


def test_another_size_twice_the_same_entry_and_no_file_are_refused(words_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"vocabulary\.size: 9, and .* has 8 entries; set vocabulary\.size=8"):
        vocabulary.take(settings(source=str(words_file), size=9))
    with pytest.raises(UserError, match="does not exist"):
        vocabulary.take(settings(source=str(tmp_path / "none")))
    words_file.write_text(words_file.read_text() + "x\n")
    with pytest.raises(UserError, match="has the entry 'x' twice"):
        vocabulary.take(settings(source=str(words_file), size=9))


def test_another_kind_of_tokenizer_is_refused(tmp_path: Path) -> None:
    Tokenizer(models.BPE()).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(UserError, match=r"is a byte-pair \(BPE\) tokenizer, and ELECTRA needs"):
        vocabulary.take(settings(source=str(tmp_path)))


@pytest.mark.parametrize(
    ("table", "key", "value", "message"),
    [
        ("normalizer", "type", "NFC", r'has normalizer\.type = "NFC", and BERT\'s is "BertNormalizer"; set vocabulary'),
        ("normalizer", "clean_text", False, "normalizer.clean_text = false"),
        ("normalizer", "handle_chinese_chars", False, "normalizer.handle_chinese_chars = false"),
        ("pre_tokenizer", "type", "Whitespace", 'pre_tokenizer.type = "Whitespace"'),
        ("model", "continuing_subword_prefix", "@@", 'continuing_subword_prefix = "@@"'),
        (
            "model",
            "vocab",
            {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "x": 9},
            "no entry for the id 5",
        ),
    ],
)
def test_a_tokenizer_that_is_not_berts_is_refused(
    words_file: Path, tmp_path: Path, table: str, key: str, value: object, message: str
) -> None:
    vocabulary.save(vocabulary.take(settings(source=str(words_file), size=8)), tmp_path)
    stored = read_json(tmp_path / "tokenizer.json")
    stored[table][key] = value
    if key == "vocab":
        stored["added_tokens"] = []
    write_json(tmp_path / "tokenizer.json", stored)
    with pytest.raises(UserError, match=message):
        vocabulary.take(settings(source=str(tmp_path), size=8))


def test_the_truncation_of_a_tokenizers_last_use_is_forgotten(words_file: Path, tmp_path: Path) -> None:
    tokenizer = vocabulary.take(settings(source=str(words_file), size=8))
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=16)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    taken = vocabulary.take(settings(source=str(tmp_path / "tokenizer.json"), size=8))
    assert taken.encode("x x x x x", add_special_tokens=False).ids == [7] * 5


def test_settings_beside_a_vocab_txt_that_contradict_the_recipe_are_refused_by_key(
    words_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "vocab.txt").write_bytes(words_file.read_bytes())
    (tmp_path / "config.json").write_text("{}")
    vocabulary.take(settings(source=str(tmp_path), size=8, strip_accents=False))  # nothing is stated
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true, "strip_accents": false}')
    vocabulary.take(settings(source=str(tmp_path), size=8, strip_accents=False))
    with pytest.raises(
        UserError, match=r"vocabulary\.strip_accents: true, and .*tokenizer_config\.json has false; set vocabulary"
    ):
        vocabulary.take(settings(source=str(tmp_path), size=8))


def test_a_tokenizer_that_contradicts_the_recipe_is_refused_by_key(words_file: Path, tmp_path: Path) -> None:
    vocabulary.save(vocabulary.take(settings(source=str(words_file), size=8, lowercase=False)), tmp_path)
    with pytest.raises(
        UserError, match=r"vocabulary\.lowercase: true, and .* has false; set vocabulary\.lowercase=false"
    ):
        vocabulary.take(settings(source=str(tmp_path), size=8))
