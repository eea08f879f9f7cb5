"""The answers to the page hold every character of the text, and proposals for the word that was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from configs.common.errors import UserError
from configs.vocabulary.settings import TokenizerSettings
from configs.vocabulary.tokenizer import bert_tokenizer
from pretrain.proofread.answers import Answers
from pretrain.proofread.model import Proofreader
from pretrain.proofread.scoring import suspicion
from pretrain.proofread.words import tokenize

TEXTS = {
    "English": "The naïve  function\r\n raises a KeyError.\n",
    "Chinese": "今天天气很好，我们去公园散步。",
    "accents": "cafe\u0301 CAFÉ ban\u200bana",
    "emoji": "a 😀 \U0001f1e9\U0001f1ea text",
    "Korean": "한국 x",
    "markup": '<script>alert("1")</script> & \x1b[31m',
    "special": "the [MASK] [SEP] x",
    "blank": " \n\t",
    "empty": "",
}


def words_of(reading: list[Any]) -> list[dict[str, Any]]:
    return [part for part in reading if isinstance(part, dict)]


@pytest.mark.parametrize("kind", TEXTS)
def test_the_parts_are_the_text_and_the_scores_are_those_of_its_tokens(
    reader: Proofreader, chinese: Proofreader, kind: str
) -> None:
    text = TEXTS[kind]
    for reading, each in zip(Answers([reader, chinese]).suspicion({"text": text}), (reader, chinese), strict=True):
        assert "".join(part if isinstance(part, str) else part["text"] for part in reading) == text
        words = words_of(reading)
        for word in words:
            assert "".join(piece for piece, _ in word["pieces"]) == word["text"]
            assert text[word["start"] :].startswith(word["text"])
            assert word["suspicion"] == max(value for _, value in word["tokens"]) == max(v for _, v in word["pieces"])
        scores = [value for word in words for _, value in word["tokens"]]
        assert scores == pytest.approx(suspicion(each, tokenize(each.tokenizer, text).ids), rel=1e-3)


def test_a_character_of_several_tokens_is_one_piece(reader: Proofreader) -> None:
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ᄒ", "##ᅡ", "##ᆫ", "##ᄀ", "##ᅮ", "##ᆨ"]
    korean = replace(reader, tokenizer=bert_tokenizer(entries, TokenizerSettings.of(True, None, 100), "test"))
    (word,) = Answers([korean]).suspicion({"text": "한국"})[0]
    assert [piece for piece, _ in word["pieces"]] == ["한", "국"]
    assert [value for _, value in word["pieces"]] == [
        max(value for _, value in tokens) for tokens in (word["tokens"][:3], word["tokens"][3:])
    ]


def test_proposals_are_for_the_word_at_a_character(reader: Proofreader, chinese: Proofreader) -> None:
    answers = Answers([reader, chinese])
    ours, theirs = answers.proposals({"text": "😀 今天 key", "start": 3})
    assert theirs["word"] == "天" and theirs["start"] == 3
    assert len(theirs["best"]) == 8 and 0 < theirs["itself"] < 1
    assert ours["start"] <= 3
    assert answers.proposals({"text": "a  b", "start": 2}) == [None, None]


def test_one_network_alone_answers_with_what_it_has(reader: Proofreader) -> None:
    without_discriminator = Answers([replace(reader, discriminator=None)]).suspicion({"text": "a key"})[0]
    assert [word["suspicion"] for word in words_of(without_discriminator)] == [None, None]
    assert Answers([replace(reader, generator=None)]).proposals({"text": "a key", "start": 2}) == [None]


@pytest.mark.parametrize("request_", [{}, {"text": None}, {"text": 3}, {"text": ["a"]}, {"text": "\ud800"}])
def test_a_request_without_a_text_is_refused(reader: Proofreader, request_: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="text"):
        Answers([reader]).suspicion(request_)


@pytest.mark.parametrize("start", [None, -1, 5, "0", 1.0, True])
def test_a_place_outside_the_text_is_refused(reader: Proofreader, start: object) -> None:
    with pytest.raises(UserError, match="start: must be the number of a character, from 0 to 4"):
        Answers([reader]).proposals({"text": "a key", "start": start})
