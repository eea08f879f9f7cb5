"""An export that is read back must hold exactly what was written, and computes what transformers computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from configs.common.errors import UserError
from pretrain.export.reading import read_back
from pretrain.released.lookup import open_released
from pretrain.released.network import Network
from tests.released import Models, release

HEADS = ("rtd",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("released")


@pytest.fixture(scope="module")
def models(folder: Path) -> Models:
    return release(folder)


@pytest.fixture
def network(folder: Path, models: Models) -> Network:
    return open_released(str(folder / "x-discriminator")).networks["discriminator"]


def test_the_outputs_are_those_of_transformers(network: Network, models: Models, folder: Path) -> None:
    tokens, real = torch.arange(12).view(2, 6), torch.ones(2, 6, dtype=torch.bool)
    segments = (tokens % 6 > 2).long()
    outputs = read_back(network, open_released(str(folder / "x-discriminator")), HEADS)(tokens, segments, real)
    with torch.no_grad():
        expected = models.discriminator(tokens, token_type_ids=segments).logits
    torch.testing.assert_close(outputs, expected, rtol=1e-4, atol=1e-5)


def test_one_changed_bit_or_a_missing_tensor_is_refused_by_its_name(network: Network, folder: Path) -> None:
    name = "discriminator.layers.1.output.bias"
    changed = network.weights[name].clone()
    changed[0] = torch.nextafter(changed[0], torch.tensor(1.0))
    more = network.weights | {"discriminator.more": changed}
    less = {key: tensor for key, tensor in network.weights.items() if key != name}
    for weights, refused in ((network.weights | {name: changed}, name), (more, "discriminator.more"), (less, name)):
        with pytest.raises(UserError, match=rf"x-discriminator: {refused} read back differs from what was written"):
            read_back(replace(network, weights=weights), open_released(str(folder / "x-discriminator")), HEADS)


def test_a_head_that_should_not_be_there_is_refused(network: Network, folder: Path) -> None:
    with pytest.raises(UserError, match=r"objectives\.rtd\.dense\.bias read back differs"):
        read_back(network, open_released(str(folder / "x-discriminator")), ())
