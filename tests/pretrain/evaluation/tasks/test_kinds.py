"""Every kind of task x its reader, the head from transformers, the number of its outputs, and its loss by torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from torch.nn import functional

from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.kinds import build_model, task_reader
from pretrain.evaluation.tasks.reading.task import (
    Answer,
    Answers,
    Choice,
    LabelSet,
    Relation,
    Relations,
    Tags,
    Target,
    Task,
    Terms,
)
from pretrain.evaluation.tasks.settings import settings_for
from tests.pretrain.evaluation.tasks.toy import task_of

LABELS = ("p", "q", "r")
# kind -> (target, reader, model, outputs for each of what it answers)
KINDS: dict[str, tuple[Target, str, str, int]] = {
    "classes": ("p", "TextReader", "ElectraForSequenceClassification", 3),
    "multilabel": (LabelSet(("p", "r")), "TextReader", "ElectraForSequenceClassification", 3),
    "number": (2.5, "TextReader", "ElectraForSequenceClassification", 1),
    "tags": (Tags(("p",)), "TagReader", "ElectraForTokenClassification", 3),
    "spans": (Answers((Answer("a", 0),)), "QuestionReader", "ElectraForQuestions", 2),
    "choices": (Choice(("a", "b"), 1), "ChoiceReader", "ElectraForMultipleChoice", 1),
    "terms": (Terms(("p",)), "TermReader", "ElectraForSequenceClassification", 2),
    "relations": (Relations((Relation("a", "p", "b"),)), "RelationReader", "ElectraForRelations", 3),
}


def _config() -> transformers.ElectraConfig:
    return transformers.ElectraConfig(
        vocab_size=10,
        embedding_size=4,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=8,
    )


def _task(kind: str) -> Task:
    task = task_of(KINDS[kind][0], "a", labels=LABELS)
    assert task.kind == kind
    return task


def _num_outputs(model: Any) -> int:
    """Return the size of the last layer; the head for relations has a matrix of D x D for each of them."""
    if hasattr(model, "subjects"):
        return model.subjects.out_features // model.subjects.in_features
    last = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)][-1]
    return last.out_features


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_its_reader_and_its_head(kind: str, backbone: Backbone) -> None:
    _, reader, model, outputs = KINDS[kind]
    task = _task(kind)
    assert type(task_reader(task, backbone.tokenizer, settings_for(task, 32, 64, ()))).__name__ == reader
    built = build_model(task, _config())
    assert type(built).__name__ == model and _num_outputs(built) == outputs


@pytest.mark.parametrize(
    ("kind", "labels", "loss"),
    [
        ("classes", torch.tensor([2, 0]), functional.cross_entropy),
        ("terms", torch.tensor([1, 0]), functional.cross_entropy),
        ("multilabel", torch.tensor([[1.0, 0, 1], [0, 0, 0]]), functional.binary_cross_entropy_with_logits),
        ("number", torch.tensor([2.5, -1.0]), lambda logits, labels: functional.mse_loss(logits[:, 0], labels)),
    ],
)
def test_the_loss_of_texts_is_the_one_of_their_kind(kind: str, labels: torch.Tensor, loss: Any) -> None:
    output = build_model(_task(kind), _config()).eval()(torch.tensor([[1, 2, 3], [4, 5, 6]]), labels=labels)
    torch.testing.assert_close(output.loss, loss(output.logits, labels))


def test_a_single_class_of_many_is_no_regression() -> None:
    """Transformers takes a head of one output for a regression, unless it is told the loss."""
    task = task_of(LabelSet(("p",)), "a")
    output = build_model(task, _config()).eval()(torch.tensor([[1, 2, 3]]), labels=torch.tensor([[1.0]]))
    expected = functional.binary_cross_entropy_with_logits(output.logits, torch.tensor([[1.0]]))
    torch.testing.assert_close(output.loss, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_about_every_weight(kind: str) -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(build_model(_task(kind), _config()).state_dict())
    first, again, other = states
    assert all(torch.equal(first[name], again[name]) for name in first)
    drawn = [name for name in first if first[name].is_floating_point() and len(first[name].unique()) > 2]
    assert drawn and not any(torch.equal(first[name], other[name]) for name in drawn)
