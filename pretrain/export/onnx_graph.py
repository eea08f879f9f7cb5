"""A model of transformers as one ONNX file, with a dynamic number of texts and a dynamic length.

Letters: B texts, L their length.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from configs.common import chatter

# The first version whose Gelu is one operator. onnxruntime reads it since 1.17.
_OPSET = 20
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def write_graph(model: nn.Module, file: Path, output: str, max_length: int) -> None:
    """Write the model to `file`. Its inputs are `INPUTS`, [B, L] each, with L up to `max_length`.

    The same model gives the same bytes.
    """
    import onnx_ir

    texts, length = torch.export.Dim("batch_size"), torch.export.Dim("sequence_length", max=max_length)
    shape = (2, min(8, max_length))
    with chatter.quiet():
        program = torch.onnx.export(
            model,
            # A tensor for each input, because the exporter takes one tensor under two names for one input.
            kwargs={name: torch.ones(shape, dtype=torch.int64) for name in INPUTS},
            input_names=INPUTS,
            output_names=[output],
            dynamic_shapes={name: {0: texts, 1: length} for name in INPUTS},
            opset_version=_OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None, "dynamo gives a program"
    _remove_metadata(program.model)
    onnx_ir.save(program.model, file)


def _remove_metadata(model) -> None:
    """Remove the notes of the exporter. They hold stack traces, with the paths of this machine."""
    graph = model.graph
    outputs = [value for node in graph for value in node.outputs]
    for noted in (model, graph, *graph, *graph.inputs, *graph.initializers.values(), *outputs):
        noted.metadata_props.clear()
