"""Check that an ONNX export loads in the real optimum and gives the outputs of the model there.

The check takes two commands, since optimum needs an older transformers. In this project's environment, export a run
whose corpus is at hand, together with the outputs of the model for random tokens:

    python -m benchmarks.onnx_export write FOLDER RUN

In an environment with optimum-onnx 0.1.0, transformers 4.57.6 and torch, load the export and compare:

    python benchmarks/onnx_export.py read FOLDER

transformers_js.cjs does the same with transformers.js, and a test compares its outputs.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

TOLERANCE = 1e-4
INPUTS = ("input_ids", "token_type_ids", "attention_mask")
# optimum has no class for replaced token detection. ORTModelForCustomTasks takes any output.
CLASSES = {
    "discriminator": "ORTModelForCustomTasks",
    "encoder": "ORTModelForFeatureExtraction",
    "generator": "ORTModelForMaskedLM",
}


def write(folder: Path, run: str) -> None:
    """Export the run in fp32 and int8, and store inputs and outputs beside the export."""
    from pretrain.export.checkpoints import Choice
    from pretrain.export.examples import random_examples
    from pretrain.export.folder import Order, export
    from pretrain.export.source import open_source

    export(run, folder / "models", Order("onnx", quantize_bound=1.0))
    source = open_source(run, Choice())
    vocabulary = source.networks["generator"].shape["vocabulary"]
    examples = random_examples(vocabulary, 5, 33)
    inputs = (examples.tokens, examples.segments, examples.real)
    outputs = {
        "discriminator": source.outputs("discriminator", *inputs, states=False).numpy(),
        "encoder": source.outputs("discriminator", *inputs, states=True).numpy(),
        "generator": source.outputs("generator", *inputs, states=False).numpy(),
    }
    stored = dict(zip(INPUTS, (tensor.long().numpy() for tensor in inputs), strict=True))
    arrays: dict[str, Any] = stored | outputs
    np.savez(folder / "expected.npz", **arrays)


def read(folder: Path) -> None:
    """Load the export in optimum, and exit with 1 where the outputs of fp32 differ by more than the tolerance."""
    import optimum.onnxruntime as optimum  # pyright: ignore[reportMissingImports]
    import torch
    from transformers import AutoTokenizer

    packages = ("optimum", "optimum-onnx", "transformers", "onnxruntime", "torch")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    expected = np.load(folder / "expected.npz")
    inputs = {name: torch.from_numpy(expected[name]) for name in INPUTS}
    real, failures = expected["attention_mask"].astype(bool), 0
    for part, class_name in CLASSES.items():
        model_class, path = getattr(optimum, class_name), folder / "models" / part
        assert AutoTokenizer.from_pretrained(path)("a text").input_ids, "the tokenizer loads too"
        differences = []
        for options in ({}, {"subfolder": "onnx", "file_name": "model_quantized.onnx"}):
            outputs = model_class.from_pretrained(path, **options)(**inputs)
            values = outputs["last_hidden_state" if part == "encoder" else "logits"].numpy()
            differences.append(float(np.abs(values - expected[part])[real].max()))
        print(f"{part} in {class_name}: largest difference {differences[0]:.1e}, quantized {differences[1]:.1e}")
        failures += not differences[0] <= TOLERANCE
    sys.exit(bool(failures))


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
