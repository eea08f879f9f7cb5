"""The processes of a run, and what they say to each other."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from configs.common.errors import ElectraError, UserError
from pretrain.step.allocator import keep_freed_memory

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    rank: int
    size: int
    device: torch.device
    # gloo between the hosts: what the loop must know at once is agreed on without waiting for a device
    host: dist.ProcessGroup | None

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def synchronize(self) -> None:
        """Wait until the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def sum_on_hosts(self, tensor: Tensor) -> Tensor:
        """The sum of a CPU tensor over all processes, in place, without touching the devices."""
        if self.size > 1:
            dist.all_reduce(tensor, group=self.host)
        return tensor

    def any(self, flag: bool) -> bool:
        """Whether it holds in any process."""
        return bool(self.sum_on_hosts(torch.tensor(int(flag))) > 0)

    def barrier(self) -> None:
        if self.size > 1:
            dist.barrier(group=self.host)

    def first(self, function: Callable[[], T]) -> T:
        """Return in every process the value that `function` has in the first process.

        If it raises an ElectraError there, the first process raises it, and the others leave with its exit code.
        """
        if self.size == 1:
            return function()
        answer: list[Any] = [None, None]  # the value, or else the exit code
        raised: ElectraError | None = None
        if self.is_main:
            try:
                answer[0] = function()
            except ElectraError as error:
                raised, answer[1] = error, error.exit_code
        dist.broadcast_object_list(answer, src=0, group=self.host)
        if raised:
            raise raised
        if answer[1] is not None:
            raise SystemExit(answer[1])  # the first process prints the sentence
        return answer[0]


def join() -> World:
    """Join the processes that torchrun (or Slurm through it) started, or be alone. nccl on GPUs, gloo on the CPU."""
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local_rank) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        if local_rank >= torch.cuda.device_count():
            raise UserError(f"process {local_rank} of this node has no GPU: there are {torch.cuda.device_count()}")
        torch.cuda.set_device(device)
    else:
        keep_freed_memory()
    if not dist.is_initialized():
        backend = "nccl" if device.type == "cuda" else "gloo"
        alone = None if "MASTER_ADDR" in os.environ and "RANK" in os.environ else dist.HashStore()
        dist.init_process_group(backend, store=alone, rank=rank, world_size=size, timeout=timedelta(minutes=30))
    return World(rank, size, device, _host_group() if size > 1 else None)


def _host_group() -> dist.ProcessGroup:
    group = dist.new_group(backend="gloo")
    assert isinstance(group, dist.ProcessGroup)
    return group


def leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def precision(wanted: str, device: torch.device) -> torch.dtype:
    """What "auto" means here: bf16 where the processor computes in it. DeepSpeed's CPU accelerator claims it
    always, and oneDNN wherever there is AVX-512.
    """
    if wanted != "auto":
        return {"fp32": torch.float32, "bf16": torch.bfloat16}[wanted]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32
