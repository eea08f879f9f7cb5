"""The rates of network adapters by hand."""

from __future__ import annotations

import pytest

from configs.common.errors import UserError
from launch.networks import NETWORKS, network_of


def test_bytes_per_second_by_hand() -> None:
    """A byte has eight bits."""
    assert network_of("ethernet100").bytes_per_second == 12.5e9
    assert network_of("ndr-8").bytes_per_second == 400e9
    assert all(network.sheet for network in NETWORKS.values())


def test_an_unknown_network_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"--network: unknown network ethernet1000; did you mean ethernet100\?"):
        network_of("ethernet1000")
