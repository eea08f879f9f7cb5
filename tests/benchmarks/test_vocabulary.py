"""Both ways train a vocabulary of the wanted size, and ours is the vocabulary of `electra prepare`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.vocabulary import WAYS, electra
from configs.folders import VOCABULARY_FILE
from configs.load import load
from configs.vocabulary.tokenizer import entries_of
from data_prep import vocabulary_training
from tests.conftest import documents

SIZE, ALPHABET = 700, 90


def test_each_way_writes_a_vocabulary(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.mkdir()
    (text / "text.txt").write_text("\n\n".join(documents()) + "\n", encoding="utf-8")
    made = {}
    for number, (way, train) in enumerate(WAYS.items()):
        assert train(text, SIZE, ALPHABET, 10**9, tmp_path / str(number)) > 0
        made[way] = (tmp_path / str(number) / VOCABULARY_FILE).read_text(encoding="utf-8").splitlines()
    assert [len(entries) for entries in made.values()] == [SIZE, SIZE]
    settings = load("small").vocabulary.model_copy(update={"size": SIZE, "alphabet": ALPHABET})
    lines = [line for document in documents() for line in document.split("\n")]
    ours = entries_of(vocabulary_training.train(settings, lambda: lines))
    assert next(entries for way, entries in made.items() if WAYS[way] is electra) == ours
