"""Folders and hub repositories of transformers.

Those of an ELECTRA hold one network: `NAME-discriminator` or `NAME-generator`. Those of a BERT may hold both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from configs.common import hub
from configs.common.errors import UserError
from configs.common.files import read_json
from configs.common.model_kinds import refuse_other_models
from configs.folders import TOKENIZER_FILE, VOCABULARY_FILE
from pretrain.released import bert
from pretrain.released.names import from_huggingface, left_out
from pretrain.released.network import Network, TowerName
from pretrain.released.state_names import standard_names
from pretrain.released.weight_files import PICKLED, SAFETENSORS, read_weights, weight_file

CONFIG = "config.json"
# The files that are downloaded from a repository. Weights in shards have an index that names the shards.
_DOWNLOADED = (
    *(CONFIG, VOCABULARY_FILE, TOKENIZER_FILE, "tokenizer_config.json"),
    *(SAFETENSORS, f"{SAFETENSORS}.index.json", "model-*.safetensors"),
)
_PICKLES = (PICKLED, f"{PICKLED}.index.json", "pytorch_model-*.bin")


def is_model(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and weight_file(folder) is not None


def read(folder: Path, origin: str = "") -> list[Network]:
    """Read the networks in a folder. Raises UserError for another kind of model than ELECTRA and BERT."""
    origin = origin or str(folder)
    config = read_config(folder / CONFIG)
    tensors = standard_names(read_weights(folder), origin)
    refuse_other_models(config, tensors, origin)
    if bert.has_head(tensors):
        return bert.networks(tensors, config, origin)
    tower: TowerName = "generator" if any(name.startswith("generator_") for name in tensors) else "discriminator"
    weights = from_huggingface(tensors, tower)
    # The head has a second copy of the word embeddings.
    table = tensors.pop("generator_lm_head.weight", None)
    if table is not None:
        bert.refuse_untied(tensors, table, f"{origin}: generator_lm_head.weight", "electra")
    return [Network(tower, weights, config, origin, left_out(tensors, tower, weights))]


def read_config(file: Path) -> dict[str, Any]:
    """Read a model's config.json. Raises UserError when it is no config, or the config of another kind of model."""
    config = read_json(file)
    if not isinstance(config, dict):
        raise UserError(f"{file}: holds no JSON object, so it is no config of a model; copy or download it again")
    refuse_other_models(config, (), file)
    return config


def download(name: str) -> Path:
    """Download a repository from the hub and return its folder. Raises UserError when that is not possible."""
    folder = hub.download(name, _DOWNLOADED)
    # A pickle is downloaded only where there is no safetensors file.
    return folder if weight_file(folder) else hub.download(name, (*_DOWNLOADED, *_PICKLES))


def partner(name: str) -> str | None:
    """Return `X-generator` for `X-discriminator`, `X-discriminator` for `X-generator`, and None for other names."""
    for this, other in (("discriminator", "generator"), ("generator", "discriminator")):
        if name.endswith(f"-{this}") or Path(name).name == this:
            return name.removesuffix(this) + other
    return None
