"""The processes of a run: how they join, and how they exchange values."""

from __future__ import annotations

import os
import socket
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
    # the gloo group, through which the processes exchange values of the CPU without waiting for a device
    host: dist.ProcessGroup | None

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of a tensor over all processes. The tensor is changed in place."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors of all processes, which are of equal length, one after another: [n] -> [processes * n]."""
        if self.size == 1:
            return tensor
        whole = tensor.new_empty(self.size * len(tensor))
        dist.all_gather_into_tensor(whole, tensor)
        return whole

    def synchronize(self) -> None:
        """Wait until the device has finished all queued work."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def sum_on_hosts(self, tensor: Tensor) -> Tensor:
        """The sum of a CPU tensor over all processes, without use of the devices. The tensor is changed in place."""
        if self.size > 1:
            dist.all_reduce(tensor, group=self.host)
        return tensor

    def any(self, flag: bool) -> bool:
        """Whether the flag holds in any process."""
        return self.any_of_each(flag)[0]

    def any_of_each(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag, whether it holds in any process. The processes exchange all flags at once."""
        counts = self.sum_on_hosts(torch.tensor(flags, dtype=torch.long))
        return tuple(count > 0 for count in counts.tolist())

    def barrier(self) -> None:
        if self.size > 1:
            dist.barrier(group=self.host)

    def first(self, function: Callable[[], T]) -> T:
        """Call `function` in the first process and return its value in every process.

        If `function` raises an ElectraError, the first process raises it, and the others leave with its exit code.
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
            raise SystemExit(answer[1])  # the first process prints the message
        return answer[0]


def join() -> World:
    """Join the processes that torchrun started, or be the only process.

    The processes communicate by nccl on GPUs, and by gloo on the CPU.

    Raises UserError for a process without a GPU of its own, and for processes that cannot find the first of them.
    """
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if size > 1:
        _check_address(size)
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
        # The only process needs no port, so it cannot collide with another run on its machine.
        store = dist.HashStore() if size == 1 else None
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=timedelta(minutes=30))
    return World(rank, size, device, _host_group() if size > 1 else None)


def _check_address(size: int) -> None:
    """Check MASTER_ADDR, the address of the first process.

    Raises UserError if it is empty or cannot be resolved: torch would take this machine for the first machine, or it
    would wait for half an hour.
    """
    address = os.environ.get("MASTER_ADDR", "")
    if not address:
        raise UserError(
            f"MASTER_ADDR: is empty, and there are {size} processes (WORLD_SIZE); start them with torchrun, or set it "
            "to the address of the node of process 0"
        )
    try:
        socket.getaddrinfo(address, None)
    except OSError as error:
        raise UserError(
            f"MASTER_ADDR: {address!r} cannot be resolved on this machine ({error.strerror}); give the node of process "
            "0 by an address that every node can resolve"
        ) from None


def _host_group() -> dist.ProcessGroup:
    group = dist.new_group(backend="gloo")
    assert isinstance(group, dist.ProcessGroup)
    return group


def leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def precision(wanted: str, device: torch.device) -> torch.dtype:
    """The type of matrix products. "auto" means bf16 if the processor itself computes in bf16, and else fp32.

    DeepSpeed and oneDNN are not asked: DeepSpeed's CPU accelerator always claims to support bf16, and oneDNN claims it
    for every processor with AVX-512.
    """
    if wanted != "auto":
        return {"fp32": torch.float32, "bf16": torch.bfloat16}[wanted]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32
