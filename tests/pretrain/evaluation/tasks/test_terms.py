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
    given = task_of(Terms(("sun is",)), "the sun is", labels=("fog", "rain", "sun is", "sun was", "wind"))
    settings = settings_for(given, 32, 64, ("candidates=3", "negatives=1"))
    reader = TermReader(given, backbone.tokenizer, settings)
    learned = [
        (feature.encoding.tokens[5:-1], feature.labels["labels"]) for feature in reader.training_features(given.train)
    ]
    assert learned == [(["sun", "is"], 1), (["sun", "was"], 0)]
    asked = reader.features(given.train)
    assert [feature.encoding.tokens[5:-1] for feature in asked][:2] == [["sun", "is"], ["sun", "was"]]
    nothing, both = ([[1.0, 0.5], [1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    for said, f1 in ((nothing, 1), (both, 2 / 3)):
        found = reader.score(given.train, asked, list(torch.tensor(said).numpy()))
        assert found["f1"] == pytest.approx(f1) and found["among_candidates"] == 1
