"""Other kinds of models are refused by name, each with its reason."""

from __future__ import annotations

from typing import Any

import pytest
import transformers

from configs.common.errors import UserError
from configs.common.model_kinds import refuse_other_models

SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 20}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "roberta"}, "model_type is roberta: its positions begin after the id of its padding"),
        ({"model_type": "xlm-roberta"}, "its vocabulary is no WordPiece vocabulary"),
        ({"model_type": "deberta-v2"}, "its attention depends on the distance of two tokens"),
        ({"model_type": "mpnet"}, "its attention depends on the distance of two tokens"),
        ({"model_type": "distilbert"}, "it has no token types"),
        ({"model_type": "albert"}, "all its layers share their weights"),
        ({"model_type": "modernbert"}, "it turns its queries and keys by their positions"),
        ({"model_type": "gpt2"}, "it writes text from left to right"),
        ({"model_type": "whisper"}, "model_type is whisper: which is another kind of model"),
        ({"model_type": ["bert"]}, "another kind of model"),
        ({"model_type": "bert", "hidden_act": "relu"}, "hidden_act = 'relu', and ELECTRA computes with 'gelu'"),
        ({"model_type": "bert", "position_embedding_type": "relative_key"}, "position_embedding_type = 'relative_key'"),
        ({"is_decoder": True}, "is_decoder = True, and ELECTRA computes with False"),
    ],
)
def test_a_config_of_another_kind(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=f"^model: .*{reason}.*; name "):
        refuse_other_models(config, (), "model")


@pytest.mark.parametrize("kind", ["Roberta", "Albert", "DebertaV2", "MPNet", "DistilBert"])
def test_the_tensors_show_the_kind_where_the_config_is_silent(kind: str) -> None:
    """The names are those of transformers' own models."""
    config = getattr(transformers, f"{kind}Config")(**SMALL, relative_attention=True)
    names = getattr(transformers, f"{kind}ForMaskedLM")(config).state_dict().keys()
    with pytest.raises(UserError, match="model: is a model of the kind "):
        refuse_other_models({}, names, "model")


@pytest.mark.parametrize("kind", ["Electra", "Bert"])
def test_electra_and_bert_are_taken(kind: str) -> None:
    model = getattr(transformers, f"{kind}ForMaskedLM")(getattr(transformers, f"{kind}Config")(**SMALL))
    refuse_other_models(model.config.to_dict(), model.state_dict(), "model")
    refuse_other_models({}, model.state_dict(), "model")
