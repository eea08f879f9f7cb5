"""The number of steps that changed nothing because their loss or gradient was not finite, counted on the device."""

from __future__ import annotations

import torch
from torch import Tensor


class SkipCount:
    """Two counts on the device: all skipped steps of the run, and the unbroken series of skipped steps at its end."""

    def __init__(self, device: torch.device):
        self._counts = torch.zeros(2, dtype=torch.long, device=device)
        self._seen = torch.zeros(2, dtype=torch.long, pin_memory=device.type == "cuda")
        self._copied = torch.cuda.Event() if device.type == "cuda" else None

    def add(self, norm: Tensor) -> None:
        """Count a step by the norm of its gradients, which is the same in all processes, without waiting for it."""
        skipped = (~norm.isfinite()).long()
        self._counts = torch.stack([self._counts[0] + skipped, (self._counts[1] + 1) * skipped])
        self._send()

    def restore(self, total: int) -> None:
        """Start from the count of a checkpoint.

        The series of skipped steps starts at 0, because no checkpoint is written after a skipped step.
        """
        self._counts[0] = total

    @property
    def total(self) -> int:
        """The number of skipped steps of the run. Reading it waits for the device."""
        return int(self._counts[0])

    @property
    def in_a_row(self) -> int:
        """How many steps up to the last step were skipped without a break. Reading it waits for the device."""
        return int(self._counts[1])

    @property
    def recently_in_a_row(self) -> int:
        """`in_a_row` after one of the last steps, without waiting: the newest count that has reached the CPU.

        On a GPU the count lags by the number of queued steps, and processes may see different counts.
        """
        return int(self._seen[1])

    def _send(self) -> None:
        """Copy the counts to the CPU. On a GPU, the copy follows the queued work, and there is one copy at a time."""
        if self._copied is None:
            self._seen = self._counts
        elif self._copied.query():
            self._seen.copy_(self._counts, non_blocking=True)
            self._copied.record()
