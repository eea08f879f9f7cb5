"""An existing vocabulary is extended by the most useful words of a text, and its other entries keep their ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.corpus_tables import VocabularyTable
from configs.load import load
from configs.vocabulary.entries import SPECIAL_TOKENS
from configs.vocabulary.tokenizer import bert_tokenizer
from data_prep import vocabulary
from data_prep.extension import extended
from data_prep.prepare import prepare
from data_prep.shards import Corpus, check_corpus, with_corpus_tables
from tests.conftest import SMALL, documents


def settings(**changes: object) -> VocabularyTable:
    return load("small").vocabulary.model_copy(update={"size": 900, **changes})


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
