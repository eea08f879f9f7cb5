"""The metrics of the field, from predicted and correct labels. Shares are between 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from pretrain.evaluation.tasks.reading.entities import OUTSIDE

Metrics = dict[str, float]
# The value of an F1 whose class neither occurs nor is predicted. scikit-learn's types allow strings alone.
_UNDEFINED: Any = 0


def score_classes(predicted: Sequence[str], correct: Sequence[str], labels: Sequence[str]) -> Metrics:
    """Accuracy, macro F1 (CBLUE's), Matthews (CoLA's); with two classes also F1 of the second (MRPC's, QQP's)."""
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    def f1(classes: Sequence[str]) -> float:
        return float(f1_score(correct, predicted, labels=list(classes), average="macro", zero_division=_UNDEFINED))

    metrics = {
        "accuracy": float(accuracy_score(correct, predicted)),
        # A class that the held-out file lacks has no F1.
        "macro_f1": f1(sorted({*correct, *predicted})),
        "matthews": float(matthews_corrcoef(correct, predicted)),
    }
    if len(labels) == 2:
        metrics["f1"] = f1(labels[1:])
    return metrics


def score_label_sets(predicted: Sequence[Set[str]], correct: Sequence[Set[str]], labels: Sequence[str]) -> Metrics:
    """F1 over all labels of all texts (micro), the mean of the F1 of each label (macro), and texts without an error."""
    from sklearn.metrics import accuracy_score, f1_score

    def indicators(sets: Sequence[Set[str]]) -> Any:
        return np.array([[label in members for label in labels] for members in sets], dtype=int)

    right, guess = indicators(correct), indicators(predicted)
    return {
        "micro_f1": float(f1_score(right, guess, average="micro", zero_division=_UNDEFINED)),
        "macro_f1": float(f1_score(right, guess, average="macro", zero_division=_UNDEFINED)),
        "exact_match": float(accuracy_score(right, guess)),
    }


def score_numbers(predicted: Sequence[float], correct: Sequence[float]) -> Metrics:
    """Compute correlations. They are 0 if all predictions are the same number."""
    from scipy.stats import pearsonr, spearmanr

    if not np.ptp(predicted) or not np.ptp(correct):
        return {"spearman": 0.0, "pearson": 0.0}
    results: dict[str, Any] = {"spearman": spearmanr(predicted, correct), "pearson": pearsonr(predicted, correct)}
    return {name: float(result.statistic) for name, result in results.items()}


def score_tags(predicted: Sequence[Sequence[str]], correct: Sequence[Sequence[str]]) -> Metrics:
    """Precision, recall and F1 of entities (tags B-, I-, O) over all texts; accuracy and macro F1 of other tags."""
    flat = [tag for tags in correct for tag in tags]
    if all(tag == OUTSIDE or tag.startswith(("B-", "I-")) for tag in flat):
        return _score_entities(predicted, correct)
    metrics = score_classes([tag for tags in predicted for tag in tags], flat, sorted(set(flat)))
    return {name: metrics[name] for name in ("accuracy", "macro_f1")}


def _score_entities(predicted: Sequence[Sequence[str]], correct: Sequence[Sequence[str]]) -> Metrics:
    """Score entities as conlleval counts them, so an I- that follows no tag of its kind begins an entity."""
    from seqeval.metrics import f1_score, precision_score, recall_score

    tags = [list(sentence) for sentence in correct], [list(sentence) for sentence in predicted]
    scorers: dict[str, Any] = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
    return {name: float(scorer(*tags, zero_division=0)) for name, scorer in scorers.items()}


def score_sets(predicted: Sequence[Set[Any]], correct: Sequence[Set[Any]]) -> Metrics:
    """Precision, recall and F1 over the members of all sets (micro): terms, relations."""
    # scikit-learn would need a column for every possible member, and there is no list of all possible relations.
    num_hits = sum(len(guess & right) for guess, right in zip(predicted, correct, strict=True))
    num_predicted, num_correct = sum(map(len, predicted)), sum(map(len, correct))
    return {
        "f1": 2 * num_hits / max(1, num_predicted + num_correct),
        "precision": num_hits / max(1, num_predicted),
        "recall": num_hits / max(1, num_correct),
    }


def score_choices(predicted: Sequence[int], correct: Sequence[int]) -> Metrics:
    return {"accuracy": sum(guess == right for guess, right in zip(predicted, correct, strict=True)) / len(correct)}
