"""An ONNX file computed by onnxruntime, and how fast it is.

Letters: B texts, L their length, D hidden, V vocabulary.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pretrain.export.onnx_graph import INPUTS
from pretrain.export.proof import Outputs

# Numbers of calls: those that come first and are not measured, and those of which the median is taken.
_WARM_UP, _MEASURED = 2, 9


def runtime_outputs(file: Path) -> tuple[Outputs, str]:
    """Return a function that computes the outputs of a file with onnxruntime, and onnxruntime's version."""
    import onnxruntime

    session = open_session(file, torch.get_num_threads())

    def outputs(tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        (array,) = session.run(None, runtime_inputs(tokens, segments, real))
        return torch.from_numpy(array)

    return outputs, f"onnxruntime {onnxruntime.__version__}"


def runtime_inputs(tokens: Tensor, segments: Tensor, real: Tensor) -> dict[str, NDArray]:
    """Return the inputs of a file by their names."""
    return dict(zip(INPUTS, (tokens.numpy(), real.long().numpy(), segments.numpy()), strict=True))


def seconds_a_text(files: tuple[Path, Path], length: int) -> tuple[float, float]:
    """Measure the seconds that a text of `length` tokens takes on one thread, with two files in turn."""
    sessions = [open_session(file, 1) for file in files]
    ones = np.ones((1, length), np.int64)
    inputs = dict.fromkeys(INPUTS, ones)
    rounds: list[list[float]] = []
    for _ in range(_WARM_UP + _MEASURED):
        rounds.append([])
        for session in sessions:
            began = time.perf_counter()
            session.run(None, inputs)
            rounds[-1].append(time.perf_counter() - began)
    first, second = (statistics.median(seconds) for seconds in zip(*rounds[_WARM_UP:], strict=True))
    return first, second


def open_session(file: Path, threads: int):
    """Open a file for computation on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # A number that is given also keeps onnxruntime from binding threads to cores that a container may not use.
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors alone
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
