"""The reader of one or two texts with a class, several classes, or a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pretrain.evaluation.tasks import metrics
from pretrain.evaluation.tasks.features import Feature, TaskReader
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.reading.task import LabelledExample, LabelSet, Target


class TextReader(TaskReader):
    def features(self, examples: Sequence[LabelledExample]) -> list[Feature]:
        self.tokenizer.enable_truncation(self.settings.length)
        inputs = [(example.text, example.pair) if example.pair is not None else example.text for example in examples]
        encodings = self.tokenizer.encode_batch(inputs)
        places = {label: place for place, label in enumerate(self.task.labels)}
        return [
            Feature(number, (encoding,), {"labels": _label(example.target, places)})
            for number, (example, encoding) in enumerate(zip(examples, encodings, strict=True))
        ]

    def score(
        self, examples: Sequence[LabelledExample], features: Sequence[Feature], outputs: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        targets: list[Any] = [example.target for example in examples]
        labels = self.task.labels
        match self.task.kind:
            case "number":
                return metrics.score_numbers([float(logits[0]) for logits in outputs], targets)
            case "multilabel":
                # A logit above 0 is a probability above a half.
                predicted = [{labels[place] for place in np.flatnonzero(logits > 0)} for logits in outputs]
                return metrics.score_label_sets(predicted, [set(target.labels) for target in targets], labels)
            case _:
                return metrics.score_classes([labels[logits.argmax()] for logits in outputs], targets, labels)


def _label(target: Target, places: dict[str, int]) -> int | np.float32 | NDArray[np.float32]:
    """The number of a class; a vector of zeros and ones; a number."""
    match target:
        case str(name):
            return places[name]
        case LabelSet(names):
            vector = np.zeros(len(places), np.float32)
            vector[[places[name] for name in names]] = 1
            return vector
        case _:
            assert isinstance(target, float), target
            return np.float32(target)
