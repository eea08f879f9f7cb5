"""Relations have PaddleNLP's loss and scores, and are read from logits above 0."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.features import collate
from pretrain.evaluation.tasks.kinds import task_reader
from pretrain.evaluation.tasks.reading.task import LabelledExample, Relation, Relations, Task
from pretrain.evaluation.tasks.relations import RelationOutput, RelationReader, find_places
from pretrain.evaluation.tasks.settings import settings_for
from tests.pretrain.evaluation.tasks.toy import task_of

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def test_the_loss_of_relations_is_the_cross_entropy_of_dense_labels(backbone: Backbone) -> None:
    """PaddleNLP's: binary, over every token and every pair of them that is no padding, summed over a text."""
    target = Relations((Relation("ab", "p", "cd"), Relation("ab", "q", "e")))
    example = LabelledExample("", None, tuple("xabcdye"), target)
    shorter = LabelledExample("", None, tuple("xyz"), Relations(()))
    toy_task = Task("toy", "relations", [example, shorter], [example], "dev", ("p", "q"))
    reader = task_reader(toy_task, backbone.tokenizer, settings_for(toy_task, 32, 64, ()))
    batch = collate(reader.features(toy_task.train), backbone.pad, torch.device("cpu"))
    network = backbone.with_head(toy_task).eval()
    output = network(**batch)
    ends, pairs = torch.zeros_like(output.ends), torch.zeros_like(output.pairs)
    for start, end in ((2, 3), (4, 5), (7, 7)):  # behind [CLS]
        ends[0, start, 0] = ends[0, end, 1] = 1
    pairs[0, 0, 2, 4] = pairs[0, 1, 2, 7] = 1
    mask = batch["attention_mask"].float()
    expected = [
        (binary_cross_entropy_with_logits(logits, labels, reduction="none") * weight).sum()
        for logits, labels, weight in (
            (output.ends, ends, mask[..., None]),
            (output.pairs, pairs, (mask[:, :, None] * mask[:, None, :])[:, None]),
        )
    ]
    assert output.loss.item() == pytest.approx(sum(expected).item() / 2, rel=1e-5)  # type: ignore[union-attr]  a tensor
    with torch.no_grad():
        assert torch.allclose(network(**{name: batch[name] for name in INPUTS}).pairs, output.pairs)


def test_the_scores_of_relations_are_those_of_paddlenlp(backbone: Backbone) -> None:
    """ElectraForSPO, pair by pair: query of one token, key of another below it and of [CLS], over the root of D."""
    toy_task = task_of(Relations((Relation("a", "p", "b"), Relation("b", "q", "a"))), "xayb")
    reader = task_reader(toy_task, backbone.tokenizer, settings_for(toy_task, 32, 64, ()))
    batch = collate(reader.features(toy_task.train), backbone.pad, torch.device("cpu"))
    network: Any = backbone.with_head(toy_task).eval()
    with torch.no_grad():
        inputs = {name: batch[name] for name in INPUTS}
        read = network.electra(**inputs, output_hidden_states=True)
        query = network.subjects(read.last_hidden_state).view(-1, 2, 32)
        key = network.objects(read.hidden_states[-2] + read.last_hidden_state[:, :1]).view(-1, 2, 32)
        results = network(**inputs)
    for kind, subject, thing in ((0, 2, 4), (1, 4, 2), (1, 1, 1)):
        expected = (query[subject, kind] * key[thing, kind]).sum() / 32**0.5
        assert results.pairs[0, kind, subject, thing].item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-7)


def test_relations_are_read_from_what_is_likelier_than_not(backbone: Backbone) -> None:
    target = Relations((Relation("ab", "p", "cd"),))
    toy_task = task_of(target, "xabcd", labels=("p", "q"))
    reader = RelationReader(toy_task, backbone.tokenizer, settings_for(toy_task, 32, 64, ()))
    (feature,) = features = reader.features(toy_task.train)
    ends, pairs = torch.full((1, 7, 2), -1.0), torch.full((1, 2, 7, 7), -1.0)
    for place in ((2, 0), (4, 0), (3, 1), (5, 1)):
        ends[(0, *place)] = 0.1
    pairs[0, 0, 2, 4] = pairs[0, 1, 4, 2] = 0.1
    pairs[0, 1, 1, 2] = 0.1  # nothing begins at 1
    assert len(feature.encoding.tokens) == 7
    results = reader.score(toy_task.train, features, reader.outputs_by_feature(RelationOutput(None, ends, pairs)))
    assert results == {"f1": pytest.approx(2 / 3), "precision": 0.5, "recall": 1}


def test_where_subject_and_object_are() -> None:
    """The longer one first, and the other not inside of it; case does not matter."""
    assert find_places("高血压和血压", Relation("血压", "p", "高血压")) == [(4, 6), (0, 3)]
    assert find_places("CT见ct机", Relation("CT", "p", "ct机")) == [(0, 2), (3, 6)]
    assert find_places("高血压", Relation("血压", "p", "高血压")) == []
    assert find_places("高血压", Relation("高血压", "p", "药")) == []
