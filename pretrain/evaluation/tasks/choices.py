"""The reader of texts that have options, exactly one of them correct, in the form of CLUE's baselines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pretrain.evaluation.tasks import metrics
from pretrain.evaluation.tasks.features import Feature, LazyFeatures, TaskReader
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.reading.task import Choice, LabelledExample

# [CLS] and two [SEP] surround a pair.
_NUM_SPECIAL_TOKENS = 3


class ChoiceReader(TaskReader):
    """The text is paired with each of its options.

    C3: the text, then question [SEP] option. CHID: the option, then the text around its blank. Examples with fewer
    options than others are filled up with empty options, which are never predicted.
    """

    def features(self, examples: Sequence[LabelledExample]) -> Sequence[Feature]:
        return LazyFeatures([partial(self._feature, number, example) for number, example in enumerate(examples)])

    def _feature(self, number: int, example: LabelledExample) -> Feature:
        choice = cast(Choice, example.target)
        self.tokenizer.no_truncation()
        options = [*choice.options, *[""] * (len(self.task.labels) - len(choice.options))]
        pairs = [self._pair(example, option, choice.blank) for option in options]
        self.tokenizer.enable_truncation(self.settings.length)
        return Feature(number, tuple(self.tokenizer.encode_batch(pairs)), {"labels": choice.right})

    def _pair(self, example: LabelledExample, option: str, blank: int | None) -> tuple[str, str]:
        if blank is None:
            return example.text, option if example.pair is None else f"{example.pair}[SEP]{option}"
        num_taken = len(self.tokenizer.encode(option, add_special_tokens=False).ids) + _NUM_SPECIAL_TOKENS
        return option, self._around(example.text, blank, max(1, self.settings.length - num_taken))

    def _around(self, text: str, blank: int, num_tokens: int) -> str:
        """A part of the text with at most `num_tokens` tokens, and the blank in its middle as far as possible."""
        offsets = self.tokenizer.encode(text, add_special_tokens=False).offsets
        place = next((number for number, (_, end) in enumerate(offsets) if end > blank), 0)
        first = max(0, min(place - num_tokens // 2, len(offsets) - num_tokens))
        return text[offsets[first][0] : offsets[min(len(offsets), first + num_tokens) - 1][1]]

    def score(
        self, examples: Sequence[LabelledExample], features: Sequence[Feature], outputs: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        choices = [cast(Choice, example.target) for example in examples]
        chosen = [int(logits[: len(choice.options)].argmax()) for choice, logits in zip(choices, outputs, strict=True)]
        return metrics.score_choices(chosen, [choice.right for choice in choices])
