"""Folders that PaddleNLP 2 loads: `model_state.pdparams`, written without Paddle, and its two kinds of config.

They are read by `pretrain/released/paddle.py`. A discriminator with the heads of ERNIE-Health keeps these heads.
PaddleNLP chose pickle as its format; our pickles hold only arrays.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from configs.common.files import make_folder, write_json
from pretrain.export.config import config_of
from pretrain.export.proof import CardFacts, Written
from pretrain.export.reading import OWN_READER, read_back
from pretrain.export.source import Source
from pretrain.export.tokenizer import write_tokenizer
from pretrain.released.lookup import open_released
from pretrain.released.names import to_huggingface
from pretrain.released.network import Network
from pretrain.released.paddle import HUGGINGFACE_MODULES, OBJECTIVE_TENSORS, WEIGHTS
from pretrain.released.shapes import TowerName

_ERNIE_HEALTH = ("rtd", "mts", "csp")
_CSP_OUTPUT = "objectives.csp.output.bias"
# Keys of transformers' config that PaddleNLP's config does not have.
_NOT_PADDLES = ("dtype", "tie_word_embeddings")
# numpy 2 pickles arrays with the first module name. The older releases of numpy that PaddleNLP 2 needs know only the
# second.
_NEW_NUMPY, _OLD_NUMPY = b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"


def write(source: Source, parts: Sequence[TowerName], folder: Path) -> list[Written]:
    """Write a folder for each network, because PaddleNLP reads both from one folder only if their shapes are equal."""
    return [_write(source, source.networks[part], folder / part) for part in parts]


def _write(source: Source, network: Network, folder: Path) -> Written:
    make_folder(folder)
    heads, class_name = _heads(network)
    pad_id = write_tokenizer(source.tokenizer, folder, network.shape["max_positions"], "ElectraTokenizer")
    config = {key: value for key, value in config_of(network, pad_id).items() if key not in _NOT_PADDLES}
    if "csp" in heads:
        # PaddleNLP takes the width of the contrastive head from the number of labels.
        labels = range(len(network.weights[_CSP_OUTPUT]))
        config["id2label"] = {str(label): f"LABEL_{label}" for label in labels}
        config["label2id"] = {f"LABEL_{label}": label for label in labels}
    write_json(folder / "config.json", config | {"architectures": [class_name]})
    write_json(folder / "model_config.json", _before_2_6(config, class_name))
    with open(folder / WEIGHTS, "wb") as file:
        for content in pickled(_arrays(network, heads)):
            file.write(content)
    outputs = read_back(network, open_released(str(folder)), heads)
    card = CardFacts("paddlenlp", _usage(class_name))
    return Written(folder, network, heads, outputs, OWN_READER, card, states=not heads)


def _heads(network: Network) -> tuple[tuple[str, ...], str]:
    """Return the objectives whose heads are written, and the name of PaddleNLP's class that has these heads."""
    if not network.has_head:
        return (), "ElectraModel"
    if network.part == "generator":
        return ("mlm",), "ElectraGenerator"
    if all(any(name.startswith(f"objectives.{head}.") for name in network.weights) for head in _ERNIE_HEALTH):
        return _ERNIE_HEALTH, "ErnieHealthDiscriminator"
    return ("rtd",), "ElectraDiscriminator"


def _before_2_6(config: Mapping[str, Any], class_name: str) -> dict[str, Any]:
    """Make the content of model_config.json, in the form that PaddleNLP wrote up to version 2.5."""
    left_out = ("architectures", "model_type", "id2label", "label2id")
    arguments = {key: value for key, value in config.items() if key not in left_out} | {"init_class": "ElectraModel"}
    if class_name == "ElectraModel":
        return arguments
    return {"init_args": [arguments], "init_class": class_name}


def _arrays(network: Network, heads: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Return the arrays by PaddleNLP's names. Matrices are transposed to [in, out], and tables are not."""
    arrays = {}
    for name, tensor in to_huggingface(network.weights, network.part).items():
        name = paddle_name(name, ernie_health="mts" in heads)
        arrays[name] = _array(tensor, is_matrix=tensor.ndim == 2 and "embeddings." not in name)
    for name, ours in OBJECTIVE_TENSORS.items():
        if ours.split(".")[1] in heads:
            tensor = network.weights[ours]
            is_table = name == "bias_mts.weight"
            arrays[name] = _array(tensor[:, None] if is_table else tensor, is_matrix=tensor.ndim == 2 and not is_table)
    return arrays if heads else {name.removeprefix("electra."): array for name, array in arrays.items()}


def _array(tensor: Tensor, *, is_matrix: bool) -> NDArray[np.float32]:
    # torch transposes with all threads, and numpy takes several times as long.
    return (tensor.T if is_matrix else tensor).contiguous().numpy()


def paddle_name(name: str, *, ernie_health: bool) -> str:
    """Convert transformers' name of a tensor to PaddleNLP's. ERNIE-Health has another name for its head."""
    for module, huggingface_module in HUGGINGFACE_MODULES.items():
        if module != "discriminator_rtd" or ernie_health:
            name = re.sub(rf"(?<!\w){re.escape(huggingface_module)}(?!\w)", module, name)
    return name


def pickled(arrays: Mapping[str, NDArray[np.float32]]) -> Iterator[bytes]:
    """Yield the pieces of a pickle of protocol 3, name by name, so that memory holds one array at a time.

    Every piece numbers its memo entries from 0 and overwrites those of the piece before it, so pieces can be joined.
    """
    yield b"\x80\x03}"
    for name, array in arrays.items():
        yield _piece(name)
        yield _piece(array).replace(_NEW_NUMPY, _OLD_NUMPY, 1)
        yield b"s"
    yield b"."


def _piece(value: object) -> bytes:
    """Pickle a value without the opcodes for the protocol and for the end."""
    return pickle.dumps(value, 3)[2:-1]


def _usage(class_name: str) -> str:
    return f"""```python
from paddlenlp.transformers import ElectraTokenizer, {class_name}

tokenizer = ElectraTokenizer.from_pretrained("FOLDER")
model = {class_name}.from_pretrained("FOLDER")
```
"""
