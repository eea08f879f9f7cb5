"""Figures of the distributions of an evaluation: entropies, logits, precision by recall, and calibration."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from configs.common.pages.figures import Figure, Series, curves
from pretrain.run.distributions import Distributions, Histogram
from pretrain.watch.detection_curves import Calibration, PrecisionRecall, calibration, precision_recall

# The recalls at which the description of a curve names the precision.
_RECALLS = (0.1, 0.5, 0.9)


def distribution_figures(last: Mapping[str, Distributions]) -> list[Figure]:
    """Draw the last distributions of each run, by the name of the run. A panel without values is left out."""
    figures = [_entropies(last)] if last else []
    if len(last) == 1:
        figures += [_logits(*pair) for pair in _of_detection(last).values()]
    return [*figures, *detection_figures(last).values()]


def detection_figures(last: Mapping[str, Distributions]) -> dict[str, Figure]:
    """Draw precision by recall and calibration, by their names. Without replaced tokens there are none."""
    logits = _of_detection(last)
    if not logits:
        return {}
    return {
        "precision_by_recall": _precision_by_recall({name: precision_recall(*pair) for name, pair in logits.items()}),
        "calibration": _calibration({name: calibration(*pair) for name, pair in logits.items()}),
    }


def _of_detection(last: Mapping[str, Distributions]) -> dict[str, tuple[Histogram, Histogram]]:
    """Return the logits of original and of replaced tokens, where there are any of both."""
    return {
        name: (line.original_logits, line.replaced_logits)
        for name, line in last.items()
        if line.original_logits and line.replaced_logits and sum(line.replaced_logits.counts)
    }


def _entropies(last: Mapping[str, Distributions]) -> Figure:
    text = "; ".join(f"{name} {_mean(line.entropy):.2f} nats on average" for name, line in last.items())
    series = [_shares(name, line.entropy) for name, line in last.items()]
    return curves("Generator: entropy, share of the slots", "nats", series, f"Entropy of the generator: {text}")


def _logits(original: Histogram, replaced: Histogram) -> Figure:
    series = [_shares("original tokens", original), _shares("replaced tokens", replaced)]
    text = (
        f"Logits of the discriminator: {_mean(original):.2f} on average for original tokens and {_mean(replaced):.2f} "
        "for replaced tokens"
    )
    return curves("Discriminator: logits, share of the tokens", "logit", series, text)


def _precision_by_recall(by_run: Mapping[str, PrecisionRecall]) -> Figure:
    texts = []
    for name, curve in by_run.items():
        values = np.interp(_RECALLS, curve.recall, curve.precision)
        at = (f"{value:.2f} at recall {recall:g}" for value, recall in zip(values, _RECALLS, strict=True))
        texts.append(f"{name} {', '.join(at)}")
    series = [Series(name, curve.recall.tolist(), curve.precision.tolist()) for name, curve in by_run.items()]
    return curves("Discriminator: precision by recall", "recall", series, f"Precision by recall: {'; '.join(texts)}")


def _calibration(by_run: Mapping[str, Calibration]) -> Figure:
    texts, series = [], []
    for name, curve in by_run.items():
        error = float(np.average(abs(curve.probability - curve.replaced_share), weights=curve.tokens))
        texts.append(f"{name} differs by {error:.3f} on average")
        series.append(Series(name, curve.probability.tolist(), curve.replaced_share.tolist()))
    highest = max(max(line.x) for line in series)
    series.append(Series("a calibrated model", (0, highest), (0, highest), is_faint=True))
    text = f"Share of replaced tokens by predicted probability: {'; '.join(texts)}"
    return curves("Discriminator: share replaced by probability", "predicted probability", series, text)


def _shares(name: str, histogram: Histogram) -> Series:
    total = max(1, sum(histogram.counts))
    return Series(name, _middles(histogram).tolist(), [count / total for count in histogram.counts])


def _mean(histogram: Histogram) -> float:
    return float(np.average(_middles(histogram), weights=histogram.counts)) if sum(histogram.counts) else 0.0


def _middles(histogram: Histogram) -> np.ndarray:
    return (histogram.borders[1:] + histogram.borders[:-1]) / 2
