"""Examples become token ids with their labels, and the outputs of a model become predictions.

There is one `TaskReader` for each kind of task. A feature is the input that the model reads at once: an example, a part
of a long example, or an example paired with each of its options.

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
from pretrain.evaluation.tasks.reading.task import LabelledExample, Task
from pretrain.evaluation.tasks.settings import FinetuneSettings

# torch computes no loss at positions with this label.
IGNORED_LABEL = -100


@dataclass(frozen=True)
class Feature:
    example: int  # the number of its example
    encodings: tuple[Encoding, ...]  # a single encoding, or an encoding for each option
    labels: dict[str, Any]  # by the names of the model's arguments

    @property
    def encoding(self) -> Encoding:
        (only,) = self.encodings
        return only


class LazyFeatures(Sequence[Feature]):
    """Features that are made whenever they are read, for tasks whose features would not fit in memory together."""

    def __init__(self, makers: Sequence[Callable[[], Feature]]):
        self._makers = makers

    def __len__(self) -> int:
        return len(self._makers)

    def __getitem__(self, place: Any) -> Any:
        selected = self._makers[place]
        return [make() for make in selected] if isinstance(place, slice) else selected()


class TaskReader(ABC):
    """How the examples of one kind of task become features, and outputs become scores."""

    def __init__(self, task: Task, tokenizer: Tokenizer, settings: FinetuneSettings):
        self.task, self.settings = task, settings
        # A copy, because truncation is a state of the tokenizer.
        self.tokenizer = Tokenizer.from_str(tokenizer.to_str())

    @abstractmethod
    def features(self, examples: Sequence[LabelledExample]) -> Sequence[Feature]: ...

    def training_features(self, examples: Sequence[LabelledExample]) -> Sequence[Feature]:
        """The features to train on; by default the same as those to predict."""
        return self.features(examples)

    def outputs_by_feature(self, output: Any) -> list[Any]:
        """Split the model's output for a batch into the values to keep for each feature."""
        return list(to_numpy(output.logits))

    @abstractmethod
    def score(
        self, examples: Sequence[LabelledExample], features: Sequence[Feature], outputs: Sequence[Any]
    ) -> Metrics:
        """The metrics, from what `outputs_by_feature` kept of each feature."""


def to_numpy(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()


def first_tokens(encoding: Encoding) -> dict[int, int]:
    """Number of a word -> the place of its first token."""
    places: dict[int, int] = {}
    for place, word in enumerate(encoding.word_ids):
        if word is not None:
            places.setdefault(word, place)
    return places


def collate(features: Sequence[Feature], pad: int, device: torch.device) -> dict[str, Tensor]:
    """The arguments of transformers' models, [B, L] or with options [B, C, L], padded to the longest feature."""
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
    """Numbers and vectors are stacked; lists are padded, because they have an entry for each token or pair."""
    return _padded(labels, IGNORED_LABEL) if isinstance(labels[0], list) else torch.tensor(np.array(labels))


def _padded(rows: list[list[int]], filling: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filling] * (longest - len(row))] for row in rows], dtype=torch.long)
