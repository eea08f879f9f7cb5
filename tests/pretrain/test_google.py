"""Against numbers of google-research/electra's own code: logits, losses, gradients, weights after steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pretrain.engine import Engine
from pretrain.optim import learning_rate
from pretrain.world import World
from tests.pretrain import google


def test_the_batch_is_masked_and_corrupted_as_googles() -> None:
    batch = google.batch()
    pair = google.pair(google.recipe()).eval()
    assert torch.equal(batch.masked_tokens, torch.from_numpy(google.ARRAYS["masked_input_ids"]).long())
    batch = google.with_samples(pair, batch)
    output = pair(batch, pair.counts([batch]))
    assert torch.equal(output.forward.replaced, torch.from_numpy(google.ARRAYS["is_fake"]) > 0)


def test_logits_and_losses() -> None:
    pair = google.pair(google.recipe()).eval()
    batch = google.with_samples(pair, google.batch())
    output = pair(batch, pair.counts([batch]))
    filled, real = batch.filled, batch.real

    expected = torch.from_numpy(google.ARRAYS["gen_logits"]).log_softmax(-1)
    torch.testing.assert_close(output.forward.slot_log_probs[filled], expected[filled], atol=1e-5, rtol=0)
    assert pair.detection is not None
    logits = pair.detection.logits(output.forward.states)
    torch.testing.assert_close(logits[real], torch.from_numpy(google.ARRAYS["disc_logits"])[real], atol=1e-5, rtol=0)
    hidden = torch.from_numpy(google.ARRAYS["disc_sequence_output"])
    torch.testing.assert_close(output.forward.states[real], hidden[real], atol=1e-5, rtol=0)

    counts = pair.counts([batch])
    assert float(output.sums["mlm"] / counts["mlm"]) == pytest.approx(float(google.ARRAYS["mlm_loss"]), rel=1e-6)
    assert float(output.sums["rtd"] / counts["rtd"]) == pytest.approx(float(google.ARRAYS["disc_loss"]), rel=1e-6)
    assert float(output.loss) == pytest.approx(float(google.ARRAYS["total_loss"]), rel=1e-6)


def test_gradients_and_their_norm() -> None:
    pair = google.pair(google.recipe())
    batch = google.with_samples(pair, google.batch())
    pair(batch, pair.counts([batch])).loss.backward()
    expected = google.weights("grad")
    parameters = dict(pair.named_parameters())
    assert parameters.keys() == expected.keys()
    for name, parameter in parameters.items():
        assert parameter.grad is not None
        largest = float(expected[name].abs().max())
        torch.testing.assert_close(parameter.grad, expected[name], atol=1e-5 * largest, rtol=0, msg=name)
    norm = torch.nn.utils.get_total_norm([p.grad for p in pair.parameters() if p.grad is not None])
    assert float(norm) == pytest.approx(float(google.ARRAYS["global_norm"]), rel=1e-5)


@pytest.mark.parametrize("zero_stage", [0, 1, 2])
def test_weights_after_steps_of_the_real_engine(zero_stage: int, world: World) -> None:
    recipe = google.recipe(f"compute.zero_stage={zero_stage}")
    engine = Engine(google.pair(recipe), recipe, world)
    for step in range(5):
        batch = google.with_samples(engine.pair.eval(), google.batch())
        rate = learning_rate(step, recipe.optimizer, recipe.schedule)
        measures = engine.step([batch], rate, measure=True)
        assert measures is not None
        assert rate == pytest.approx(float(google.ARRAYS["steps/lr"][step]), rel=1e-6, abs=1e-12)
        assert measures.losses["mlm"] == pytest.approx(float(google.ARRAYS["steps/mlm_loss"][step]), rel=1e-5)
        assert measures.losses["rtd"] == pytest.approx(float(google.ARRAYS["steps/disc_loss"][step]), rel=1e-5)
        assert measures.gradient_norm == pytest.approx(float(google.ARRAYS["steps/global_norm"][step]), rel=1e-4)
        if step in (0, 4):
            _compare(engine.pair.state_dict(), google.weights(f"after{step + 1}"))


def _compare(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name in theirs:
        torch.testing.assert_close(ours[name], theirs[name], atol=1e-6, rtol=0, msg=name)


def test_the_fixture_moves() -> None:
    """The comparison above could not fail on weights that stand still."""
    moved = [np.abs(google.weights("after5")[name] - value).max() for name, value in google.weights("init").items()]
    assert min(moved) > 1e-6
