"""Flagged words have their line, their characters and their proposals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pretrain.proofread.findings import proofread
from pretrain.proofread.model import Proofreader
from pretrain.proofread.scoring import suspicion
from pretrain.proofread.texts import Text
from pretrain.proofread.words import tokenize

CONTENT = "The naïve café\r\n\r\nis 😀 not\rfound\nhere."


def test_every_word_is_flagged_at_the_threshold_0(reader: Proofreader) -> None:
    answer = proofread(reader, Text("a.txt", CONTENT), 0)
    places = [(finding.line, finding.text) for finding in answer.findings]
    expected = [
        (1, "The"),
        (1, "naïve"),
        (1, "café"),
        (3, "is"),
        (3, "😀"),
        (3, "not"),
        (4, "found"),
        (5, "here"),
        (5, "."),
    ]
    assert places == expected
    assert all(CONTENT[finding.start : finding.end] == finding.text for finding in answer.findings)
    assert all(len(finding.proposals or ()) == 8 for finding in answer.findings)
    assert answer.num_flagged == answer.num_tokens


def test_a_word_is_flagged_for_its_most_suspected_token(reader: Proofreader) -> None:
    tokenized = tokenize(reader.tokenizer, CONTENT)
    scores = suspicion(reader, tokenized.ids)
    threshold = float(sorted(scores)[len(scores) // 2])
    answer = proofread(reader, Text("a.txt", CONTENT), threshold)
    highest = {word.start: scores[word.first : word.last].max() for word in tokenized.words}
    assert {finding.start for finding in answer.findings} == {s for s, value in highest.items() if value > threshold}
    for finding in answer.findings:
        assert finding.suspicion == pytest.approx(highest[finding.start])
    assert answer.num_flagged == int((scores > threshold).sum())


def test_nothing_is_flagged_at_the_highest_suspicion(reader: Proofreader) -> None:
    highest = float(suspicion(reader, tokenize(reader.tokenizer, CONTENT).ids).max())
    assert not proofread(reader, Text("a.txt", CONTENT), highest).findings


def test_without_a_generator_there_are_no_proposals(reader: Proofreader) -> None:
    answer = proofread(replace(reader, generator=None), Text("a.txt", CONTENT), 0)
    assert "proposals" not in answer.findings[0].record()
