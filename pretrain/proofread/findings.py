"""The words of a text that hold a token over the threshold."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from pretrain.proofread.model import Proofreader
from pretrain.proofread.proposals import Proposal, propose
from pretrain.proofread.scoring import suspicion
from pretrain.proofread.texts import Text
from pretrain.proofread.words import tokenize

LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True)
class Finding:
    file: str
    line: int  # from 1
    start: int  # in characters of the text, from 0
    end: int
    text: str
    suspicion: float  # of its most suspected token
    proposals: list[Proposal] | None  # None if the model has no generator

    def record(self) -> dict[str, Any]:
        """Return the content of a line of JSON. Without a generator, it has no proposals."""
        record = {name: getattr(self, name) for name in ("file", "line", "start", "end", "text", "suspicion")}
        if self.proposals is not None:
            record["proposals"] = [vars(proposal) for proposal in self.proposals]
        return record


@dataclass(frozen=True)
class Proofread:
    """A text that was read, with its flagged words."""

    text: Text
    findings: list[Finding]
    num_tokens: int
    num_flagged: int  # tokens over the threshold


def proofread(reader: Proofreader, text: Text, threshold: float) -> Proofread:
    """Find the words of which a token has a higher suspicion than the threshold."""
    tokenized = tokenize(reader.tokenizer, text.content)
    scores = suspicion(reader, tokenized.ids)
    words = [word for word in tokenized.words if scores[word.first : word.last].max() > threshold]
    proposals = [each.best for each in propose(reader, tokenized, words)] if reader.generator else [None] * len(words)
    line_ends = [match.end() for match in LINE_END.finditer(text.content)]
    findings = [
        Finding(
            text.file,
            bisect_right(line_ends, word.start) + 1,
            word.start,
            word.end,
            text.content[word.start : word.end],
            float(scores[word.first : word.last].max()),
            best,
        )
        for word, best in zip(words, proposals, strict=True)
    ]
    return Proofread(text, findings, len(scores), int((scores > threshold).sum()))
