"""Whatever modules an encoder was wrapped in, its tensors get transformers' names."""

from __future__ import annotations

import pytest
import torch

from configs.common.errors import UserError
from pretrain.released.state_names import standard_names

WORD = "embeddings.word_embeddings.weight"
TENSOR = torch.zeros(1)


@pytest.mark.parametrize("prefix", ["", "electra.", "bert.", "module.electra.", "module.model.electra."])
def test_the_encoder_and_its_head(prefix: str) -> None:
    head = "discriminator_predictions.dense.bias"
    around = prefix.removesuffix("electra.").removesuffix("bert.")
    names = [f"{prefix}{WORD}", f"{prefix}encoder.layer.0.output.LayerNorm.gamma", f"{around}{head}"]
    assert [*standard_names(dict.fromkeys(names, TENSOR), "m")] == [
        f"electra.{WORD}",
        "electra.encoder.layer.0.output.LayerNorm.weight",
        head,
    ]


def test_a_tensor_of_no_electra_keeps_its_name() -> None:
    assert [*standard_names({"electra." + WORD: TENSOR, "classifier.dense.bias": TENSOR}, "m")][1] == (
        "classifier.dense.bias"
    )


def test_two_encoders_are_refused() -> None:
    with pytest.raises(UserError, match=r"m: holds 2 encoders \(discriminator\.electra\., generator\.electra\.\)"):
        standard_names({f"{part}.electra.{WORD}": TENSOR for part in ("generator", "discriminator")}, "m")
