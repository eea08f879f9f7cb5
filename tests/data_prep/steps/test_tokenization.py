"""Documents keep their lines and their order, however many characters are tokenized at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from configs.common.errors import UserError
from configs.load import load
from configs.vocabulary.settings import TokenizerSettings
from configs.vocabulary.tokenizer import bert_tokenizer
from data_prep import vocabulary
from data_prep.counts import TaskReport
from data_prep.document import SourceDocument, TokenizedDocument
from data_prep.steps import tokenization
from data_prep.steps.tokenization import Tokenize

ENTRIES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "##d"]
MASKING = load("tiny").masking


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    settings = TokenizerSettings(lowercase=True, strip_accents=True, longest_word=100)
    vocabulary.save(bert_tokenizer(ENTRIES, settings, "test"), tmp_path)
    return tmp_path


def ids(tokenized: TokenizedDocument) -> list[list[int]]:
    return [(sentence & 0xFFFF).tolist() for sentence in tokenized.sentences]


@pytest.mark.parametrize("characters", [1, 3, 5, 2**20])
def test_batches_do_not_show(folder: Path, monkeypatch: pytest.MonkeyPatch, characters: int) -> None:
    monkeypatch.setattr(tokenization, "_BATCH_CHARACTERS", characters)
    report = TaskReport()
    texts = ["a b\nc", "", "ad\n\nb x\na b c", "c"]
    documents = [SourceDocument(text, str(number)) for number, text in enumerate(texts)]
    made = list(Tokenize(folder, MASKING, report).run(documents))
    assert [tokenized.document.id for tokenized in made] == ["0", "1", "2", "3"]
    assert [ids(tokenized) for tokenized in made] == [[[5, 6], [7]], [], [[5, 8], [], [6, 1], [5, 6, 7]], [[7]]]
    assert (report.unknown_tokens, report.unknown_characters) == (1, {"x": 1})


def test_documents_of_ids_lose_their_special_tokens(folder: Path) -> None:
    documents = [
        SourceDocument("", "m:0", token_ids=[np.array([2, 5, 6, 3]), np.array([7, 0])]),
        SourceDocument("a", "t"),
    ]
    first, second = Tokenize(folder, MASKING, TaskReport()).run(documents)
    assert (ids(first), ids(second)) == ([[5, 6], [7]], [[5]])
    with pytest.raises(UserError, match="m:1: has token ids outside the 9 entries"):
        list(Tokenize(folder, MASKING, TaskReport()).run([SourceDocument("", "m:1", token_ids=[np.array([9])])]))
