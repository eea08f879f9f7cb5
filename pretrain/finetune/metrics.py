"""The metrics of the field, from what was predicted and what is right. Shares are between 0 and 1."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from configs.errors import UserError
from pretrain.finetune.entities import OUTSIDE, spans

Metrics = dict[str, float]


def of_classes(predicted: Sequence[str], right: Sequence[str], labels: Sequence[str]) -> Metrics:
    """Accuracy, macro F1 (CBLUE's), Matthews (CoLA's); of two classes F1 of the second one (MRPC's, QQP's)."""
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    found = {
        "accuracy": float(accuracy_score(right, predicted)),
        "macro_f1": float(f1_score(right, predicted, labels=list(labels), average="macro", zero_division=0)),
        "matthews": float(matthews_corrcoef(right, predicted)),
    }
    if len(labels) == 2:
        found["f1"] = float(f1_score(right, predicted, pos_label=labels[1], zero_division=0))
    return found


def of_numbers(predicted: Sequence[float], right: Sequence[float]) -> Metrics:
    """Correlations; 0 where one number is predicted for everything."""
    from scipy.stats import pearsonr, spearmanr

    if not np.ptp(predicted) or not np.ptp(right):
        return {"spearman": 0.0, "pearson": 0.0}
    return {
        "spearman": float(spearmanr(predicted, right).statistic),
        "pearson": float(pearsonr(predicted, right).statistic),
    }


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


_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _exact_match(predicted: str, right: str) -> float:
    if _CHINESE.search(right):
        return float("".join(_pieces(predicted)) == "".join(_pieces(right)))
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
    """CMRC's: Chinese characters one by one, other words whole, no punctuation."""
    bare = (c for c in text.lower() if not unicodedata.category(c).startswith(("P", "S")))
    return "".join(f" {c} " if _CHINESE.match(c) else c for c in bare).split()


def _longest_run(left: list[str], right: list[str]) -> int:
    longest, before = 0, [0] * (len(right) + 1)
    for piece in left:
        now = [0] * (len(right) + 1)
        for place, other in enumerate(right):
            if piece == other:
                now[place + 1] = before[place] + 1
        longest, before = max(longest, *now), now
    return longest


# What a task is known by, where it is not the first of its metrics.
_OF_TASK = {"cola": "matthews", "mrpc": "f1", "qqp": "f1", "chip-sts": "macro_f1", "chip-ctc": "macro_f1"}


def main_metric(task: str, found: Metrics, wanted: str = "") -> str:
    """The one that a task is judged by: `wanted`, or the published one of a task that is known, or the first.

    Raises UserError when it is not among them.
    """
    chosen = wanted or _OF_TASK.get(task.lower(), next(iter(found)))
    if chosen not in found:
        raise UserError(f"metric: {wanted!r} is not measured for {task}; there are {', '.join(found)}")
    return chosen
