"""Packed texts have the states, the outputs and the gradients that transformers computes for padded texts."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.packed import PackedDiscriminator, pack
from pretrain.released.names import to_huggingface

LENGTHS = (3, 9, 2, 5, 4, 9, 7)


def _batch() -> dict[str, Tensor]:
    torch.manual_seed(0)
    shape = len(LENGTHS), max(LENGTHS)
    mask = (torch.arange(shape[1]) < torch.tensor(LENGTHS)[:, None]).long()
    return {
        "input_ids": torch.randint(5, 20, shape) * mask,
        "attention_mask": mask,
        "token_type_ids": torch.randint(2, shape) * mask,
    }


def test_states_and_gradients_are_those_of_transformers(backbone: Backbone, model: Path) -> None:
    from transformers import ElectraModel

    packed, electra = PackedDiscriminator(backbone.network, 0.1, 0.1).eval(), ElectraModel.from_pretrained(model).eval()
    batch, real = _batch(), _batch()["attention_mask"].bool()
    actual, expected = packed(**batch), electra(**batch, output_hidden_states=True)
    assert not actual.last_hidden_state[~real].any()
    torch.testing.assert_close(actual.last_hidden_state[real], expected.last_hidden_state[real])
    torch.testing.assert_close(actual.hidden_states[-2][real], expected.hidden_states[-2][real])

    weights = torch.randn_like(actual.last_hidden_state[real])
    for states in (actual.last_hidden_state, expected.last_hidden_state):
        (states[real] * weights).sum().backward()
    gradients = {name: parameter.grad for name, parameter in packed.named_parameters() if parameter.grad is not None}
    assert len(gradients) == len(list(packed.parameters()))
    for name, gradient in to_huggingface(gradients, "discriminator").items():
        theirs = electra.get_parameter(name.removeprefix("electra.")).grad
        torch.testing.assert_close(gradient, theirs, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("seed", range(20))
def test_texts_in_rows_do_not_overlap(seed: int) -> None:
    chooser = random.Random(seed)
    lengths = [chooser.randint(1, 60) for _ in range(chooser.randint(1, 40))]
    begins, length, num_rows = pack(lengths)
    assert length == max(lengths)
    taken = [place for begin, size in zip(begins, lengths, strict=True) for place in range(begin, begin + size)]
    assert len(taken) == len(set(taken)) and max(taken) < num_rows * length
    rows = [(begin // length, (begin + size - 1) // length) for begin, size in zip(begins, lengths, strict=True)]
    assert all(first == last for first, last in rows)


def test_a_text_goes_into_the_first_row_that_has_room() -> None:
    """Rows of 9: 9 | 7 2 | 5 4 | 3."""
    assert pack((3, 9, 2, 5, 4, 7)) == ([27, 0, 16, 18, 23, 9], 9, 4)
