"""An exponential moving average of the weights, which is kept beside them and changes nothing in the run.

Every process holds all weights, also under ZeRO 1 and 2, so every process computes the same average.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """average = d * average + (1 - d) * weight, after every update.

    d is the smaller of `decay` and (1 + n) / (10 + n) after n updates, as in TensorFlow's ExponentialMovingAverage, so
    that the first weights are soon forgotten. A step that was skipped does not change the average.
    """

    def __init__(self, module: nn.Module, decay: float):
        self._weights, self._decay = dict(module.named_parameters()), decay
        self.tensors = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self._updates = torch.zeros((), device=next(module.parameters()).device)

    @torch.no_grad()
    def update(self, gradient_norm: Tensor) -> None:
        """Take the weights after a step into the average, unless the norm of its gradients was not finite."""
        done = gradient_norm.isfinite().float()
        self._updates += done
        share = (9 / (10 + self._updates)).clamp(min=1 - self._decay) * done
        for name, weight in self._weights.items():
            self.tensors[name].lerp_(weight, share)

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor] | None, updates: int) -> None:
        """Take the average from a checkpoint. Without `tensors`, it begins with the current weights."""
        self._updates.fill_(updates)
        for name, weight in self._weights.items():
            self.tensors[name].copy_(weight if tensors is None else tensors[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside this block the module has the average as its weights. Afterwards it has its own, bit for bit."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, weight in self._weights.items():
            own = weight.clone()
            weight.copy_(self.tensors[name])
            self.tensors[name].copy_(own)
