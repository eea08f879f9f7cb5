"""The reader of tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from pretrain.evaluation.tasks import metrics
from pretrain.evaluation.tasks.entities import OUTSIDE
from pretrain.evaluation.tasks.features import IGNORED, Feature, Reader, firsts
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.task import Example, Tags


class Words(Reader):
    """Tags of words. The first token of a word stands for it; a long sentence is cut into parts."""

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        self.tokenizer.enable_truncation(self.settings.length)
        found = []
        for number, example in enumerate(examples):
            encoding = self.tokenizer.encode(list(example.words), is_pretokenized=True)
            parts = [encoding, *encoding.overflowing]
            found += [Feature(number, (part,), {"labels": self._labels(example, part)}) for part in parts]
        return found

    def _labels(self, example: Example, part: Encoding) -> list[int]:
        labels = [IGNORED] * len(part.ids)
        for word, place in firsts(part).items():
            labels[place] = self.task.labels.index(cast(Tags, example.target).tags[word])
        return labels

    def score(
        self, examples: Sequence[Example], features: Sequence[Feature], said: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        # A word without a token, such as a blank, has no prediction; where one was cut, its first part counts.
        predicted = [[OUTSIDE] * len(example.words) for example in examples]
        for feature, values in reversed(list(zip(features, said, strict=True))):
            for word, place in firsts(feature.encoding).items():
                predicted[feature.example][word] = self.task.labels[values[place].argmax()]
        return metrics.of_tags(predicted, [cast(Tags, example.target).tags for example in examples])
