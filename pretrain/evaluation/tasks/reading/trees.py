"""Nested files become one record for each example: SQuAD's articles, C3's dialogues, CHID's blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Record = Mapping[str, Any]

# A blank of CHID.
_BLANK = re.compile("#idiom[0-9]+#")
# The text that stands for the other blanks of a passage.
_OTHER_BLANK = "[MASK]" * 4


def squad_records(articles: list[Any]) -> Iterator[Record]:
    """The articles of SQuAD, CMRC or DRCD: a record for each question."""
    for article in articles:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield {
                    "question": question["question"],
                    "context": paragraph["context"],
                    "answers": question.get("answers"),
                }


def c3_records(documents: list[Any]) -> Iterator[Record]:
    """C3's [sentences, [{question, choice, answer}], id]: a record for each question."""
    for sentences, questions, *_ in documents:
        for question in questions:
            yield {
                "text": "\n".join(map(str, sentences)),
                "text_pair": question["question"],
                "choices": question["choice"],
                "label": question.get("answer"),
            }


def chid_records(record: Record, answers: Mapping[str, int]) -> Iterator[Record]:
    """CHID's {candidates, content}, whose blanks have names: a record for each blank, the others shown as [MASK]."""
    for passage in record["content"]:
        for blank in _BLANK.finditer(passage):
            before, after = (
                _BLANK.sub(_OTHER_BLANK, part) for part in (passage[: blank.start()], passage[blank.end() :])
            )
            yield {
                "text": f"{before}[MASK]{after}",
                "choices": record["candidates"],
                "label": answers.get(blank.group()),
                "blank": len(before),
            }
