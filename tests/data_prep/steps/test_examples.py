"""Examples keep the split of their document, and random choices follow its content and the number of its copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from configs.load import load
from data_prep.document import SourceDocument, TokenizedDocument
from data_prep.manifest import Split
from data_prep.steps.examples import CutExamples

RECIPE = load("tiny", ["data.row_length=64"])


def tokenized(text: str, id: str = "x", split: Split = "train", copy: int = 0) -> TokenizedDocument:
    """Return a document of 20 sentences of 10 tokens."""
    tokens, starts = np.arange(200, dtype=np.uint32) % 26 + 5, np.arange(0, 201, 10)
    return TokenizedDocument(SourceDocument(text, id, split=split, copy=copy), [(tokens, starts)])


def cut(folder: Path, *documents: TokenizedDocument, seed: int = 1) -> list[tuple[Split, list[int]]]:
    step = CutExamples(folder, RECIPE.data, RECIPE.masking, seed)
    return [(split, np.concatenate(example.parts).tolist()) for split, example in step.run(documents)]


def test_every_token_is_in_one_example_of_its_split(vocabulary_folder: Path) -> None:
    made = cut(vocabulary_folder, tokenized("a"), tokenized("b", split="validation"))
    for split in ("train", "validation"):
        inside = [token for of, tokens in made if of == split for token in tokens if token >= 5]
        assert inside == (np.arange(200) % 26 + 5).tolist()
    assert all(len(tokens) <= 64 and tokens[0] == 2 and tokens[-1] == 3 for _, tokens in made)


def test_choices_follow_the_content_and_not_the_place(vocabulary_folder: Path) -> None:
    alone = cut(vocabulary_folder, tokenized("a"))
    assert cut(vocabulary_folder, tokenized("b"), tokenized("a", id="y"))[-len(alone) :] == alone
    others = [cut(vocabulary_folder, tokenized("a", copy=copy)) for copy in range(1, 6)]
    others += [cut(vocabulary_folder, tokenized("a"), seed=seed) for seed in range(2, 7)]
    assert any(other != alone for other in others[:5])
    assert any(other != alone for other in others[5:])


def test_a_document_without_tokens_gives_no_example(vocabulary_folder: Path) -> None:
    assert cut(vocabulary_folder, TokenizedDocument(SourceDocument("", "x"))) == []
    assert cut(vocabulary_folder) == []
