"""Contexts are read in windows, and every answer is in one of them."""

from __future__ import annotations

from pathlib import Path

from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.questions import QuestionReader
from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.evaluation.tasks.settings import settings_for
from tests.pretrain.evaluation.tasks.toy import questions, task


def test_every_answer_is_in_a_window(backbone: Backbone, tmp_path: Path) -> None:
    toy = read_task(task(tmp_path, questions))
    reader = QuestionReader(toy, backbone.tokenizer, settings_for(toy, 32, 64, ("length=20",)))
    features = reader.features(toy.held_out)
    assert len(features) > len(toy.held_out)
    answered = {feature.example for feature in features if feature.labels["start_positions"]}
    assert answered == set(range(len(toy.held_out)))
    for feature in features:
        start, end = feature.labels["start_positions"], feature.labels["end_positions"]
        assert not start or feature.encoding.tokens[start : end + 1] == ["sun"]
