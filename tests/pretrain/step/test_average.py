"""The moving average of the weights, against torch's own and against numbers worked by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pretrain.step.average import WeightAverage

FINITE, INFINITE = torch.tensor(1.0), torch.tensor(torch.inf)


def one(value: float) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


def weight_of(average: WeightAverage) -> float:
    return float(average.tensors["weight"])


def test_it_is_the_average_of_torch() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(5, 3)
    average = WeightAverage(layer, 0.9)
    average.restore(None, updates=1000)  # from here on the decay is 0.9
    expected = AveragedModel(layer, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    expected.update_parameters(layer)  # torch begins with a copy
    for _ in range(20):
        for weight in layer.parameters():
            nn.init.normal_(weight)
        average.update(FINITE)
        expected.update_parameters(layer)
    for name, tensor in expected.module.named_parameters():
        torch.testing.assert_close(average.tensors[name], tensor.detach(), rtol=1e-6, atol=1e-7)


def test_the_first_updates_by_hand() -> None:
    """After one update the decay is 2/11, after two it is 3/12."""
    layer = one(0.0)
    average = WeightAverage(layer, 0.999)
    nn.init.constant_(layer.weight, 11.0)
    average.update(FINITE)
    assert weight_of(average) == pytest.approx(9.0)
    average.update(FINITE)
    assert weight_of(average) == pytest.approx(9 * 3 / 12 + 11 * 9 / 12)


def test_a_skipped_step_changes_nothing() -> None:
    layer = one(0.0)
    average = WeightAverage(layer, 0.999)
    nn.init.constant_(layer.weight, 11.0)
    for norm in (INFINITE, torch.tensor(torch.nan)):
        average.update(norm)
        assert weight_of(average) == 0.0
    average.update(FINITE)
    assert weight_of(average) == pytest.approx(9.0), "skipped steps are not counted"


def test_the_weights_come_back_bit_for_bit() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 4)
    average = WeightAverage(layer, 0.9)
    nn.init.normal_(layer.weight)
    average.update(FINITE)
    own: Tensor = layer.weight.detach().clone()
    mean = average.tensors["weight"].clone()
    with pytest.raises(KeyboardInterrupt), average.in_place():
        assert torch.equal(layer.weight, mean)
        raise KeyboardInterrupt
    assert torch.equal(layer.weight, own) and torch.equal(average.tensors["weight"], mean)
