"""The layers of a model are fine-tuned by the published rates, and examples are predicted by length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from configs.common.errors import UserError
from pretrain.evaluation.tasks import train
from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.features import collate
from pretrain.evaluation.tasks.kinds import task_reader
from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.evaluation.tasks.reading.task import LabelledExample, Tags, Task
from pretrain.evaluation.tasks.settings import settings_for
from pretrain.evaluation.tasks.train import fine_tune, rate_shares
from pretrain.step.parameter_groups import parameter_groups
from tests.pretrain.evaluation.tasks.toy import FAST, classes, tags, task, task_of
from tests.released import TOWER


def test_rates_of_layers() -> None:
    names = [*(f"electra.discriminator.layers.{n}.output.weight" for n in (11, 10, 0)), "classifier.dense.weight"]
    names += ["electra.embeddings.word.weight", "electra.discriminator.projection.weight"]
    paper, google = (
        [*map(rate_shares(settings_for(task_of("b"), 256, 512, overrides), 12), names)]
        for overrides in ((), ("layer_decay_exponent=google",))
    )
    assert paper == pytest.approx([1, 0.8, 0.8**11, 1, 0.8**12, 0.8**12])
    # google-research/electra, model/optimization.py: n_layers + 2 - depth, where depth is 0 for embeddings, i + 1 for
    # layer i, and n_layers + 2 for the head
    assert google == pytest.approx([0.8**2, 0.8**3, 0.8**13, 1, 0.8**14, 0.8**14])


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_outputs_are_in_the_order_of_the_features(
    batch: int, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are computed by length, and give the scores of features that are predicted one after the other."""
    monkeypatch.setattr(train, "_BATCHES_SORTED", 2)
    words = [["sun"] * (1 + 7 * number % 10) for number in range(23)]
    examples = [LabelledExample("", None, tuple(text), Tags(("p",) * len(text))) for text in words]
    toy = Task("toy", "tags", examples, examples, "dev", ("p", "q"))
    reader = task_reader(toy, backbone.tokenizer, settings_for(toy, 32, 64, (f"batch={batch}",)))
    network, features = backbone.with_head(toy), reader.features(examples)
    outputs = train.predict(network, reader, features, backbone.pad, torch.device("cpu"), lambda: None)
    for feature, output in zip(features, outputs, strict=True):
        inputs = collate([feature], backbone.pad, torch.device("cpu"))
        with torch.no_grad():
            alone = network(**{name: inputs[name] for name in ("input_ids", "attention_mask", "token_type_ids")})
        torch.testing.assert_close(torch.tensor(output[: len(feature.encoding)]), alone.logits[0])


def test_groups_hold_every_parameter_once(backbone: Backbone, tmp_path: Path) -> None:
    toy = read_task(task(tmp_path, tags))
    network = backbone.with_head(toy)
    settings = settings_for(toy, 32, 64, ("weight_decay=0.1",))
    groups = parameter_groups(network, settings.weight_decay, rate_shares(settings, TOWER["layers"]))
    held = [parameter for group in groups for parameter in group["params"]]
    assert {id(parameter) for parameter in held} == {id(parameter) for parameter in network.parameters()}
    assert len(held) == len({id(parameter) for parameter in held})
    assert {group["scale"] for group in groups} == {1.0, 0.8, 0.8**2}
    assert all((group["weight_decay"] == 0.1) == (p.ndim > 1) for group in groups for p in group["params"])


@pytest.mark.parametrize(("precision", "computed"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_a_task_is_learned_in_either_precision(
    precision: str, computed: torch.dtype, backbone: Backbone, tmp_path: Path
) -> None:
    """Autocast keeps casts of weights while it is entered. Casts from the first step would never learn."""
    toy = read_task(task(tmp_path, classes))
    types: set[torch.dtype] = set()

    def record(module: nn.Module, _: Any, output: Any) -> None:
        if isinstance(module, nn.Linear):
            types.add(output.dtype)
            assert module.weight.dtype == torch.float32

    with register_module_forward_hook(record):
        settings = settings_for(toy, 32, 64, (*FAST, f"precision={precision}"))
        metrics = fine_tune(backbone, toy, settings, 0, torch.device("cpu"))
    assert types == {computed}
    assert metrics["accuracy"] > 0.9


def test_a_fine_tuning_that_diverges_is_a_sentence(backbone: Backbone, tmp_path: Path) -> None:
    toy = read_task(task(tmp_path, classes))
    settings = settings_for(toy, 32, 64, (*FAST, "epochs=1", "learning_rate=1e30"))
    with pytest.raises(UserError, match=rf"{toy.name}: the fine-tuning with seed 3 diverged; lower learning_rate"):
        fine_tune(backbone, toy, settings, 3, torch.device("cpu"))
