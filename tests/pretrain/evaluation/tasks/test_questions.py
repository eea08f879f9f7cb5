"""Contexts are read in windows, and every answer is in one of them; the loss does not see padding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.questions import ElectraForQuestions, QuestionReader
from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.evaluation.tasks.reading.task import Answer, Answers, LabelledExample
from pretrain.evaluation.tasks.settings import settings_for
from tests.pretrain.evaluation.tasks.toy import questions, task, task_of


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


def test_the_loss_is_that_of_transformers_without_padding(backbone: Backbone) -> None:
    """A batch with padding has the mean of the losses that its examples have alone."""
    from transformers import ElectraConfig, ElectraForQuestionAnswering

    torch.manual_seed(0)
    config = ElectraConfig(**backbone.network.electra_config)
    expected_model, model = ElectraForQuestionAnswering(config).eval(), ElectraForQuestions(config).eval()
    model.load_state_dict(expected_model.state_dict())
    lengths, places = torch.tensor([9, 4]), {"start_positions": [6, 1], "end_positions": [8, 3]}
    mask = (torch.arange(9) < lengths[:, None]).long()
    inputs = {"input_ids": torch.randint(5, 20, (2, 9)), "attention_mask": mask, "token_type_ids": 1 - mask}
    output = model(**inputs, **{name: torch.tensor(values) for name, values in places.items()})
    losses = []
    for number, length in enumerate(lengths):
        alone = {name: values[number : number + 1, :length] for name, values in inputs.items()}
        targets = {name: torch.tensor(values[number : number + 1]) for name, values in places.items()}
        expected = expected_model(**alone, **targets)
        losses.append(expected.loss.item())
        torch.testing.assert_close(output.logits[number, :length, 0], expected.start_logits[0])
        torch.testing.assert_close(output.logits[number, :length, 1], expected.end_logits[0])
    assert output.loss.item() == pytest.approx(sum(losses) / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("answer", "context"),
    [
        ("sun", "the sun is up"),
        ("sun ", "the sun is up"),
        (" sun", "the sun is up"),
        ("sun\u0301", "the sun\u0301 is up"),
        ("sun\u0941", "the sun\u0941 is up"),  # a sign of a vowel, whose combining class is 0
        ("sun\u200b", "the sun\u200b is up"),
    ],
)
def test_the_edge_of_an_answer_may_be_in_no_token(backbone: Backbone, answer: str, context: str) -> None:
    """A blank, a mark that the tokenizer strips, and a character that it removes."""
    start = context.index(answer)
    example = LabelledExample("what", context, (), Answers((Answer(answer, start),)))
    toy = replace(task_of(example.target), train=[example], held_out=[example])
    reader = QuestionReader(toy, backbone.tokenizer, settings_for(toy, 32, 64, ()))
    (feature,) = features = reader.features([example])
    first, last = feature.labels["start_positions"], feature.labels["end_positions"]
    assert feature.encoding.tokens[first : last + 1] == ["sun"]
    logits = np.zeros((len(feature.encoding.ids), 2), np.float32)
    logits[first, 0] = logits[last, 1] = 9
    scores = reader.score([example], features, [logits])
    if "\u200b" not in answer:
        assert (scores["f1"], scores["exact_match"]) == (1, 1)
