"""Folders that transformers loads: safetensors, a config and the tokenizer. They hold no pickle and no code."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from configs.common import chatter
from configs.common.errors import UserError
from configs.common.files import make_folder, write_json
from pretrain.export.config import architecture, config_of
from pretrain.export.proof import CardFacts, Outputs, Written
from pretrain.export.reading import OWN_READER, read_back
from pretrain.export.source import Source
from pretrain.export.tokenizer import write_tokenizer
from pretrain.released.lookup import open_released
from pretrain.released.names import to_huggingface
from pretrain.released.network import Network, TowerName

WEIGHTS, CONFIG = "model.safetensors", "config.json"
# For each network, the objectives whose heads transformers' classes have.
HEADS: dict[TowerName, tuple[str, ...]] = {"discriminator": ("rtd",), "generator": ("mlm",)}


def write(source: Source, parts: Sequence[TowerName], folder: Path) -> list[Written]:
    """Write a folder for each of the networks `parts` below `folder`, such as `folder`/discriminator."""
    return [_write(source, source.networks[part], folder / part) for part in parts]


def _write(source: Source, network: Network, folder: Path) -> Written:
    write_folder(source, network, folder, state_of(network), {}, "ElectraTokenizerFast")
    kind, heads = architecture(network), HEADS[network.part] if network.has_head else ()
    own = read_back(network, open_released(str(folder)), heads)
    outputs, reader = transformers_outputs(kind, folder) or (own, OWN_READER)
    card = CardFacts("transformers", usage(kind), "fill-mask" if kind.endswith("ForMaskedLM") else None)
    return Written(folder, network, heads, outputs, reader, card, states=not heads)


def state_of(network: Network) -> dict[str, Tensor]:
    """Return the weights of a network by the names under which transformers saves them."""
    weights = to_huggingface(network.weights, network.part)
    # transformers saves a model without a head under names without this prefix.
    return weights if network.has_head else {name.removeprefix("electra."): weights[name] for name in weights}


def usage(architecture: str, options: str = "") -> str:
    """Return Markdown that shows how transformers loads a folder."""
    return f"""```python
from transformers import AutoTokenizer, {architecture}

tokenizer = AutoTokenizer.from_pretrained("FOLDER")
model = {architecture}.from_pretrained("FOLDER"{options})
```
"""


def write_folder(
    source: Source,
    network: Network,
    folder: Path,
    weights: dict[str, Tensor],
    changes: dict[str, Any],
    tokenizer_class: str,
) -> None:
    """Write weights, tokenizer and config. `changes` are entries of the config; None removes a key."""
    write_description(source, network, folder, changes, tokenizer_class)
    try:
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    except SafetensorError as error:
        raise UserError(f"{folder / WEIGHTS}: cannot be written ({error})") from None


def write_description(
    source: Source, network: Network, folder: Path, changes: dict[str, Any], tokenizer_class: str
) -> None:
    """Write the files of `write_folder` other than the weights."""
    make_folder(folder)
    pad_id = write_tokenizer(source.tokenizer, folder, network.shape["max_positions"], tokenizer_class)
    config = config_of(network, pad_id) | changes
    write_json(folder / CONFIG, {key: value for key, value in config.items() if value is not None})


def import_transformers() -> Any:
    """Import transformers, and switch off its bars, which would appear between the lines of our commands."""
    import transformers

    if not chatter.is_wanted():
        transformers.utils.logging.disable_progress_bar()
    return transformers


def transformers_outputs(architecture: str, folder: Path, **options: Any) -> tuple[Outputs, str] | None:
    """Return a function that computes outputs with transformers, and its version. None if it is not installed."""
    if not find_spec("transformers"):
        return None
    transformers = import_transformers()
    model = getattr(transformers, architecture).from_pretrained(folder, **options).eval()

    @torch.no_grad()
    def outputs(tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        result = model(input_ids=tokens, attention_mask=real.long(), token_type_ids=segments)
        return result.logits if "logits" in result else result.last_hidden_state

    return outputs, f"transformers {transformers.__version__}"
