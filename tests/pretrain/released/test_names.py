"""transformers' names and back."""

from __future__ import annotations

import torch

from pretrain.released.names import describe, from_huggingface, to_huggingface


def test_query_key_and_value_are_cut_and_joined_in_this_order() -> None:
    weights = {"generator.layers.3.attention.qkv.bias": torch.arange(6.0)}
    state = to_huggingface(weights, "generator")
    stem = "electra.encoder.layer.3.attention.self"
    assert {name.removeprefix(stem): t.tolist() for name, t in state.items()} == {
        ".query.bias": [0, 1],
        ".key.bias": [2, 3],
        ".value.bias": [4, 5],
    }
    (back,) = from_huggingface(state, "generator").values()
    assert back.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_query_without_its_key_gives_no_matrix() -> None:
    assert not from_huggingface({"electra.encoder.layer.0.attention.self.query.bias": torch.zeros(2)}, "generator")


def test_sentences_have_the_names_of_the_file() -> None:
    assert (
        describe("discriminator.layers.1.output.bias", "discriminator") == "electra.encoder.layer.1.output.dense.bias"
    )
    assert "attention.self.query.weight with key and value" in describe(
        "generator.layers.0.attention.qkv.weight", "generator"
    )
