"""Candidates of terms are looked up, trained and chosen."""

from __future__ import annotations

import pytest
import torch

from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.reading.task import Terms
from pretrain.evaluation.tasks.settings import settings_for
from pretrain.evaluation.tasks.terms import TermReader
from tests.pretrain.evaluation.tasks.toy import task_of


def test_the_likeliest_wrong_terms_are_trained(backbone: Backbone) -> None:
    toy_task = task_of(Terms(("sun is",)), "the sun is", labels=("fog", "rain", "sun is", "sun was", "wind"))
    settings = settings_for(toy_task, 32, 64, ("candidates=3", "negatives=1"))
    reader = TermReader(toy_task, backbone.tokenizer, settings)
    learned = [
        (feature.encoding.tokens[5:-1], feature.labels["labels"])
        for feature in reader.training_features(toy_task.train)
    ]
    assert learned == [(["sun", "is"], 1), (["sun", "was"], 0)]
    asked = reader.features(toy_task.train)
    assert [feature.encoding.tokens[5:-1] for feature in asked][:2] == [["sun", "is"], ["sun", "was"]]
    nothing, both = ([[1.0, 0.5], [1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    for logits, f1 in ((nothing, 1), (both, 2 / 3)):
        scores = reader.score(toy_task.train, asked, list(torch.tensor(logits).numpy()))
        assert scores["f1"] == pytest.approx(f1) and scores["among_candidates"] == 1
