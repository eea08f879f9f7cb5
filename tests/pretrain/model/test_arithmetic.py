"""The operations of the networks, summed and compared with numbers worked by hand."""

from __future__ import annotations

from configs.load import load
from pretrain.model.arithmetic import Operation, discriminator_operations, generator_operations, slot_operations

# Two networks of one layer with D = E = 4, I = 6, two heads, L = 8 and V = 100.
ONE_LAYER = [
    "data.row_length=8",
    "vocabulary.size=100",
    "model.embedding=4",
    *(
        f"model.{tower}.{key}"
        for tower in ("generator", "discriminator")
        for key in ("layers=1", "hidden=4", "heads=2")
    ),
    "model.generator.intermediate=6",
    "model.discriminator.intermediate=6",
]


def _sum(operations: list[Operation], name: str) -> int:
    return sum(getattr(operation, name) for operation in operations)


def _moved(operations: list[Operation]) -> int:
    return sum(sum(operation.moved) for operation in operations)


def test_operations_of_every_token() -> None:
    recipe = load("tiny", ONE_LAYER)
    operations = [*generator_operations(recipe), *discriminator_operations(recipe)]
    layer = 2 * (4 * 4 * 4 + 2 * 4 * 6)  # four D x D matrices and two D x I matrices
    assert _sum(operations, "flops") == 2 * layer + 2 * (4 * 4 + 4)
    assert _sum(operations, "flops_of_pair") == 2 * 4 * 4  # two products of D numbers in each network
    # For each network 6 D + 2 I + L. The head of the discriminator saves 3 D.
    assert _sum(operations, "narrow") == 2 * (6 * 4 + 2 * 6 + 8) + 3 * 4
    # For each network the embeddings E + 2, and for the layer 2 (D + 2) and the heads. The states of the generator are
    # D, and the loss takes 2.
    assert _sum(operations, "wide") == 2 * (4 + 2 + 2 * (4 + 2) + 2) + 4 + 2
    assert _sum(operations, "dropped") == 2 * (4 + 2 * 4)
    # For each network 6 E, and for the layer 4 D, 12 D, 2 D, 2 * 7 D, and the products of D and I with the gelu.
    products = [3 * (4 + 12), 12 * 4, 3 * (4 + 4), 2 * 7 * 4, 6 * (4 + 6) + 2 * 6]
    assert _moved(operations) == 2 * (6 * 4 + sum(products)) + 3 * (4 + 4) + 3 * (4 + 1)


def test_operations_of_every_slot() -> None:
    operations = list(slot_operations(load("tiny", ONE_LAYER)))
    assert (_sum(operations, "flops"), _sum(operations, "flops_of_pair")) == (2 * 4 * (4 + 100), 0)
    assert (_sum(operations, "narrow"), _sum(operations, "wide")) == (
        4 + 3 * 4,
        2 + 128,
    )  # the 100 logits are padded to 128
    assert _moved(operations) == 3 * (4 + 4) + 3 * (4 + 100) + 4 * 100
