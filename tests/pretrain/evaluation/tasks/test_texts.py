"""Texts get the number of their class, a vector of classes, or a number as their label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.features import collate
from pretrain.evaluation.tasks.reading.task import LabelSet
from pretrain.evaluation.tasks.settings import settings_for
from pretrain.evaluation.tasks.texts import TextReader
from tests.pretrain.evaluation.tasks.toy import task_of

LABELS = {"b": ([1], torch.int64), 2.5: ([2.5], torch.float32), LabelSet(("a", "c")): ([[1, 0, 1]], torch.float32)}


@pytest.mark.parametrize("target", LABELS)
def test_labels(target: Any, backbone: Backbone) -> None:
    toy = task_of(target, "the sun", labels=() if isinstance(target, float) else ("a", "b", "c"))
    reader = TextReader(toy, backbone.tokenizer, settings_for(toy, 32, 64, ()))
    batch = collate(reader.features(toy.train), backbone.pad, torch.device("cpu"))
    expected, dtype = LABELS[target]
    assert batch["labels"].tolist() == expected and batch["labels"].dtype == dtype


def test_several_classes_are_those_with_a_logit_above_0(backbone: Backbone) -> None:
    toy = task_of(LabelSet(("a", "c")), "the sun", labels=("a", "b", "c"))
    reader = TextReader(toy, backbone.tokenizer, settings_for(toy, 32, 64, ()))
    logits = np.array([0.1, 0.2, -0.1], np.float32)
    metrics = reader.score(toy.train, reader.features(toy.train), [logits])
    assert metrics == {"micro_f1": 0.5, "macro_f1": pytest.approx(1 / 3), "exact_match": 0}


def test_the_loss_of_several_classes_is_binary(backbone: Backbone) -> None:
    toy = task_of(LabelSet(("a", "c")), "the sun", labels=("a", "b", "c"))
    reader = TextReader(toy, backbone.tokenizer, settings_for(toy, 32, 64, ()))
    batch = collate(reader.features(toy.train), backbone.pad, torch.device("cpu"))
    output: Any = backbone.with_head(toy).eval()(**batch)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(output.logits, torch.tensor([[1.0, 0, 1]]))
    assert output.loss.item() == pytest.approx(expected.item())
