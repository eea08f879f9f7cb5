"""Choices are written as CLUE's baselines write them."""

from __future__ import annotations

import pytest
import torch

from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.choices import ChoiceReader
from pretrain.evaluation.tasks.features import collate
from pretrain.evaluation.tasks.reading.task import Choice
from pretrain.evaluation.tasks.settings import settings_for
from tests.pretrain.evaluation.tasks.toy import task_of


def test_choices_as_clues_baselines_write_them(backbone: Backbone) -> None:
    """C3: text [SEP] question [SEP] option, the latter two as the second text; missing options are empty."""
    toy_task = task_of(Choice(("rain", "fog"), 1), "the sun", "is it", ("0", "1", "2"))
    reader = ChoiceReader(toy_task, backbone.tokenizer, settings_for(toy_task, 32, 64, ()))
    (feature,) = reader.features(toy_task.train)
    assert feature.encodings[1].tokens == ["[CLS]", "the", "sun", "[SEP]", "is", "it", "[SEP]", "fog", "[SEP]"]
    assert feature.encodings[1].type_ids == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert feature.encodings[2].tokens == ["[CLS]", "the", "sun", "[SEP]", "is", "it", "[SEP]", "[SEP]"]
    batch = collate([feature, feature], backbone.pad, torch.device("cpu"))
    assert batch["input_ids"].shape == (2, 3, 9) and batch["labels"].tolist() == [1, 1]
    # An empty option is never chosen, whatever the model says of it.
    assert reader.score(toy_task.train, [feature], [torch.tensor([1.0, 2.0, 9.0]).numpy()]) == {"accuracy": 1}


@pytest.mark.parametrize(("place", "around"), [(0, "[MASK] b c d"), (4, "c d [MASK] f"), (9, "g h i [MASK]")])
def test_the_blank_of_a_cloze_stays_within_the_length(place: int, around: str, backbone: Backbone) -> None:
    letters = list("abcdefghij")
    letters[place] = "[MASK]"
    toy_task = task_of(Choice(("rain", "the fog"), 1, blank=2 * place), " ".join(letters))
    (feature,) = ChoiceReader(toy_task, backbone.tokenizer, settings_for(toy_task, 32, 64, ("length=8",))).features(
        toy_task.train
    )
    assert feature.encodings[0].tokens == ["[CLS]", "rain", "[SEP]", *around.split(), "[SEP]"]
    assert "[MASK]" in feature.encodings[1].tokens and len(feature.encodings[1].tokens) == 8
