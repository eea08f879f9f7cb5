"""The tag under which trackers show each value of metrics.jsonl."""

from __future__ import annotations

from typing import Literal

Kind = Literal["training", "evaluation", "general", "average"]

# The loss of an objective, NAME_loss, has the tag loss/NAME. The norm of the gradient of a part keeps its name.
TRAINING = {
    "loss": "loss/total",
    "masked_accuracy": "generator/masked_accuracy",
    "sampled_accuracy": "generator/sampled_accuracy",
    "replaced_share": "generator/replaced_share",
    "learning_rate": "optimizer/learning_rate",
    "gradient_norm": "optimizer/gradient_norm",
    "skipped_steps": "optimizer/skipped_steps",
    "rows_seen": "data/rows_seen",
    "data_wait_share": "data/wait_share",
    "rows_per_second": "speed/rows_per_second",
    "tokens_per_second": "speed/tokens_per_second",
    "model_tflops_per_second": "speed/model_tflops_per_second",
    "mfu": "speed/mfu",
}
# Scores on held-out rows keep their names.
_GROUPS = {"evaluation": "heldout", "general": "general", "average": "average"}
_LOSS, PART_NORM = "_loss", "gradient_norm/"


def tag_of(kind: Kind, name: str) -> str:
    """Return the tag of a value that is logged as `name` in a line of this kind."""
    if kind in _GROUPS:
        return f"{_GROUPS[kind]}/{name}"
    if name in TRAINING:
        return TRAINING[name]
    if name.startswith(PART_NORM):
        return name
    assert name.endswith(_LOSS), f"{name} has no tag in {__name__}.TRAINING"
    return f"loss/{name.removesuffix(_LOSS)}"
