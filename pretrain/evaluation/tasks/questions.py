"""The reader of questions, whose answers are spans of a context, or that have none.

Letters: B features, L tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding

from pretrain.evaluation.tasks import metrics
from pretrain.evaluation.tasks.features import Feature, Reader, to_numpy
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.task import Answer, Answers, Example


@dataclass
class _Best:
    """Of an example, over its windows so far: the likeliest answer, and how likely it is that there is none."""

    score: float = -np.inf
    text: str = ""
    # The least over the windows: the answer is in none of them (as in BERT's run_squad.py).
    none: float = np.inf


class Questions(Reader):
    """A context is read in windows that overlap. [CLS] stands for "not in this window"."""

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        # A window has room for what is new in it, whatever the question takes.
        stride = min(self.settings.stride, self.settings.length // 4)
        self.tokenizer.enable_truncation(self.settings.length, stride=stride, strategy="only_second")
        found = []
        for number, example in enumerate(examples):
            assert example.pair is not None
            encoding = self.tokenizer.encode(self._shortened(example.text), example.pair)
            answers = cast(Answers, example.target).answers
            for window in (encoding, *encoding.overflowing):
                start, end = _place(window, answers[0]) if answers else (0, 0)
                found.append(Feature(number, (window,), {"start_positions": start, "end_positions": end}))
        return found

    def _shortened(self, question: str) -> str:
        """Half a window at most."""
        encoding = self.tokenizer.encode(question, add_special_tokens=False)
        most = self.settings.length // 2
        return question if len(encoding.ids) <= most else question[: encoding.offsets[most - 1][1]]

    def said(self, output: Any) -> list[NDArray[np.float32]]:
        """[L, 2] of starts and ends."""
        return list(to_numpy(torch.stack([output.start_logits, output.end_logits], -1)))

    def score(
        self, examples: Sequence[Example], features: Sequence[Feature], said: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        best = [_Best() for _ in examples]
        for feature, values in zip(features, said, strict=True):
            score, start, end = self._best_span(feature.encoding, values)
            known = best[feature.example]
            known.none = min(known.none, float(values[0].sum()))
            if score > known.score:
                context = cast(str, examples[feature.example].pair)
                offsets = feature.encoding.offsets
                known.score, known.text = score, context[offsets[start][0] : offsets[end][1]]
        right = [[answer.text for answer in cast(Answers, example.target).answers] for example in examples]
        return metrics.of_answers([one.text for one in best], right, [one.none - one.score for one in best])

    def _best_span(self, window: Encoding, logits: NDArray[np.float32]) -> tuple[float, int, int]:
        """The likeliest pair of places in the context, [L, 2] -> its logit, start and end."""
        inside, logits = np.array(window.sequence_ids) == 1, logits[: len(window.ids)]
        sums = logits[:, None, 0] + logits[None, :, 1]
        lengths = np.arange(len(logits))[None, :] - np.arange(len(logits))[:, None]
        allowed = inside[:, None] & inside[None, :] & (lengths >= 0) & (lengths < self.settings.answer_length)
        start, end = np.unravel_index(np.where(allowed, sums, -np.inf).argmax(), sums.shape)
        return float(sums[start, end]), int(start), int(end)


def _place(window: Encoding, answer: Answer) -> tuple[int, int]:
    """The tokens at the ends of an answer; (0, 0) when it does not lie in the window."""
    first, last = answer.start, answer.start + len(answer.text)
    inside = [
        place
        for place, (source, (start, end)) in enumerate(zip(window.sequence_ids, window.offsets, strict=True))
        if source == 1 and start < last and end > first
    ]
    complete = inside and window.offsets[inside[0]][0] <= first and window.offsets[inside[-1]][1] >= last
    return (inside[0], inside[-1]) if complete else (0, 0)
