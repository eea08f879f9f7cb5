"""The panels of an evaluation's distributions, whose descriptions hold numbers worked by hand."""

from __future__ import annotations

from pretrain.run.distributions import Distributions, Histogram
from pretrain.watch.distribution_figures import distribution_figures

ENTROPY = Histogram(low=1.0, width=0.5, counts=(1, 0, 3))  # the middles are 1.25, 1.75 and 2.25


def line(original: tuple[int, ...], replaced: tuple[int, ...]) -> Distributions:
    """Bins of a logit: from -2 to -1, from -1 to 0, and from 0 to 1."""
    first, second = (Histogram(low=-2.0, width=1.0, counts=counts) for counts in (original, replaced))
    return Distributions(kind="evaluation", step=1, entropy=ENTROPY, original_logits=first, replaced_logits=second)


def test_a_run_has_four_panels() -> None:
    # Called replaced: 2 of 3 in the highest bin, where the recall is 1/2; 4 of 8 in the two highest, where it is 1.
    entropy, logits, precision, calibration = distribution_figures({"甲": line((4, 3, 1), (0, 2, 2))})
    assert entropy.description == "Entropy of the generator: 甲 2.00 nats on average"
    assert logits.description == (
        "Logits of the discriminator: -0.88 on average for original tokens and 0.00 for replaced tokens"
    )
    assert precision.description == (
        "Precision by recall: 甲 0.67 at recall 0.1, 0.67 at recall 0.5, 0.53 at recall 0.9"
    )
    # The probabilities of the middles are .182, .378 and .622, and the shares that were replaced 0, 2/5 and 2/3:
    # (4 * .182 + 5 * .022 + 3 * .044) / 12 = .081
    assert (
        calibration.description == "Share of replaced tokens by predicted probability: 甲 differs by 0.081 on average"
    )


def test_several_runs_are_over_each_other_and_a_pair_without_detection_has_its_entropy_alone() -> None:
    alone = Distributions(kind="evaluation", step=1, entropy=ENTROPY, original_logits=None, replaced_logits=None)
    assert len(distribution_figures({"a": alone})) == 1
    panels = distribution_figures({"a": line((4, 3, 1), (0, 2, 2)), "b": line((1, 0, 0), (0, 0, 1)), "c": alone})
    assert [panel.description.partition(":")[0] for panel in panels] == [
        "Entropy of the generator",
        "Precision by recall",
        "Share of replaced tokens by predicted probability",
    ]
    assert "b 1.00 at recall 0.1" in panels[1].description and "c" in panels[0].description
    assert "c " not in panels[1].description.partition(":")[2]


def test_nothing_measured_is_no_panel() -> None:
    assert distribution_figures({}) == []
    empty = Histogram(low=0.0, width=1.0, counts=())
    assert len(distribution_figures({"a": line((1, 1, 1), (0, 0, 0))})) == 1
    diverged = Distributions(kind="evaluation", step=1, entropy=empty, original_logits=empty, replaced_logits=empty)
    assert len(distribution_figures({"a": diverged})) == 1
