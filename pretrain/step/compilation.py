"""`compute.compile`: layers by torch.compile, as they are or replayed as CUDA graphs."""

from __future__ import annotations

import torch

from configs.common.errors import UserError
from pretrain.model.pair import ElectraPair
from pretrain.step.world import World


def compile_layers(pair: ElectraPair, how: bool | str, world: World) -> None:
    """One at a time: the layers of a tower share one compilation. Their names stay as they are.

    Raises UserError for CUDA graphs where there is no GPU.
    """
    if not how:
        return
    if how == "cuda_graphs" and world.device.type != "cuda":
        raise UserError(
            'compute.compile: "cuda_graphs" are for GPUs, and there is none here; true or false is possible'
        )
    for layer in (*pair.generator.layers, *pair.discriminator.layers):
        layer.compile(fullgraph=True, dynamic=False, mode="reduce-overhead" if how == "cuda_graphs" else "default")


def begin_batch(how: bool | str) -> None:
    """What the graphs of the batch before have made may be written over. Loads the compiler, so only with graphs."""
    if how == "cuda_graphs":
        torch.compiler.cudagraph_mark_step_begin()
