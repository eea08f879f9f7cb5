"""What the generator draws, by its law."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.model.sampling import BLOCK, sample, sample_others

LOGITS = torch.tensor([0.0, 1.0, -2.0, 2.0, -9.0])


def of(logits: Tensor) -> Tensor:
    """Log-probabilities of whole blocks."""
    return F.pad(logits, (0, -logits.shape[-1] % BLOCK), value=-torch.inf).log_softmax(-1)


def chi_square(counts: torch.Tensor, expected: torch.Tensor) -> float:
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_samples_follow_the_distribution(temperature: float) -> None:
    draws = 200_000
    uniforms = torch.rand(1, draws, 2, generator=torch.Generator().manual_seed(0))
    ids = sample(of(LOGITS).expand(1, draws, BLOCK), uniforms, temperature)
    counts = torch.bincount(ids.flatten(), minlength=5)
    # chi-square with 4 degrees of freedom is above 23.5 once in 10,000
    assert chi_square(counts, (LOGITS / temperature).softmax(-1) * draws) < 23.5


def test_the_edges_of_the_interval_sample_possible_tokens() -> None:
    log_probs = of(torch.tensor([-torch.inf, 0.5, 0.5, -torch.inf])).expand(1, 2, BLOCK)
    uniforms = torch.tensor([[0.0, 1 - 2**-24]])[:, :, None].expand(1, 2, 2)
    assert sample(log_probs, uniforms, 1.0).tolist() == [[1, 2]]


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_candidates_follow_the_law_of_drawing_without_replacement(temperature: float) -> None:
    """Every ordered pair of two others, by the product of the probabilities of what is left."""
    draws, original = 200_000, 3
    uniforms = torch.rand(1, draws, 2, 2, generator=torch.Generator().manual_seed(0))
    taken = torch.full((1, draws), original)
    pairs = sample_others(of(LOGITS).expand(1, draws, BLOCK), taken, uniforms, temperature).view(draws, 2)
    weight = (LOGITS / temperature).exp()
    total = float(weight.sum() - weight[original])
    chances = {
        (first, second): float(weight[first] / total * weight[second] / (total - weight[first]))
        for first, second in permutations([0, 1, 2, 4], 2)
    }
    assert sum(chances.values()) == pytest.approx(1)
    counts = torch.bincount(pairs[:, 0] * 5 + pairs[:, 1], minlength=25)
    assert int(sum(counts[first * 5 + second] for first, second in chances)) == draws
    frequent = {pair: chance for pair, chance in chances.items() if chance * draws >= 5}
    expected = torch.tensor(list(frequent.values())) * draws
    observed = torch.stack([counts[first * 5 + second] for first, second in frequent])
    # with at most 11 degrees of freedom it is above 37.4 once in 10,000
    assert chi_square(observed, expected) < 37.4


def test_candidates_where_the_generator_is_certain() -> None:
    """Probabilities that round to zero still give others, each once, and never the original."""
    log_probs = of(torch.tensor([0.0, 300.0, -300.0, 1.0])).expand(1, 50, BLOCK)
    uniforms = torch.linspace(0, 1 - 2**-24, 50)[None, :, None, None].expand(1, 50, 3, 2)
    candidates = sample_others(log_probs, torch.ones(1, 50, dtype=torch.long), uniforms, 1.0)
    assert all(sorted(row) == [0, 2, 3] for row in candidates[0].tolist())


def test_none_are_drawn_where_none_are_asked_for() -> None:
    log_probs = of(LOGITS).expand(2, 3, BLOCK)
    assert sample_others(log_probs, torch.zeros(2, 3, dtype=torch.long), torch.empty(2, 3, 0, 2), 1.0).shape == (
        2,
        3,
        0,
    )


def test_rounding_of_the_logits_changes_hardly_any_token() -> None:
    """As another cut of the batch does it. Inverted over the whole vocabulary at once, five of these 40,000 changed."""
    chooser = torch.Generator().manual_seed(0)
    log_probs = torch.randn(1, 2000, 8000, generator=chooser).log_softmax(-1)
    moved = (log_probs + 2e-7 * torch.randn(log_probs.shape, generator=chooser)).log_softmax(-1)
    changed = 0
    for _ in range(20):
        uniforms = torch.rand(1, 2000, 2, generator=chooser)
        changed += int((sample(log_probs, uniforms, 1.0) != sample(moved, uniforms, 1.0)).sum())
    assert changed <= 1


def test_of_logits_that_are_no_numbers_the_first_is_drawn() -> None:
    ids = sample(torch.full((1, 3, 2 * BLOCK), torch.nan), torch.full((1, 3, 2), 0.5), 1.0)
    assert not ids.any()
