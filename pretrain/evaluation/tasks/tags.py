"""The reader of words that each have a tag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from pretrain.evaluation.tasks import metrics
from pretrain.evaluation.tasks.features import IGNORED_LABEL, Feature, TaskReader, first_tokens
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.reading.entities import OUTSIDE
from pretrain.evaluation.tasks.reading.task import LabelledExample, Tags

_OF_ENTITIES = ("B-", "I-")


class TagReader(TaskReader):
    """The first token of a word carries its tag. A sentence longer than the model's input is cut into parts."""

    def features(self, examples: Sequence[LabelledExample]) -> list[Feature]:
        self.tokenizer.enable_truncation(self.settings.length)
        features: list[Feature] = []
        for number, example in enumerate(examples):
            encoding = self.tokenizer.encode(list(example.words), is_pretokenized=True)
            parts = [encoding, *encoding.overflowing]
            features += [Feature(number, (part,), {"labels": self._labels(example, part)}) for part in parts]
        return features

    def _labels(self, example: LabelledExample, part: Encoding) -> list[int]:
        labels = [IGNORED_LABEL] * len(part.ids)
        for word, place in first_tokens(part).items():
            labels[place] = self.task.labels.index(cast(Tags, example.target).tags[word])
        return labels

    def score(
        self, examples: Sequence[LabelledExample], features: Sequence[Feature], outputs: Sequence[NDArray[np.float32]]
    ) -> Metrics:
        predicted: list[list[str | None]] = [[None] * len(example.words) for example in examples]
        # The parts are read in reverse order, so that the first part wins if a word was cut in two.
        for feature, logits in reversed(list(zip(features, outputs, strict=True))):
            for word, place in first_tokens(feature.encoding).items():
                predicted[feature.example][word] = self.task.labels[logits[place].argmax()]
        correct = [cast(Tags, example.target).tags for example in examples]
        if any(label.startswith(_OF_ENTITIES) for label in self.task.labels):
            return metrics.score_tags([*map(_within_entities, predicted)], correct)
        # Other tags are counted one by one, and a word without a token has none.
        pairs = [
            [(guess, tag) for guess, tag in zip(guesses, tags, strict=True) if guess is not None]
            for guesses, tags in zip(predicted, correct, strict=True)
        ]
        guesses, tags = ([[pair[place] for pair in row] for row in pairs] for place in (0, 1))
        return metrics.score_tags(guesses, tags)


def _within_entities(predicted: Sequence[str | None]) -> list[str]:
    """Tags for words without a token, such as blanks: such a word continues an entity that goes on behind it."""
    tags: list[str] = []
    for place, tag in enumerate(predicted):
        if tag is None:
            behind = next((later for later in predicted[place:] if later is not None), OUTSIDE)
            before = tags[-1] if tags else OUTSIDE
            goes_on = behind.startswith("I-") and before in (behind, f"B-{behind.removeprefix('I-')}")
            tag = behind if goes_on else OUTSIDE
        tags.append(tag)
    return tags
