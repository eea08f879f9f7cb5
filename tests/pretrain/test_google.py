"""Against numbers of google-research/electra's own code: logits, losses, gradients, weights after steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pretrain.model.objectives import take
from pretrain.step.engine import Engine
from pretrain.step.optim import learning_rate
from pretrain.step.world import World
from tests.pretrain.google import CASES, Case

pytestmark = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_the_batch_is_masked_and_corrupted_as_googles(case: Case) -> None:
    batch = case.batch()
    pair = case.pair(case.recipe()).eval()
    assert torch.equal(batch.masked_tokens, torch.from_numpy(case.arrays["masked_input_ids"]).long())
    batch = case.with_samples(pair, batch)
    output = pair(batch, pair.counts([batch]))
    assert torch.equal(output.forward.replaced, torch.from_numpy(case.arrays["is_fake"]) > 0)


def test_logits_and_losses(case: Case) -> None:
    pair = case.pair(case.recipe()).eval()
    batch = case.with_samples(pair, case.batch())
    output = pair(batch, pair.counts([batch]))
    filled, real = batch.filled, batch.real

    expected = torch.from_numpy(case.arrays["gen_logits"])
    everywhere = pair.generator_logits(batch.masked_tokens, batch.segments, real)
    torch.testing.assert_close(take(everywhere, batch.slots)[filled], expected[filled], atol=1e-5, rtol=0)
    log_probs = expected.log_softmax(-1)
    pair_log_probs = output.forward.slot_log_probs[:, :, : log_probs.shape[2]]
    torch.testing.assert_close(pair_log_probs[filled], log_probs[filled], atol=1e-5, rtol=0)
    assert pair.detection is not None
    logits = pair.detection.logits(output.forward.states)
    torch.testing.assert_close(logits[real], torch.from_numpy(case.arrays["disc_logits"])[real], atol=1e-5, rtol=0)
    hidden = torch.from_numpy(case.arrays["disc_sequence_output"])
    torch.testing.assert_close(output.forward.states[real], hidden[real], atol=1e-5, rtol=0)

    counts = pair.counts([batch])
    assert float(output.sums["mlm"] / counts["mlm"]) == pytest.approx(float(case.arrays["mlm_loss"]), rel=1e-6)
    assert float(output.sums["rtd"] / counts["rtd"]) == pytest.approx(float(case.arrays["disc_loss"]), rel=1e-6)
    assert float(output.loss) == pytest.approx(float(case.arrays["total_loss"]), rel=1e-6)


def test_gradients_and_their_norm(case: Case) -> None:
    pair = case.pair(case.recipe())
    batch = case.with_samples(pair, case.batch())
    pair(batch, pair.counts([batch])).loss.backward()
    expected = case.weights("grad")
    parameters = dict(pair.named_parameters())
    assert parameters.keys() == expected.keys()
    for name, parameter in parameters.items():
        assert parameter.grad is not None
        largest = float(expected[name].abs().max())
        torch.testing.assert_close(parameter.grad, expected[name], atol=1e-5 * largest, rtol=0, msg=name)
    norm = torch.nn.utils.get_total_norm([p.grad for p in pair.parameters() if p.grad is not None])
    assert float(norm) == pytest.approx(float(case.arrays["global_norm"]), rel=1e-5)


@pytest.mark.parametrize("zero_stage", [0, 1, 2])
def test_weights_after_steps_of_the_real_engine(case: Case, zero_stage: int, world: World) -> None:
    recipe = case.recipe(f"compute.zero_stage={zero_stage}")
    engine = Engine(case.pair(recipe), recipe, world)
    for step in range(5):
        batch = case.with_samples(engine.pair.eval(), case.batch())
        rate = learning_rate(step, recipe.optimizer, recipe.schedule)
        measures = engine.step([batch], rate, measure=True)
        assert measures is not None
        assert rate == pytest.approx(float(case.arrays["steps/lr"][step]), rel=1e-6, abs=1e-12)
        assert measures.losses["mlm"] == pytest.approx(float(case.arrays["steps/mlm_loss"][step]), rel=1e-5)
        assert measures.losses["rtd"] == pytest.approx(float(case.arrays["steps/disc_loss"][step]), rel=1e-5)
        assert measures.gradient_norm == pytest.approx(float(case.arrays["steps/global_norm"][step]), rel=1e-4)
        if step in (0, 4):
            _compare(engine.pair.state_dict(), case.weights(f"after{step + 1}"))


def _compare(engine_weights: dict[str, torch.Tensor], google_weights: dict[str, torch.Tensor]) -> None:
    assert engine_weights.keys() == google_weights.keys()
    for name in google_weights:
        torch.testing.assert_close(engine_weights[name], google_weights[name], atol=1e-6, rtol=0, msg=name)


def test_the_fixture_moves(case: Case) -> None:
    """The comparison above could not fail on weights that stand still."""
    moved = [np.abs(case.weights("after5")[name] - value).max() for name, value in case.weights("init").items()]
    assert min(moved) > 1e-6
