"""The metrics of the field, from what was predicted and what is right. Shares are between 0 and 1."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from configs.errors import UserError
from pretrain.finetune.entities import OUTSIDE, spans
from pretrain.finetune.layouts import Task

Metrics = dict[str, float]


def of_classes(predicted: Sequence[str], right: Sequence[str], labels: Sequence[str]) -> Metrics:
    """Accuracy, macro F1 (CBLUE's), Matthews (CoLA's); of two classes F1 of the second one (MRPC's, QQP's)."""
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    def f1(of: Sequence[str]) -> float:
        nothing: Any = 0  # of a class that is neither there nor predicted; the stubs know words alone
        return float(f1_score(right, predicted, labels=list(of), average="macro", zero_division=nothing))

    found = {
        "accuracy": float(accuracy_score(right, predicted)),
        "macro_f1": f1(labels),
        "matthews": float(matthews_corrcoef(right, predicted)),
    }
    if len(labels) == 2:
        found["f1"] = f1(labels[1:])
    return found


def of_numbers(predicted: Sequence[float], right: Sequence[float]) -> Metrics:
    """Correlations; 0 where one number is predicted for everything."""
    from scipy.stats import pearsonr, spearmanr

    if not np.ptp(predicted) or not np.ptp(right):
        return {"spearman": 0.0, "pearson": 0.0}
    found: dict[str, Any] = {"spearman": spearmanr(predicted, right), "pearson": pearsonr(predicted, right)}
    return {name: float(result.statistic) for name, result in found.items()}


def of_tags(predicted: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> Metrics:
    """Of entities (tags B-, I-, O) precision, recall and F1 over all; of other tags their accuracy and macro F1."""
    flat = [tag for tags in right for tag in tags]
    if all(tag == OUTSIDE or tag.startswith(("B-", "I-")) for tag in flat):
        return _of_entities(predicted, right)
    found = of_classes([tag for tags in predicted for tag in tags], flat, sorted(set(flat)))
    return {name: found[name] for name in ("accuracy", "macro_f1")}


def _of_entities(predicted: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> Metrics:
    ours, theirs = ([spans(tags) for tags in all_tags] for all_tags in (predicted, right))
    hits = sum(len(left & other) for left, other in zip(ours, theirs, strict=True))
    found, wanted = sum(map(len, ours)), sum(map(len, theirs))
    return {
        "f1": 2 * hits / max(1, found + wanted),
        "precision": hits / max(1, found),
        "recall": hits / max(1, wanted),
    }


def of_answers(predicted: Sequence[str], right: Sequence[Sequence[str]]) -> Metrics:
    """The best over the given answers of a question, averaged: exact match and F1.

    Text with Chinese characters by the rules of ymcui/cmrc2018 (cmrc2018_evaluate.py), other text by those of SQuAD.
    """
    return {"f1": _best(_f1, predicted, right), "exact_match": _best(_exact_match, predicted, right)}


def _best(score: Callable[[str, str], float], predicted: Sequence[str], right: Sequence[Sequence[str]]) -> float:
    best = [max(score(ours, answer) for answer in answers) for ours, answers in zip(predicted, right, strict=True)]
    return sum(best) / len(best)


_CHINESE = re.compile(r"[\u4e00-\u9fa5]")
_PUNCTUATION = frozenset("-:_*^/\\~`+=，。：？！“”；’《》…·、「」（）－～『』")


def _exact_match(predicted: str, right: str) -> float:
    if _CHINESE.search(right):
        return float(_bare(predicted) == _bare(right))
    return float(_normal(predicted) == _normal(right))


def _f1(predicted: str, right: str) -> float:
    chinese = bool(_CHINESE.search(right))
    ours, theirs = (_pieces(text) if chinese else _normal(text) for text in (predicted, right))
    # CMRC counts the longest run that both share, SQuAD words in any order.
    shared = _longest_run(ours, theirs) if chinese else sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs)) if shared else 0.0


def _normal(text: str) -> list[str]:
    """SQuAD's: lowercase words without punctuation and articles."""
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def _pieces(text: str) -> list[str]:
    """CMRC's: Chinese characters one by one, other words whole (between blanks, not by NLTK), no punctuation."""
    return "".join(f" {c} " if _CHINESE.match(c) else c for c in _bare(text)).split()


def _bare(text: str) -> str:
    return "".join(character for character in text.lower().strip() if character not in _PUNCTUATION)


def _longest_run(left: list[str], right: list[str]) -> int:
    longest, before = 0, [0] * (len(right) + 1)
    for piece in left:
        now = [0] * (len(right) + 1)
        for place, other in enumerate(right):
            if piece == other:
                now[place + 1] = before[place] + 1
        longest, before = max(longest, *now), now
    return longest


def names_of(task: Task) -> list[str]:
    """The metrics of a task, by scoring the right answers."""
    right: list[Any] = [example.target for example in task.held_out]
    match task.kind:
        case "classes":
            found = of_classes(right, right, task.labels)
        case "number":
            found = of_numbers(right, right)
        case "tags":
            found = of_tags(right, right)
        case "spans":
            texts = [[answer.text for answer in answers] for answers in right]
            found = of_answers([answers[0] for answers in texts], texts)
    return [*found]


# What a task is known by, where it is not the first of its metrics.
_OF_TASK = {"cola": "matthews", "mrpc": "f1", "qqp": "f1", "chip-sts": "macro_f1", "chip-ctc": "macro_f1"}


def main_metric(task: str, known: Sequence[str], wanted: str = "") -> str:
    """The one that a task is judged by: `wanted`, or the published one of a task that is known, or the first.

    Raises UserError when it is not among them.
    """
    chosen = wanted or _OF_TASK.get(task.lower(), known[0])
    if chosen not in known:
        raise UserError(f"metric: {wanted!r} is not measured for {task}; there are {', '.join(known)}")
    return chosen
