"""Why a generator does not suit a discriminator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pretrain.released.generators import mismatch, unsuitable
from pretrain.released.lookup import open_released
from pretrain.released.network import Network
from tests.released import release


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Network]:
    folder = tmp_path_factory.mktemp("models")
    release(folder)
    opened = open_released(str(folder / "x-generator")).networks
    return opened["generator"], opened["discriminator"]


def changed(network: Network, name: str, by: float) -> Network:
    return replace(network, weights=network.weights | {name: network.weights[name] + by})


def test_one_with_the_same_embeddings_suits(networks: tuple[Network, Network]) -> None:
    assert not mismatch(*networks, "all") and not unsuitable(*networks, "all")


@pytest.mark.parametrize(("sharing", "suits"), [("all", False), ("words", True), ("disentangled", True)])
def test_only_shared_tables_must_agree(sharing: str, suits: bool, networks: tuple[Network, Network]) -> None:
    generator, discriminator = networks
    moved = changed(generator, "embeddings.position.weight", 0.01)
    assert (not unsuitable(moved, discriminator, sharing)) == suits


def test_rounding_is_no_difference(networks: tuple[Network, Network]) -> None:
    generator, discriminator = networks
    assert not unsuitable(changed(generator, "embeddings.word.weight", 1e-6), discriminator, "all")


def test_tables_of_another_length_differ(networks: tuple[Network, Network]) -> None:
    generator, discriminator = networks
    positions = generator.weights["embeddings.position.weight"][:-1]
    shorter = replace(generator, weights=generator.weights | {"embeddings.position.weight": positions})
    assert "has another shape" in unsuitable(shorter, discriminator, "all")
