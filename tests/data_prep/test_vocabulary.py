"""A vocabulary is trained the same every time, or taken unchanged from a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from configs.common.errors import UserError
from configs.common.files import read_json, write_json
from configs.corpus_tables import VocabularyTable
from configs.folders import TOKENIZER_FILE, VOCABULARY_FILE
from configs.load import load
from configs.vocabulary.entries import SPECIAL_TOKENS
from configs.vocabulary.tokenizer import bert_tokenizer, entries_of
from data_prep import vocabulary, vocabulary_training
from data_prep.extension import extended
from data_prep.prepare import prepare
from data_prep.shards import Corpus, check_corpus, with_corpus_tables
from tests.conftest import SMALL, documents

LINES = [line for document in documents() for line in document.split("\n")]


def settings(**changes: object) -> VocabularyTable:
    return load("small").vocabulary.model_copy(update={"size": 900, **changes})


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


def test_a_tokenizer_that_contradicts_the_recipe_is_refused_by_key(words_file: Path, tmp_path: Path) -> None:
    vocabulary.save(vocabulary.take(settings(source=str(words_file), size=8, lowercase=False)), tmp_path)
    with pytest.raises(
        UserError, match=r"vocabulary\.lowercase: true, and .* has false; set vocabulary\.lowercase=false"
    ):
        vocabulary.take(settings(source=str(tmp_path), size=8))


def small_vocabulary(tmp_path: Path, unused: int) -> Path:
    """Write letters, some words, and unused entries in the middle, as BERT's vocabularies have them."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    entries = [*SPECIAL_TOKENS.values(), *(f"[unused{number}]" for number in range(unused)), "the", "of"]
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join([*entries, *letters, *("##" + letter for letter in letters)]) + "\n")
    return path


TEXT = ["the stethoscope of the ward", "ward stethoscope", "stethoscope \u03b2", "\u03b2 \u03b2 \u03b2 42 42"]


@pytest.mark.parametrize("unused", [0, 1, 5])
def test_extension_takes_unused_entries_and_then_the_end(tmp_path: Path, unused: int) -> None:
    path = small_vocabulary(tmp_path, unused)
    before = path.read_text().split()
    size = len(before) + max(0, 3 - unused)
    chosen = settings(source=str(path), size=size, extend=3, smallest_count=1)
    tokenizer = vocabulary.take(chosen)
    entries, additions = extended(tokenizer, chosen, TEXT)
    # The first word saves 3 x 10 pieces, the second saves 2 x 3, and the third was unknown 4 times.
    assert [addition.word for addition in additions] == ["stethoscope", "ward", "\u03b2"]
    assert additions[0].pieces.split()[:3] == ["s", "##t", "##e"]
    assert additions[0].occurrences == 3
    assert len(entries) == size
    for number, entry in enumerate(before):
        assert entries[number] == entry or entry.startswith("[unused")
    assert [entries[addition.id] for addition in additions] == ["stethoscope", "ward", "\u03b2"]
    larger = bert_tokenizer(entries, vocabulary.settings_of_recipe(chosen), path)
    assert larger.encode("the stethoscope", add_special_tokens=False).tokens == ["the", "stethoscope"]
    unchanged = "the of a zebra"
    assert larger.encode(unchanged).ids == tokenizer.encode(unchanged).ids


def test_extension_that_the_text_or_the_size_does_not_fit(tmp_path: Path) -> None:
    path = small_vocabulary(tmp_path, 0)
    size = len(path.read_text().split())
    with pytest.raises(UserError, match=r"vocabulary\.extend: 9, and the text gives 3 words that are worth an entry"):
        chosen = settings(source=str(path), size=size, extend=9, smallest_count=1)
        extended(vocabulary.take(chosen), chosen, TEXT)
    with pytest.raises(UserError, match=rf"vocabulary\.size: {size}, and extended it has {size + 2} entries"):
        chosen = settings(source=str(path), size=size, extend=2, smallest_count=1)
        extended(vocabulary.take(chosen), chosen, TEXT)
    with pytest.raises(
        UserError, match=r"vocabulary\.extend: 2, and the vocabulary is trained; name the one to extend"
    ):
        load("small", ["vocabulary.extend=2"])


def test_a_corpus_with_an_extended_vocabulary_lists_what_was_added(tmp_path: Path) -> None:
    path = small_vocabulary(tmp_path, 2)
    size = len(path.read_text().split()) + 8
    (tmp_path / "text.txt").write_text("\n\n".join(documents(8)))
    taken = [f"vocabulary.source={path}", f"vocabulary.size={size}", "vocabulary.extend=10"]
    recipe = load("tiny", [*SMALL, *(t for t in taken), f"data.sources={tmp_path / 'text.txt'}"])
    prepare(recipe, tmp_path / "corpus", workers=1)
    lines = (tmp_path / "corpus" / "vocab_added.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["word", "id", "occurrences", "pieces"]
    assert len(lines) == 11
    kept = (tmp_path / "corpus" / "vocab.txt").read_text().splitlines()
    assert all(kept[int(line.split("\t")[1])] == line.split("\t")[0] for line in lines[1:])
    # Training needs none of the keys by which the vocabulary was extended.
    trained = load("tiny", [*SMALL, f"vocabulary.size={size}"])
    corpus = Corpus(tmp_path / "corpus")
    check_corpus(trained, corpus)
    assert with_corpus_tables(trained, corpus).vocabulary.extend == 10
    assert trained.vocabulary.extend == 0
