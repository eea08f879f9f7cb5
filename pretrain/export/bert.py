"""Folders that transformers loads as BERT, for servers that do not know ELECTRA; the outputs are identical.

ELECTRA's encoder is the encoder of BERT, except that the embeddings may be narrower than the hidden states and are then
projected. So a network whose embeddings are as wide as its hidden states is a BERT with other names of weights. This
holds for the recipes `base` and `large`, but not for `small`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from configs.common.errors import UserError
from pretrain.export.huggingface import transformers_outputs, usage, write_folder
from pretrain.export.proof import CardFacts, Written
from pretrain.export.reading import OWN_READER, read_back
from pretrain.export.source import Source
from pretrain.released.bert import PREDICTION
from pretrain.released.lookup import open_released
from pretrain.released.names import to_huggingface
from pretrain.released.network import Network, TowerName

# ELECTRA's names of the generator's head, and BertForMaskedLM's.
_PREDICTION = {electra: bert for bert, electra in PREDICTION.items()}
_NO_POOLER = (
    "ELECTRA has no pooler. BertModel draws one at random unless it is loaded with add_pooling_layer=False, so take "
    "the states or their mean, and never pooler_output. A classifier trains its pooler."
)
_NO_HEAD = "The head that tells replaced tokens is left out, because BERT has no such head."


def write(source: Source, parts: Sequence[TowerName], folder: Path) -> list[Written]:
    """Write every part whose shape allows it. Raises UserError if the shape of the first part does not allow it."""
    fitting: list[TowerName] = [part for part in parts if not _misfit(source.networks[part])]
    if parts[0] not in fitting:
        raise UserError(f"{source.name}: --format bert: {_misfit(source.networks[parts[0]])}")
    for part in parts:
        if reason := _misfit(source.networks[part]):
            print(f"warning: {source.name}: the {part} is left out: {reason}", file=sys.stderr)
    return [_write(source, source.networks[part], folder / part) for part in fitting]


def _misfit(network: Network) -> str:
    """Return the reason why a network cannot be a BERT, or an empty string if it can."""
    embedding, hidden = network.shape["embedding"], network.shape["hidden"]
    if embedding == hidden:
        return ""
    return f"the embeddings of the {network.part} are {embedding} wide and its states {hidden}, and BERT's are equal"


def _write(source: Source, network: Network, folder: Path) -> Written:
    weights = to_huggingface(network.weights, network.part)
    predicts = "generator_lm_head.bias" in weights
    architecture, options = ("BertForMaskedLM", {}) if predicts else ("BertModel", {"add_pooling_layer": False})
    changes: dict[str, Any] = {"model_type": "bert", "architectures": [architecture], "embedding_size": None}
    renamed = _with_prediction(weights) if predicts else _encoder(weights, "")
    write_folder(source, network, folder, renamed, changes, "BertTokenizerFast")
    heads = ("mlm",) if predicts else ()
    own = read_back(network, open_released(str(folder)), heads)
    outputs, reader = transformers_outputs(architecture, folder, **options) or (own, OWN_READER)
    limits = () if predicts else (_NO_HEAD, _NO_POOLER)
    arguments = "" if predicts else ", add_pooling_layer=False"
    card = CardFacts("transformers", usage(architecture, arguments), "fill-mask" if predicts else None, limits)
    return Written(folder, network, heads, outputs, reader, card, states=not predicts)


def _encoder(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Rename the weights of the encoder. The weights of all heads are left out."""
    start = "electra."
    return {prefix + name.removeprefix(start): tensor for name, tensor in weights.items() if name.startswith(start)}


def _with_prediction(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    head = {
        f"{bert}.{name.rpartition('.')[2]}": tensor
        for name, tensor in weights.items()
        if (bert := _PREDICTION.get(name.rpartition(".")[0]))
    }
    return _encoder(weights, "bert.") | head
