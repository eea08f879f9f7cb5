"""Folders with `onnx/model.onnx`, as optimum and transformers.js read them: each network, and the encoder by itself.

The discriminator is written twice. `discriminator` ends in the logits of its head, and `encoder` in the hidden states,
which embeddings are made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from torch import nn

from configs.common.errors import UserError
from configs.common.files import make_folder
from pretrain.export.config import architecture
from pretrain.export.huggingface import HEADS, import_transformers, state_of, write_description
from pretrain.export.onnx_graph import write_graph
from pretrain.export.onnx_runtime import runtime_outputs
from pretrain.export.proof import CardFacts, Written
from pretrain.export.source import Source, without_heads
from pretrain.released.network import Network, TowerName

MODEL = Path("onnx", "model.onnx")
_PACKAGES = ("onnx", "onnxruntime", "onnxscript", "transformers")
# A file of ONNX is one message of protobuf. The graph itself takes less than a megabyte of it.
_LARGEST_FILE = 2**31 - 2**20
_PIPELINES = {"ElectraForMaskedLM": "fill-mask", "ElectraModel": "feature-extraction"}
_DETECTION = (
    "A positive logit means that the token was replaced. optimum and transformers.js have no class for this head. "
    "Load the file with onnxruntime, with ORTModelForCustomTasks or with AutoModel of transformers.js; their pipeline "
    "for token classification takes the logits for something else without a word."
)


def write(source: Source, parts: Sequence[TowerName], folder: Path) -> Iterator[Written]:
    """Write the folders one after the other, so that only one graph is in memory.

    Raises UserError if a package is missing, or if a network is too large for a file of ONNX.
    """
    if missing := [name for name in _PACKAGES if not find_spec(name)]:
        raise UserError(f"--format onnx: needs {', '.join(missing)}; pip install 'electra-pretraining[onnx]'")
    for part in parts:
        network = source.networks[part]
        if network.has_head:
            yield _write(source, network, folder / part)
        if part == "discriminator":
            yield _write(source, replace(network, weights=without_heads(network.weights)), folder / "encoder")


def _write(source: Source, network: Network, folder: Path) -> Written:
    state = state_of(network)
    if (size := sum(tensor.nbytes for tensor in state.values())) > _LARGEST_FILE:
        raise UserError(
            f"{source.name}: --format onnx: the weights of the {network.part} take {size / 1e9:.1f} GB, and a file of "
            "ONNX holds at most 2.1 GB; export it as huggingface"
        )
    write_description(source, network, folder, {}, "ElectraTokenizerFast")
    make_folder((folder / MODEL).parent)
    kind, heads = architecture(network), HEADS[network.part] if network.has_head else ()
    output = "logits" if heads else "last_hidden_state"
    write_graph(_model(kind, folder, state), folder / MODEL, output, network.shape["max_positions"])
    pipeline, limits = _PIPELINES.get(kind), (_DETECTION,) if heads == ("rtd",) else ()
    card = CardFacts("transformers.js", _usage(output), pipeline, limits)
    outputs = runtime_outputs(folder / MODEL)
    return Written(folder, network, heads, *outputs, card, states=not heads, shapes=_shapes(network))


def _model(kind: str, folder: Path, state: dict) -> nn.Module:
    """Make the model of transformers from the config in `folder`.

    Its attention is written out, because the graph of torch's fused attention is larger and no faster.
    """
    transformers = import_transformers()
    config = transformers.ElectraConfig.from_pretrained(folder, attn_implementation="eager")
    return getattr(transformers, kind).from_pretrained(None, config=config, state_dict=state).eval()


def _shapes(network: Network) -> tuple[tuple[int, int], ...]:
    """Return numbers of texts and lengths that differ from those with which the graph was traced."""
    longest = network.shape["max_positions"]
    return (1, 1), (1, longest), (3, min(longest, 17)), (8, min(longest, 40))


def _usage(output: str) -> str:
    return f"""```python
import onnxruntime
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("FOLDER")
session = onnxruntime.InferenceSession("FOLDER/{MODEL.as_posix()}")
inputs = tokenizer(["A sentence."], padding=True, truncation=True, return_tensors="np")
({output},) = session.run(None, dict(inputs))
```
"""
