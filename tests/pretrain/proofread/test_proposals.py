"""The proposals for a word are the distribution that transformers computes for [MASK] in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import ElectraForMaskedLM

from pretrain.proofread.model import Proofreader
from pretrain.proofread.proposals import NUM_PROPOSALS, propose
from pretrain.proofread.words import tokenize

TEXT = "今天the ab气很好，我们去公园."


@torch.no_grad()
def distribution(released: Path, row: list[int], place: int) -> torch.Tensor:
    return (
        ElectraForMaskedLM.from_pretrained(released / "x-generator")(torch.tensor([row])).logits[0, place].softmax(-1)
    )


def test_proposals_are_those_of_transformers(chinese: Proofreader, released: Path) -> None:
    text = tokenize(chinese.tokenizer, TEXT)
    assert [word.last - word.first for word in text.words[2:4]] == [1, 2]
    answers = propose(chinese, text, text.words)
    vocabulary = [chinese.tokenizer.id_to_token(number) for number in range(chinese.tokenizer.get_vocab_size())]
    allowed = [number for number, entry in enumerate(vocabulary) if number >= 5 and not str(entry).startswith("##")]
    for word, answer in zip(text.words, answers, strict=True):
        row = [
            chinese.id_of("cls"),
            *text.ids[: word.first],
            chinese.id_of("mask"),
            *text.ids[word.last :],
            chinese.id_of("sep"),
        ]
        expected = distribution(released, row, 1 + word.first)
        best = sorted(allowed, key=lambda number: -expected[number])[:NUM_PROPOSALS]
        assert [proposal.probability for proposal in answer.best] == pytest.approx(expected[best].tolist(), abs=1e-5)
        assert {proposal.text for proposal in answer.best} <= {vocabulary[number] for number in allowed}
        if word.last - word.first == 1:
            assert answer.itself == pytest.approx(float(expected[text.tokens[word.first].id]), abs=1e-5)
        else:
            assert answer.itself is None


def test_a_word_of_a_long_text_is_read_in_its_window(chinese: Proofreader) -> None:
    text = tokenize(chinese.tokenizer, "今天气很好我们去公园" * 20)
    middle = text.words[100]
    alone = propose(chinese, text, [middle])[0]
    among = propose(chinese, text, [*text.words[:7], middle, text.words[-1]])[7]
    assert [proposal.text for proposal in alone.best] == [proposal.text for proposal in among.best]
    assert alone.itself == pytest.approx(among.itself, abs=1e-6)


def test_a_word_that_is_longer_than_a_window_has_proposals(chinese: Proofreader) -> None:
    text = tokenize(chinese.tokenizer, "abcdefghij" * 9)
    assert len(text.words) == 1 and len(text.tokens) > chinese.length
    assert len(propose(chinese, text, text.words)[0].best) == NUM_PROPOSALS


def test_without_words_there_are_no_proposals(chinese: Proofreader) -> None:
    assert propose(chinese, tokenize(chinese.tokenizer, "今"), []) == []
