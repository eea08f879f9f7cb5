"""Weights of 8 bits for an ONNX file, and what they cost: quality on held-out rows, size, and speed.

Matrices become int8 with a scale for each output, and tables of embeddings uint8. Activations are quantized when they
are computed, so no text is needed to calibrate them. Matrices in uint8 were 1.7 times as slow on a processor with VNNI.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from configs.common import chatter
from configs.common.errors import UserError
from pretrain.export.cost import Cost
from pretrain.export.held_out import HeldOut, detection_auc, masked_accuracy, mean_cosine
from pretrain.export.onnx import MODEL
from pretrain.export.onnx_runtime import runtime_outputs, seconds_a_text
from pretrain.export.proof import Outputs, Written

QUANTIZED = MODEL.with_name("model_quantized.onnx")
# One point of AUC or accuracy, or a hundredth of cosine. Weights of 8 bits usually cost tenths of a point. A model
# with a few very large weights or activations, which 8 bits cannot resolve beside small ones, loses many points.
BOUND = 0.01
_LENGTH = 128  # of the text whose time is measured


def quantize(written: Written, test: HeldOut, bound: float) -> Cost:
    """Write `QUANTIZED` beside the file of a network. Raises UserError if it loses more than the bound."""
    files = (written.folder / MODEL, written.folder / QUANTIZED)
    write_quantized(*files)
    length = min(_LENGTH, written.network.shape["max_positions"])
    full, quantized = (file.stat().st_size / 1e6 for file in files)
    scores = _scores(written, runtime_outputs(files[1])[0], test)
    cost = Cost(*scores, (full, quantized), seconds_a_text(files, length), length)
    # `not <=` also refuses NaN.
    if not cost.lost <= bound:
        raise UserError(
            f"--quantize int8: costs the {written.folder.name} {cost.lost:.4f} of its {cost.measure} ({cost.full:.4f} "
            f"in fp32, {cost.quantized:.4f} in int8), and --quantize-bound allows {bound:g}; nothing was written, so "
            "give a higher bound, or leave --quantize out"
        )
    return cost


def _scores(written: Written, quantized: Outputs, test: HeldOut) -> tuple[str, float, float, str]:
    """Return the measure, its values in fp32 and in int8, and the examples."""
    full, origin = written.outputs, test.examples.origin
    if written.states:
        return "cosine of hidden states with fp32", 1.0, mean_cosine(full, quantized, test), origin
    if written.network.part == "generator":
        return "masked accuracy", masked_accuracy(full, test), masked_accuracy(quantized, test), origin
    origin = f"{origin} with {test.replacements}"
    return "RTD AUC", detection_auc(full, test), detection_auc(quantized, test), origin


def write_quantized(full: Path, quantized: Path) -> None:
    """Quantize the matrices and tables of a file."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory(dir=quantized.parent) as temporary, chatter.quiet():
        model = onnx.load(full)
        _give_own_output(model.graph)
        onnx.save(model, Path(temporary, "model.onnx"))
        del model
        quantize_dynamic(Path(temporary, "model.onnx"), quantized, per_channel=True, weight_type=QuantType.QInt8)


def _give_own_output(graph) -> None:
    """Store the transposed table of words, by which a generator predicts, as a matrix of its own.

    Otherwise the table would be dequantized and transposed in each call, and int8 would be no faster than fp32.
    """
    from onnx import numpy_helper

    tables = {table.name: table for table in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Transpose" and node.input[0] in tables]:
        matrix = numpy_helper.to_array(tables[node.input[0]]).T
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(matrix), node.output[0]))
        graph.node.remove(node)
