"""A checkpoint that the fine-tuning code of google-research/electra restores.

It holds both networks in one checkpoint, with the names of that repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from configs.common.files import make_folder, read_json, write_json, write_text
from configs.vocabulary.settings import SETTINGS_FILE
from pretrain.export.bundle import write_bundle
from pretrain.export.config import config_of
from pretrain.export.proof import CardFacts, Written
from pretrain.export.reading import OWN_READER, read_back
from pretrain.export.source import Source
from pretrain.export.tokenizer import write_tokenizer
from pretrain.released.lookup import open_released
from pretrain.released.names import to_huggingface
from pretrain.released.network import Network, TowerName

HEADS: dict[TowerName, tuple[str, ...]] = {"discriminator": ("rtd",), "generator": ("mlm",)}


def write(source: Source, parts: Sequence[TowerName], folder: Path) -> list[Written]:
    """Write `model.ckpt-STEP` into `folder`, the file that names it, the vocabulary, and a config for each network."""
    make_folder(folder)
    networks = [source.networks[part] for part in parts]
    positions = max(network.shape["max_positions"] for network in networks)
    pad_id = write_tokenizer(source.tokenizer, folder, positions, "ElectraTokenizerFast")
    name = f"model.ckpt-{source.training.chosen.state.step}" if source.training else "model.ckpt"
    write_bundle(folder / name, arrays_of(networks))
    write_text(folder / "checkpoint", f'model_checkpoint_path: "{name}"\nall_model_checkpoint_paths: "{name}"\n')
    for network in networks:
        write_json(folder / f"{network.part}.json", config_of(network, pad_id))
    card = CardFacts(None, _usage(networks[0], read_json(folder / SETTINGS_FILE)["do_lower_case"]))
    export = open_released(str(folder))
    written = []
    for network in networks:
        heads = HEADS[network.part] if network.has_head else ()
        outputs = read_back(network, export, heads)
        written.append(Written(folder, network, heads, outputs, OWN_READER, card, states=not heads))
    return written


def arrays_of(networks: Sequence[Network]) -> dict[str, NDArray[np.float32]]:
    """Return the arrays by Google's names, with matrices as [in, out].

    If the networks have the same embeddings, the generator gets none of its own.
    """
    own = len(networks) == 2 and not _same_embeddings(*networks)
    arrays: dict[str, NDArray[np.float32]] = {}
    for network in networks:
        for name, tensor in to_huggingface(network.weights, network.part).items():
            variable = google_name(name, network.part, own_embeddings=own)
            arrays[variable] = (tensor.T if variable.endswith("kernel") else tensor).numpy()
    return arrays


def _same_embeddings(first: Network, second: Network) -> bool:
    names = [name for name in first.weights if name.startswith("embeddings.")]
    return all(torch.equal(first.weights[name], second.weights[name]) for name in names)


def google_name(name: str, part: TowerName, *, own_embeddings: bool) -> str:
    """Convert transformers' name of a tensor to Google's. `own_embeddings`: the generator shares no embeddings."""
    if part == "generator" and (own_embeddings or not name.startswith("electra.embeddings.")):
        name = re.sub(r"^electra\.", "generator.", name)
    name = name.replace("generator_lm_head.bias", "generator_predictions.output_bias")
    name = name.replace("dense_prediction", "dense_1").replace("_embeddings.weight", "_embeddings")
    name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    name = re.sub(r"\.weight$", ".kernel", name)
    return re.sub(r"\blayer\.(\d+)\.", r"layer_\1.", name).replace(".", "/")


def _usage(network: Network, lowercase: bool) -> str:
    """Return Markdown with the call of Google's run_finetuning.py, which cannot read the shape from the checkpoint."""
    shape = network.shape
    overrides = {
        "hidden_size": shape["hidden"],
        "num_hidden_layers": shape["layers"],
        "num_attention_heads": network.tower["heads"],
        "intermediate_size": shape["intermediate"],
        "max_position_embeddings": shape["max_positions"],
    }
    parameters = {
        "model_size": "base",
        "vocab_size": shape["vocabulary"],
        "embedding_size": shape["embedding"],
        "do_lower_case": lowercase,
        "model_hparam_overrides": overrides,
        "task_names": ["TASK"],
    }
    return f"""Copy the folder to `DATA/models/NAME`. In a checkout of google-research/electra:

```sh
python3 run_finetuning.py --data-dir DATA --model-name NAME --hparams '{json.dumps(parameters)}'
```
"""
