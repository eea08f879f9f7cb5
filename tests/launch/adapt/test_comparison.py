"""The sentences about scores before and after adaptation, by hand; the scores of a real adaptation are in test_page."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.files import write_json
from launch.adapt.comparison import NO_SCORE, CorpusScores, Line, Score, corpus_scores
from launch.adapt.order import Order

AUC = Score(0.7, 0.68, 0.72)


def _scores(before: Score, after: Score, change: Score = NO_SCORE) -> CorpusScores:
    """Return scores whose AUC and whose pseudo-perplexity are both `before` and `after`."""
    lines = [Line("a score", before, after)]
    return CorpusScores("your text", 20, lines, lines, None, change)


@pytest.mark.parametrize(
    ("low", "high", "judgement"),
    [
        (0.01, 0.03, "became better"),
        (-0.03, -0.01, "became worse"),
        (-0.01, 0.03, "shows no difference that could not be chance"),
        (0.0, 0.03, "shows no difference that could not be chance"),
    ],
)
def test_the_discriminator_is_judged_by_the_paired_interval(low: float, high: float, judgement: str) -> None:
    """The intervals before and after overlap, which decides nothing."""
    sentence = _scores(AUC, AUC, Score((low + high) / 2, low, high)).verdict
    changed = f"{(low + high) / 2:+.3f} ({low:+.3f} to {high:+.3f})"
    assert sentence == (
        f"On your text, the discriminator {judgement}: its AUC changed by {changed} to 0.700 (0.680 to 0.720)."
    )


@pytest.mark.parametrize(
    ("after", "judgement"),
    [
        (Score(7.0, 6.0, 8.0), "became better"),
        (Score(13.0, 12.0, 14.0), "became worse"),
        (Score(9.5, 8.5, 10.5), "shows no difference that could not be chance"),
    ],
)
def test_the_generator_is_better_with_a_lower_perplexity(after: Score, judgement: str) -> None:
    sentence = _scores(Score(10.0, 9.0, 11.0), after).generator_verdict
    assert sentence.startswith(
        f"On your text, the generator {judgement}: pseudo-perplexity 10.0 (9.000 to 11.0) before"
    )
    assert sentence.endswith(f" and {after} after.")


def test_without_a_score_nothing_is_judged() -> None:
    scores = _scores(NO_SCORE, AUC)
    assert scores.verdict == (
        "On your text, the adapted model detects replaced tokens with an AUC of 0.700 (0.680 to 0.720). The model "
        "before has no head for this, so there is nothing to compare."
    )
    assert "cannot be compared, because one of them has no score" in _scores(AUC, NO_SCORE).verdict
    assert scores.generator_verdict == ""
    assert str(NO_SCORE) == "–"


@pytest.mark.parametrize("tests_with_model", [True, False])
def test_each_score_is_read_from_its_own_file(tests_with_model: bool, tmp_path: Path) -> None:
    """Without a generator of the model, the run's own generator tests both, and the model predicts nothing."""
    order = Order(model="m", text=("a/",), out=tmp_path)
    (tmp_path / "scores").mkdir()
    for place, name in enumerate(("before", "after", "own")):
        scores = {key: vars(Score(place + tenth, 0.0, 9.0)) for key, tenth in (("auc", 0.1), ("masked_accuracy", 0.2))}
        write_json(order.scores(name), {"corpora": {str(order.domain_corpus): {"rows": 20 + place, "scores": scores}}})
    [result] = corpus_scores(order, [], tests_with_model=tests_with_model)
    assert (result.name, result.rows, result.auc_difference) == ("your text", 21, NO_SCORE)
    assert (result.auc.title, result.auc.before.value, result.auc.after.value) == ("AUC", 0.1, 1.1)
    accuracy = result.prediction[0]
    own = result.own_auc and result.own_auc.value
    expected = (0.2, 2.2, 2.1) if tests_with_model else (None, 1.2, None)
    assert (accuracy.before.value, accuracy.after.value, own) == expected
    assert result.prediction[1] == Line("pseudo-perplexity (lower is better)", NO_SCORE, NO_SCORE)
