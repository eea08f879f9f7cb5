"""Muon, against torch's implementation and by its law, and the cuts that ZeRO makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from configs.load import load
from pretrain.step.muon import Layout, MuonWithAdam, orthogonal, scaled_update
from pretrain.step.muon_costs import POLYNOMIALS, SAFETY
from pretrain.step.optim import ElectraAdam

SETTINGS = load("tiny", ["optimizer.matrices=muon", "optimizer.momentum=0.9"]).optimizer
NEWTON_SCHULZ = POLYNOMIALS["newton_schulz"]
SHAPES = [(48, 48), (48, 16), (16, 48), (16, 48)]


def optimizer_of(weights: list[nn.Parameter], dtype: torch.dtype, matrices: int = 1) -> MuonWithAdam:
    group = {"params": weights, "weight_decay": 0.1, "matrices": matrices}
    muon = MuonWithAdam([group], SETTINGS, dtype)
    muon.param_groups[0]["lr"] = 0.01
    return muon


def reference_of(weights: list[nn.Parameter]) -> torch.optim.Muon:
    return torch.optim.Muon(weights, lr=0.01, weight_decay=0.1, momentum=0.9, adjust_lr_fn="match_rms_adamw")


def copies(weights: list[nn.Parameter]) -> list[nn.Parameter]:
    return [nn.Parameter(weight.detach().clone()) for weight in weights]


def give_gradients(ours: list[nn.Parameter], theirs: list[nn.Parameter]) -> None:
    for left, right in zip(ours, theirs, strict=True):
        left.grad = torch.randn_like(left)
        right.grad = left.grad.clone()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 1e-5), (torch.float32, 2e-3)])
def test_steps_are_those_of_torch(dtype: torch.dtype, tolerance: float) -> None:
    """torch computes in bf16. A step moves each weight by about .002, which is .2 times the rate."""
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.randn(shape)) for shape in SHAPES]
    expected = copies(weights)
    ours, theirs = optimizer_of(weights, dtype), reference_of(expected)
    for _ in range(5):
        give_gradients(weights, expected)
        ours.step()
        theirs.step()
    torch.testing.assert_close(weights, expected, rtol=0, atol=tolerance)


def test_matrices_in_one_parameter_are_updated_as_if_they_were_alone() -> None:
    torch.manual_seed(0)
    fused = nn.Parameter(torch.randn(3 * 32, 32))
    single = [nn.Parameter(part.clone()) for part in fused.detach().chunk(3)]
    ours, theirs = optimizer_of([fused], torch.float32, matrices=3), optimizer_of(single, torch.float32)
    fused.grad = torch.randn_like(fused)
    for part, gradient in zip(single, fused.grad.chunk(3), strict=True):
        part.grad = gradient.clone()
    ours.step()
    theirs.step()
    torch.testing.assert_close(fused, nn.Parameter(torch.cat(list(single))), rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(64, 64), (64, 256), (256, 64)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_all_singular_values_of_an_update_are_near_1(shape: tuple[int, int], dtype: torch.dtype) -> None:
    """The singular values of the input are 1 to 100; the published range of the outputs is .68 to 1.13."""
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    values = torch.logspace(0, 2, min(shape))
    matrix = (left * values) @ right
    result = orthogonal(matrix[None].to(dtype), NEWTON_SCHULZ)[0].float()
    singular = torch.linalg.svdvals(result)
    assert singular.min() > 0.65
    assert singular.max() < 1.25
    # The singular vectors are the same, so the result in their basis is diagonal.
    in_basis = left.T @ result @ right.T
    assert (in_basis - in_basis.diag().diag()).abs().max() < (1e-3 if dtype == torch.float32 else 0.05)


@pytest.mark.parametrize("way", POLYNOMIALS)
@pytest.mark.parametrize("shape", [(64, 64), (64, 256), (256, 64)])
def test_the_singular_values_are_mapped_by_the_polynomials(way: str, shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(shape, dtype=torch.float64), full_matrices=False)
    values = torch.logspace(-2, 2, min(shape), dtype=torch.float64)
    result = orthogonal((left * values) @ right[None], POLYNOMIALS[way])[0]
    expected = values / values.norm()
    for a, b, c in POLYNOMIALS[way]:
        expected = a * expected + b * expected**3 + c * expected**5
    torch.testing.assert_close(left.T @ result @ right.T, expected.diag(), rtol=0, atol=1e-9)


def test_polar_express_maps_each_interval_onto_one_around_1() -> None:
    """By the construction of Amsel et al. (section 3), a polynomial maps the ends of its interval to 1 - d and 1 + d.

    The first interval is that from .001 to 1.
    """
    low, high = 1e-3, 1.0
    for a, b, c in POLYNOMIALS["polar_express"]:
        inner = SAFETY * np.linspace(low, high, 100_001)
        mapped = a * inner + b * inner**3 + c * inner**5
        assert mapped[0] + mapped[-1] == pytest.approx(2, abs=1e-6)
        assert mapped.max() <= mapped[-1] + 1e-6
        low, high = mapped[0], mapped[-1]


def test_polar_express_keeps_singular_values_in_a_wider_range() -> None:
    """The docstring of `orthogonal` states the range."""
    values = np.linspace(3e-3, 1, 100_001)
    for a, b, c in POLYNOMIALS["polar_express"]:
        values = a * values + b * values**3 + c * values**5
    assert values.min() > 0.18 and values.max() < 1.87


@pytest.mark.parametrize("shape", [(128, 128), (32, 512), (512, 32)])
def test_the_mean_square_of_an_update_is_a_fifth_squared(shape: tuple[int, int]) -> None:
    """A matrix with all singular values 1 has the mean square min(R, C) / (R C), so that the scale makes it .04."""
    torch.manual_seed(0)
    update = scaled_update(torch.randn(1, *shape), NEWTON_SCHULZ)
    assert float(update.square().mean().sqrt()) == pytest.approx(0.2, rel=0.15)


def test_a_gradient_of_zero_gives_an_update_of_zero() -> None:
    assert torch.equal(scaled_update(torch.zeros(2, 8, 4), NEWTON_SCHULZ), torch.zeros(2, 8, 4))


def test_a_step_that_is_skipped_changes_nothing() -> None:
    weight = nn.Parameter(torch.randn(8, 8))
    muon = optimizer_of([weight], torch.float32)
    weight.grad = torch.randn(8, 8)
    muon.step()
    before = [weight.detach().clone(), *(tensor.clone() for tensor in muon.state[weight].values())]
    weight.grad = torch.full((8, 8), torch.nan)
    muon.found_inf = torch.ones(())
    muon.step()
    assert all(map(torch.equal, before, (weight, *muon.state[weight].values())))


def test_a_parameter_of_another_group_is_updated_by_adam() -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(8, 8))
    expected = copies([weight])
    ours = optimizer_of([weight], torch.float32, matrices=0)
    theirs = ElectraAdam([{"params": expected, "weight_decay": 0.1, "lr": 0.01}], SETTINGS)
    give_gradients([weight], expected)
    ours.step()
    theirs.step()
    assert torch.equal(weight, expected[0])
    assert ours.state[weight].keys() == theirs.state[expected[0]].keys()


@dataclass(frozen=True)
class Gathered:
    """A world whose processes gave `whole`."""

    rank: int
    whole: Tensor

    def gather(self, tensor: Tensor) -> Tensor:
        return self.whole


@pytest.mark.parametrize("processes", [1, 2, 3, 5, 8])
def test_the_pieces_of_all_processes_are_the_group(processes: int) -> None:
    """Fragments begin and end anywhere. The last one ends with padding, or is nothing else."""
    shapes = [torch.Size(shape) for shape in ((3, 4), (2, 5), (6, 6))]
    begins, end = (0, 12, 22), 58
    size = -(-64 // processes)
    whole, weights = torch.arange(size * processes), torch.zeros(size * processes)
    for rank in range(processes):
        layout = Layout(tuple(zip(begins, shapes, strict=True)), Gathered(rank, whole))  # type: ignore[arg-type]  gathers without processes
        for piece in layout.pieces(weights[rank * size : (rank + 1) * size], whole[:0]):
            piece.weight.add_(piece.direction.flatten()[piece.first : piece.first + len(piece.weight)])
    assert torch.equal(weights[:end], whole[:end].float())
    assert not weights[end:].any()
