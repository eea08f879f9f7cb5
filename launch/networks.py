"""The table NETWORKS holds the nominal rates of the network adapters of a node. None of them was measured here."""

from __future__ import annotations

from dataclasses import dataclass

from configs.common.errors import UserError, unknown


@dataclass(frozen=True)
class Network:
    gigabits: float  # Gbit/s in each direction, of all adapters of a node together
    sheet: str

    @property
    def bytes_per_second(self) -> float:
        return self.gigabits * 1e9 / 8


NETWORKS = {
    "ndr-8": Network(8 * 400, "NVIDIA DGX H100 and H200: eight ConnectX-7 adapters of 400 Gbit/s"),
    "hdr-8": Network(8 * 200, "NVIDIA DGX A100: eight ConnectX-6 adapters of 200 Gbit/s"),
    "ndr": Network(400, "NVIDIA ConnectX-7: one adapter of 400 Gbit/s"),
    "hdr": Network(200, "NVIDIA ConnectX-6: one adapter of 200 Gbit/s"),
    "ethernet100": Network(100, "IEEE 802.3ba: one port of 100 Gbit/s"),
    "ethernet25": Network(25, "IEEE 802.3by: one port of 25 Gbit/s"),
    "ethernet10": Network(10, "IEEE 802.3ae: one port of 10 Gbit/s"),
}


def network_of(name: str) -> Network:
    """Return the network of this name. Raises UserError, which lists the known names, if there is none."""
    if name not in NETWORKS:
        raise UserError(f"--network: {unknown('network', name, NETWORKS)}")
    return NETWORKS[name]
