"""The sample is a part of the text that depends on the input alone, and its tokens are counted as in a corpus."""

from __future__ import annotations

from pathlib import Path

from configs.load import load
from configs.vocabulary.settings import TokenizerSettings
from configs.vocabulary.tokenizer import bert_tokenizer
from data_prep.sources.tasks import cut_into_tasks
from data_prep.text_sample import count_tokens, sample_documents


def test_every_file_gives_its_first_documents(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text("\n\n".join(f"{name}{number} " + "word " * 50 for number in range(100)))
    recipe = load("tiny", [f"data.sources={tmp_path}"])
    sample = list(sample_documents(recipe, cut_into_tasks(recipe.data.sources), 3000))
    assert {document.text[:2] for document in sample} >= {"a0", "b0", "c0"}
    assert 3000 <= sum(document.num_bytes for document in sample) < 6000


def test_unknown_tokens_and_their_characters() -> None:
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##c"]
    tokenizer = bert_tokenizer(entries, TokenizerSettings(lowercase=True, strip_accents=True, longest_word=100), "test")
    counts = count_tokens(tokenizer, ["a bc \u6cd5", "A x\u6cd5"])
    assert (counts.num_tokens, counts.num_unknown) == (7, 3)
    assert counts.missing_characters == {"\u6cd5": 2, "x": 1}
