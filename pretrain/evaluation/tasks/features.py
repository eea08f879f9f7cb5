"""Examples as token ids with what is to be learned from them, and what a model says of them as predictions again.

One `Reader` for each kind of task. A feature is what the model reads at once: an example, a part of a long one, or one
beside each of its options.

Letters: B features, C options, L tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.settings import Settings
from pretrain.evaluation.tasks.task import Example, Task

# What no loss is computed at: torch's own number.
IGNORED = -100


@dataclass(frozen=True)
class Feature:
    example: int  # its number
    encodings: tuple[Encoding, ...]  # one, or one for each option
    labels: dict[str, Any]  # by the names that the model has for them

    @property
    def encoding(self) -> Encoding:
        (only,) = self.encodings
        return only


class Lazily(Sequence[Feature]):
    """Features that are made whenever they are read, where all at once would fill the memory."""

    def __init__(self, makers: Sequence[Callable[[], Feature]]):
        self._makers = makers

    def __len__(self) -> int:
        return len(self._makers)

    def __getitem__(self, place: Any) -> Any:
        made = self._makers[place]
        return [make() for make in made] if isinstance(place, slice) else made()


class Reader(ABC):
    """How the examples of one kind of task become features, and logits predictions."""

    def __init__(self, task: Task, tokenizer: Tokenizer, settings: Settings):
        self.task, self.settings = task, settings
        self.tokenizer = Tokenizer.from_str(tokenizer.to_str())

    @abstractmethod
    def features(self, examples: Sequence[Example]) -> Sequence[Feature]: ...

    def to_learn(self, examples: Sequence[Example]) -> Sequence[Feature]:
        """What is trained on, where that is not what is asked."""
        return self.features(examples)

    def said(self, output: Any) -> list[Any]:
        """What is kept of a batch of the model's output, by feature."""
        return list(to_numpy(output.logits))

    @abstractmethod
    def score(self, examples: Sequence[Example], features: Sequence[Feature], said: Sequence[Any]) -> Metrics:
        """From what the model said of each feature."""


def to_numpy(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()


def firsts(encoding: Encoding) -> dict[int, int]:
    """Word -> the place of its first token."""
    places: dict[int, int] = {}
    for place, word in enumerate(encoding.word_ids):
        if word is not None:
            places.setdefault(word, place)
    return places


def collate(features: Sequence[Feature], pad: int, device: torch.device) -> dict[str, Tensor]:
    """What transformers' models take, [B, L] or with options [B, C, L]; every list padded to the longest."""
    encodings = [encoding for feature in features for encoding in feature.encodings]
    inputs = {
        "input_ids": _padded([encoding.ids for encoding in encodings], pad),
        "attention_mask": _padded([encoding.attention_mask for encoding in encodings], 0),
        "token_type_ids": _padded([encoding.type_ids for encoding in encodings], 0),
    }
    if len(encodings) > len(features):
        inputs = {name: tensor.view(len(features), -1, tensor.shape[-1]) for name, tensor in inputs.items()}
    labels = {name: _stacked([feature.labels[name] for feature in features]) for name in features[0].labels}
    return {name: tensor.to(device) for name, tensor in (inputs | labels).items()}


def _stacked(labels: list[Any]) -> Tensor:
    return _padded(labels, IGNORED) if isinstance(labels[0], list) else torch.tensor(labels)


def _padded(rows: list[list[int]], filling: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filling] * (longest - len(row))] for row in rows], dtype=torch.long)
