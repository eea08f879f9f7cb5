"""The kinds of models that can be trained further, ELECTRA and BERT. Every other kind is refused with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from configs.common.errors import UserError

_READ = ("electra", "bert")
_POSITIONS = "its positions begin after the id of its padding, and its vocabulary is no WordPiece vocabulary"
_RELATIVE = "its attention depends on the distance of two tokens, and ELECTRA's on learned positions"
_ROTARY = "it turns its queries and keys by their positions, and ELECTRA learns a table of positions"
_OTHER_LAYERS = "its layers compute something else than BERT's"
_DECODER = "it writes text from left to right, or has a decoder"
_WHY_NOT = {
    **dict.fromkeys(("roberta", "xlm-roberta", "camembert", "xlm", "flaubert"), _POSITIONS),
    **dict.fromkeys(("deberta", "deberta-v2", "xlnet", "nezha"), _RELATIVE),
    "mpnet": "its attention depends on the distance of two tokens, and its positions begin after the id of its padding",
    "distilbert": "it has no token types",
    "albert": "all its layers share their weights",
    **dict.fromkeys(("modernbert", "roformer", "nomic_bert", "neobert", "eurobert"), _ROTARY),
    **dict.fromkeys(("mobilebert", "convbert", "squeezebert", "funnel", "fnet", "ibert"), _OTHER_LAYERS),
    **dict.fromkeys(("big_bird", "longformer", "reformer", "nystromformer"), "its attention does not read every token"),
    "ernie": "it may have embeddings of tasks",
    **dict.fromkeys(("gpt2", "bart", "t5", "llama", "bert-generation"), _DECODER),
}
# Parts of names of tensors that show the kind of a model whose config does not state it.
_TRACES = {
    "roberta.": "roberta",
    "lm_head.layer_norm.": "roberta",
    "rel_embeddings.": "deberta",
    "relative_attention_bias.": "mpnet",
    "q_lin.": "distilbert",
    "albert_layer_groups.": "albert",
}
# The entries of a config that change what BERT's layers compute, with the only values that ELECTRA has.
_NEEDED = {"hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False}


def refuse_other_models(config: Mapping[str, Any], tensors: Iterable[str], origin: str | Path) -> None:
    """Raise UserError, naming `origin`, unless a config and the names of tensors are those of an ELECTRA or a BERT."""
    stated = config.get("model_type")
    kind = stated or next((kind for name in tensors for trace, kind in _TRACES.items() if trace in name), _READ[0])
    if kind not in _READ:
        reason = _WHY_NOT.get(str(kind).lower(), "which is another kind of model")
        shown = f"model_type is {kind}" if stated else f"is a model of the kind {kind}"
        raise UserError(f"{origin}: {shown}: {reason}; name an ELECTRA or a BERT")
    for key, needed in _NEEDED.items():
        if (value := config.get(key, needed)) != needed:
            raise UserError(
                f"{origin}: its config has {key} = {value!r}, and ELECTRA computes with {needed!r}; name another model"
            )
