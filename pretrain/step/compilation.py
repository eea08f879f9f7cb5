"""The key `compute.compile`: torch.compile compiles the layers, and CUDA graphs may replay them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from configs.common.errors import UserError
from pretrain.model.pair import ElectraPair
from pretrain.step.world import World


def compile_layers(pair: ElectraPair, how: bool | str, world: World) -> None:
    """Compile every layer by itself, so that the layers of a tower share a compilation. Parameters keep their names.

    Raises UserError if CUDA graphs are asked for and there is no GPU.
    """
    if not how:
        return
    if how == "cuda_graphs" and world.device.type != "cuda":
        raise UserError(
            'compute.compile: "cuda_graphs" are for GPUs, and there is none here; true or false is possible'
        )
    for layer in (*pair.generator.layers, *pair.discriminator.layers):
        layer.compile(fullgraph=True, dynamic=False, mode="reduce-overhead" if how == "cuda_graphs" else "default")


def uncompiled(how: bool | str) -> AbstractContextManager[object]:
    """Return a context in which compiled layers run as they are, for batches of many shapes.

    Without compiled layers nothing is to be done, and the call to torch would load the compiler for a second.
    """
    return torch.compiler.set_stance("force_eager") if how else nullcontext()


def begin_batch(how: bool | str) -> None:
    """Tell CUDA graphs that they may overwrite the results of the previous batch.

    The call to torch would load the compiler, so it is left out unless there are CUDA graphs.
    """
    if how == "cuda_graphs":
        torch.compiler.cudagraph_mark_step_begin()
