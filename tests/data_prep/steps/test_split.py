"""Held-out documents: the share that is asked for, decided by the text alone."""

from __future__ import annotations

from data_prep.document import SourceDocument
from data_prep.steps.split import HoldOut


def splits(share: float, seed: int = 1) -> list[str]:
    documents = (SourceDocument(f"text {number % 2000}", str(number)) for number in range(4000))
    return [document.split for document in HoldOut(share, seed).run(documents)]


def test_the_share_of_held_out_documents() -> None:
    chosen = splits(0.1)
    assert 140 < chosen[:2000].count("validation") < 260  # 200, four standard deviations of 13.4 and a little more
    assert chosen[:2000] == chosen[2000:]
    assert chosen != splits(0.1, seed=2)
    assert set(splits(0.0)) == {"train"}
    assert set(splits(1.0)) == {"validation"}
