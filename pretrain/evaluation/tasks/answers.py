"""Exact match and F1 of answers to questions, by the published rules of SQuAD, SQuAD 2.0 and CMRC.

torchmetrics and `evaluate` compute SQuAD's two numbers for questions that have an answer. Neither knows CMRC's rules
or the thresholds of SQuAD 2.0, and `evaluate` downloads its code when it runs, so the rules are written out here.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

from pretrain.evaluation.tasks.metrics import Metrics

# The range of cmrc2018_evaluate.py. The published numbers depend on it, so it is not the tokenizer's.
_CHINESE = re.compile(r"[\u4e00-\u9fa5]")
_CMRC_PUNCTUATION = frozenset("-:_*^/\\~`+=，。：？！“”；’《》…·、「」（）－～『』")


def score_answers(predicted: Sequence[str], correct: Sequence[Sequence[str]], doubts: Sequence[float] = ()) -> Metrics:
    """Exact match and F1: for each question the best over its correct answers, then the mean over questions.

    A question with Chinese characters in its answers is scored by the rules of ymcui/cmrc2018 (cmrc2018_evaluate.py),
    another by SQuAD's. Where some questions have no answer, as in SQuAD 2.0, no answer is predicted when a doubt is
    above 0, and the `best_` metrics use the threshold that would have given the best score (evaluate-v2.0.py).
    """
    metrics, best = Metrics(), Metrics()
    for name, score in (("f1", _f1), ("exact_match", _exact_match)):
        values = [
            max(score(guess, answer, any(map(_CHINESE.search, (guess, *answers)))) for answer in answers or [""])
            for guess, answers in zip(predicted, correct, strict=True)
        ]
        if not all(correct):
            best[f"best_{name}"] = _at_best_threshold(values, predicted, correct, doubts) / len(correct)
            withheld = (doubt > 0 for doubt in doubts)
            values = [
                float(not answers) if no_answer else value
                for no_answer, value, answers in zip(withheld, values, correct, strict=True)
            ]
        metrics[name] = sum(values) / len(values)
    return metrics | best


def _at_best_threshold(
    values: Sequence[float], predicted: Sequence[str], correct: Sequence[Sequence[str]], doubts: Sequence[float]
) -> float:
    """Return the greatest sum of values over all questions, for the best threshold of doubt.

    A question is answered only if its doubt is not above the threshold.
    """
    best = total = float(sum(not answers for answers in correct))
    for place in np.argsort(doubts, kind="stable"):
        total += values[place] if correct[place] else -bool(predicted[place])
        best = max(best, total)
    return best


def _exact_match(predicted: str, correct: str, is_chinese: bool) -> float:
    if is_chinese:
        return float(_without_punctuation(predicted) == _without_punctuation(correct))
    return float(_squad_words(predicted) == _squad_words(correct))


def _f1(predicted: str, correct: str, is_chinese: bool) -> float:
    guess, right = (_cmrc_units(text) if is_chinese else _squad_words(text) for text in (predicted, correct))
    if not guess or not right:  # an empty text stands for "no answer"
        return float(guess == right)
    # CMRC counts the longest run that both texts share, SQuAD the words in any order.
    num_shared = _longest_shared_run(guess, right) if is_chinese else sum((Counter(guess) & Counter(right)).values())
    return 2 * num_shared / (len(guess) + len(right)) if num_shared else 0.0


def _squad_words(text: str) -> list[str]:
    """Lowercase words without punctuation and articles."""
    plain = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", plain).split()


def _cmrc_units(text: str) -> list[str]:
    """Single Chinese characters and other words, without punctuation. Words end at blanks; CMRC uses NLTK for them."""
    return "".join(f" {c} " if _CHINESE.match(c) else c for c in _without_punctuation(text)).split()


def _without_punctuation(text: str) -> str:
    return "".join(character for character in text.lower().strip() if character not in _CMRC_PUNCTUATION)


def _longest_shared_run(left: list[str], right: list[str]) -> int:
    longest, previous = 0, [0] * (len(right) + 1)
    for unit in left:
        current = [0] * (len(right) + 1)
        for place, other in enumerate(right):
            if unit == other:
                current[place + 1] = previous[place] + 1
        longest, previous = max(longest, *current), current
    return longest
