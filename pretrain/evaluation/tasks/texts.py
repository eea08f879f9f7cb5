"""Readers of texts: classes, numbers, and the choice of an option."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pretrain.evaluation.tasks import metrics
from pretrain.evaluation.tasks.features import Feature, Lazily, Reader
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.task import Choice, Example

# Of a pair: [CLS], [SEP], [SEP].
_SPECIAL = 3


class Texts(Reader):
    """Classes, and numbers."""

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        self.tokenizer.enable_truncation(self.settings.length)
        inputs = [(example.text, example.pair) if example.pair is not None else example.text for example in examples]
        encodings = self.tokenizer.encode_batch(inputs)
        return [
            Feature(number, (encoding,), {"labels": self._label(example)})
            for number, (example, encoding) in enumerate(zip(examples, encodings, strict=True))
        ]

    def _label(self, example: Example) -> int | float:
        return self.task.labels.index(cast(str, example.target)) if self.task.labels else cast(float, example.target)

    def score(
        self, examples: Sequence[Example], features: Sequence[Feature], said: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        right: list[Any] = [example.target for example in examples]
        if not self.task.labels:
            return metrics.of_numbers([float(value[0]) for value in said], right)
        return metrics.of_classes([self.task.labels[value.argmax()] for value in said], right, self.task.labels)


class Choices(Reader):
    """A text beside each of its options, of which one is right, as CLUE's baselines write them.

    C3: the text, then question [SEP] option. CHID: the option, then the text around its blank. Examples with fewer
    options than others get empty ones, which are never predicted.
    """

    def features(self, examples: Sequence[Example]) -> Sequence[Feature]:
        return Lazily([partial(self._feature, number, example) for number, example in enumerate(examples)])

    def _feature(self, number: int, example: Example) -> Feature:
        choice = cast(Choice, example.target)
        self.tokenizer.no_truncation()
        options = [*choice.options, *[""] * (len(self.task.labels) - len(choice.options))]
        pairs = [self._beside(example, option, choice.blank) for option in options]
        self.tokenizer.enable_truncation(self.settings.length)
        return Feature(number, tuple(self.tokenizer.encode_batch(pairs)), {"labels": choice.right})

    def _beside(self, example: Example, option: str, blank: int | None) -> tuple[str, str]:
        if blank is None:
            return example.text, option if example.pair is None else f"{example.pair}[SEP]{option}"
        taken = len(self.tokenizer.encode(option, add_special_tokens=False).ids) + _SPECIAL
        return option, self._around(example.text, blank, max(1, self.settings.length - taken))

    def _around(self, text: str, blank: int, most: int) -> str:
        """As much of a text as gives so many tokens, with the blank in the middle as far as the ends allow."""
        offsets = self.tokenizer.encode(text, add_special_tokens=False).offsets
        place = next((number for number, (_, end) in enumerate(offsets) if end > blank), 0)
        first = max(0, min(place - most // 2, len(offsets) - most))
        return text[offsets[first][0] : offsets[min(len(offsets), first + most) - 1][1]]

    def score(
        self, examples: Sequence[Example], features: Sequence[Feature], said: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        choices = [cast(Choice, example.target) for example in examples]
        chosen = [int(values[: len(choice.options)].argmax()) for choice, values in zip(choices, said, strict=True)]
        return metrics.of_choices(chosen, [choice.right for choice in choices])
