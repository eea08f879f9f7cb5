"""The discriminator with the head of a task."""

from __future__ import annotations

from pathlib import Path

import torch

from pretrain.evaluation.tasks.backbone import open_backbone
from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.released.lookup import open_released
from pretrain.released.names import to_huggingface
from tests.pretrain.evaluation.tasks.toy import classes, task, task_of


def test_the_backbone_is_the_models(model: Path, tmp_path: Path) -> None:
    """As transformers loads it; only the head is drawn."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    backbone, folder = open_backbone(str(model)), task(tmp_path, classes)
    state = backbone.with_head(read_task(folder)).state_dict()
    expected_state = AutoModelForSequenceClassification.from_pretrained(model).state_dict()
    heads = [{name for name in names if not name.startswith("electra.")} for names in (state, expected_state)]
    assert heads[0] == heads[1] and heads[0]
    own = {name.removeprefix("electra."): tensor for name, tensor in state.items() if name.startswith("electra.")}
    converted = to_huggingface(own, "discriminator")
    assert converted.keys() == {name for name in expected_state if name.startswith("electra.")}
    assert all(torch.equal(tensor, expected_state[name]) for name, tensor in converted.items())
    text, pair = "The sun, then RAINS.", "it is snowing"
    encoding, expected = backbone.tokenizer.encode(text, pair), AutoTokenizer.from_pretrained(model)(text, pair)
    assert encoding.ids == expected["input_ids"]
    assert encoding.type_ids == expected["token_type_ids"]


def test_released_weights_are_not_touched(model: Path) -> None:
    before = open_released(str(model)).networks["discriminator"].weights
    backbone = open_backbone(str(model))
    network = backbone.with_head(task_of("b"))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    assert all(torch.equal(backbone.network.weights[name], tensor) for name, tensor in before.items())
