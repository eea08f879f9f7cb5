"""Examples as token ids with what is to be learned from them, and what a model says of them as predictions again.

One class for each kind of task. A feature is what the model reads at once: an example, or a part of a long one.

Letters: B features, L tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from pretrain.finetune import metrics
from pretrain.finetune.entities import OUTSIDE
from pretrain.finetune.layouts import Answer, Example, Task
from pretrain.finetune.metrics import Metrics
from pretrain.finetune.settings import Settings

# What no loss is computed at: torch's own number.
_IGNORED = -100


@dataclass(frozen=True)
class Feature:
    example: int  # its number
    encoding: Encoding
    labels: dict[str, Any]  # by the names of transformers' models


class Reader(ABC):
    """How the examples of one kind of task become features, and logits predictions."""

    def __init__(self, task: Task, tokenizer: Tokenizer, settings: Settings):
        self.task, self.settings = task, settings
        self.tokenizer = Tokenizer.from_str(tokenizer.to_str())

    @abstractmethod
    def features(self, examples: Sequence[Example]) -> list[Feature]: ...

    @abstractmethod
    def score(
        self, examples: Sequence[Example], features: Sequence[Feature], logits: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        """From the logits of each feature: [C] for a text, [L, C] for tags, [L, 2] for spans."""


class Texts(Reader):
    """Classes, and numbers."""

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        self.tokenizer.enable_truncation(self.settings.length)
        inputs = [(example.text, example.pair) if example.pair is not None else example.text for example in examples]
        encodings = self.tokenizer.encode_batch(inputs)
        return [
            Feature(number, encoding, {"labels": self._label(example)})
            for number, (example, encoding) in enumerate(zip(examples, encodings, strict=True))
        ]

    def _label(self, example: Example) -> int | float:
        return self.task.labels.index(cast(str, example.target)) if self.task.labels else cast(float, example.target)

    def score(
        self, examples: Sequence[Example], features: Sequence[Feature], logits: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        right: list[Any] = [example.target for example in examples]
        if not self.task.labels:
            return metrics.of_numbers([float(value[0]) for value in logits], right)
        return metrics.of_classes([self.task.labels[value.argmax()] for value in logits], right, self.task.labels)


class Words(Reader):
    """Tags of words. The first token of a word stands for it; a long sentence is cut into parts."""

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        self.tokenizer.enable_truncation(self.settings.length)
        found = []
        for number, example in enumerate(examples):
            encoding = self.tokenizer.encode(list(example.words), is_pretokenized=True)
            parts = [encoding, *encoding.overflowing]
            found += [Feature(number, part, {"labels": self._labels(example, part)}) for part in parts]
        return found

    def _labels(self, example: Example, part: Encoding) -> list[int]:
        labels = [_IGNORED] * len(part.ids)
        for word, place in _firsts(part).items():
            labels[place] = self.task.labels.index(cast(tuple[str, ...], example.target)[word])
        return labels

    def score(
        self, examples: Sequence[Example], features: Sequence[Feature], logits: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        # A word without a token, such as a blank, has no prediction; where one was cut, its first part counts.
        predicted = [[OUTSIDE] * len(example.words) for example in examples]
        for feature, values in reversed(list(zip(features, logits, strict=True))):
            for word, place in _firsts(feature.encoding).items():
                predicted[feature.example][word] = self.task.labels[values[place].argmax()]
        return metrics.of_tags(predicted, [cast(tuple[str, ...], example.target) for example in examples])


def _firsts(encoding: Encoding) -> dict[int, int]:
    """Word -> the place of its first token."""
    places: dict[int, int] = {}
    for place, word in enumerate(encoding.word_ids):
        if word is not None:
            places.setdefault(word, place)
    return places


class Questions(Reader):
    """Answers as spans of a context, which is read in windows that overlap. [CLS] stands for "not in this window"."""

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        # A window has room for what is new in it, whatever the question takes.
        stride = min(self.settings.stride, self.settings.length // 4)
        self.tokenizer.enable_truncation(self.settings.length, stride=stride, strategy="only_second")
        found = []
        for number, example in enumerate(examples):
            assert example.pair is not None
            encoding = self.tokenizer.encode(self._shortened(example.text), example.pair)
            answer = cast(tuple[Answer, ...], example.target)[0]
            for window in (encoding, *encoding.overflowing):
                start, end = _place(window, answer)
                found.append(Feature(number, window, {"start_positions": start, "end_positions": end}))
        return found

    def _shortened(self, question: str) -> str:
        """Half a window at most."""
        encoding = self.tokenizer.encode(question, add_special_tokens=False)
        most = self.settings.length // 2
        return question if len(encoding.ids) <= most else question[: encoding.offsets[most - 1][1]]

    def score(
        self, examples: Sequence[Example], features: Sequence[Feature], logits: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        best = [(-np.inf, "")] * len(examples)
        for feature, values in zip(features, logits, strict=True):
            score, start, end = self._best_span(feature.encoding, values)
            if score > best[feature.example][0]:
                context = cast(str, examples[feature.example].pair)
                offsets = feature.encoding.offsets
                best[feature.example] = (score, context[offsets[start][0] : offsets[end][1]])
        right = [[answer.text for answer in cast(tuple[Answer, ...], example.target)] for example in examples]
        return metrics.of_answers([text for _, text in best], right)

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


def reader_of(task: Task, tokenizer: Tokenizer, settings: Settings) -> Reader:
    kinds: dict[str, type[Reader]] = {"classes": Texts, "number": Texts, "tags": Words, "spans": Questions}
    return kinds[task.kind](task, tokenizer, settings)


def collate(features: Sequence[Feature], pad: int, device: torch.device) -> dict[str, Tensor]:
    """What transformers' models take, [B, L], padded to the longest."""
    longest = max(len(feature.encoding.ids) for feature in features)

    def padded(rows: list[list[int]], filling: int) -> list[list[int]]:
        return [[*row, *[filling] * (longest - len(row))] for row in rows]

    encodings = [feature.encoding for feature in features]
    batch: dict[str, Any] = {
        "input_ids": padded([encoding.ids for encoding in encodings], pad),
        "attention_mask": padded([encoding.attention_mask for encoding in encodings], 0),
        "token_type_ids": padded([encoding.type_ids for encoding in encodings], 0),
    }
    for name in features[0].labels:
        values = [feature.labels[name] for feature in features]
        batch[name] = padded(values, _IGNORED) if isinstance(values[0], list) else values
    return {name: torch.tensor(value, device=device) for name, value in batch.items()}
