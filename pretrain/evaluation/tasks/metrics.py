"""The metrics of the field, from what was predicted and what is right. Shares are between 0 and 1."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from configs.common.errors import UserError
from pretrain.evaluation.tasks.entities import OUTSIDE, spans
from pretrain.evaluation.tasks.task import Answers, Choice, Relations, Tags, Task, Terms

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
    return of_sets([spans(tags) for tags in predicted], [spans(tags) for tags in right])


def of_sets(predicted: Sequence[Set[Any]], right: Sequence[Set[Any]]) -> Metrics:
    """Precision, recall and F1 over all that was found and was to be found (micro): entities, terms, relations."""
    hits = sum(len(ours & theirs) for ours, theirs in zip(predicted, right, strict=True))
    found, wanted = sum(map(len, predicted)), sum(map(len, right))
    return {
        "f1": 2 * hits / max(1, found + wanted),
        "precision": hits / max(1, found),
        "recall": hits / max(1, wanted),
    }


def of_choices(predicted: Sequence[int], right: Sequence[int]) -> Metrics:
    return {"accuracy": sum(ours == theirs for ours, theirs in zip(predicted, right, strict=True)) / len(right)}


def of_answers(predicted: Sequence[str], right: Sequence[Sequence[str]], doubts: Sequence[float] = ()) -> Metrics:
    """The best over the given answers of a question, averaged: exact match and F1.

    Text with Chinese characters by the rules of ymcui/cmrc2018 (cmrc2018_evaluate.py), other text by those of SQuAD.
    Where questions have no answer, as in SQuAD 2.0, an answer is given up when its doubt is above 0; `best_` is with
    the threshold that would have been best (evaluate-v2.0.py).
    """
    found, best = Metrics(), Metrics()
    for name, score in (("f1", _f1), ("exact_match", _exact_match)):
        values = [
            max(score(ours, answer) for answer in answers or [""])
            for ours, answers in zip(predicted, right, strict=True)
        ]
        if not all(right):
            best[f"best_{name}"] = _at_best_threshold(values, predicted, right, doubts) / len(right)
            given_up = (doubt > 0 for doubt in doubts)
            values = [
                float(not answers) if up else value for up, value, answers in zip(given_up, values, right, strict=True)
            ]
        found[name] = sum(values) / len(values)
    return found | best


def _at_best_threshold(
    values: Sequence[float], predicted: Sequence[str], right: Sequence[Sequence[str]], doubts: Sequence[float]
) -> float:
    """The sum over questions when those up to the best doubt are answered, and the others not."""
    best = now = float(sum(not answers for answers in right))
    for place in np.argsort(doubts, kind="stable"):
        now += values[place] if right[place] else -bool(predicted[place])
        best = max(best, now)
    return best


_CHINESE = re.compile(r"[\u4e00-\u9fa5]")
_PUNCTUATION = frozenset("-:_*^/\\~`+=，。：？！“”；’《》…·、「」（）－～『』")


def _exact_match(predicted: str, right: str) -> float:
    if _CHINESE.search(right):
        return float(_bare(predicted) == _bare(right))
    return float(_normal(predicted) == _normal(right))


def _f1(predicted: str, right: str) -> float:
    chinese = bool(_CHINESE.search(right))
    ours, theirs = (_pieces(text) if chinese else _normal(text) for text in (predicted, right))
    if not ours or not theirs:  # no answer
        return float(ours == theirs)
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
    match right[0]:
        case str():
            found = of_classes(right, right, task.labels)
        case float():
            found = of_numbers(right, right)
        case Tags():
            found = of_tags(*[[target.tags for target in right]] * 2)
        case Answers():
            texts = [[answer.text for answer in target.answers] for target in right]
            found = of_answers([next(iter(answers), "") for answers in texts], texts, [0.0] * len(texts))
        case Choice():
            found = of_choices([0], [0])
        case Terms():
            found = of_sets([], []) | {"among_candidates": 1.0}
        case Relations():
            found = of_sets([], [])
        case _:
            raise AssertionError(right[0])
    return [*found]


# What a task is known by, where it is not the first of its metrics.
_OF_TASK = {
    "cola": "matthews",
    "mrpc": "f1",
    "qqp": "f1",
    "chip-sts": "macro_f1",
    "chip-ctc": "macro_f1",
    "chip-cdn-2c": "f1",
}


def main_metric(task: str, known: Sequence[str], wanted: str = "") -> str:
    """The one that a task is judged by: `wanted`, or the published one of a task that is known, or the first.

    Raises UserError when it is not among them.
    """
    chosen = wanted or _OF_TASK.get(task.lower(), known[0])
    if chosen not in known:
        raise UserError(f"metric: {wanted!r} is not measured for {task}; there are {', '.join(known)}")
    return chosen
