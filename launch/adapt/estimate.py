"""How long each part will take on this machine: an estimate from short measurements, before anything is begun."""

from __future__ import annotations

from collections.abc import Sequence

from configs.recipe import CorpusRecipe
from launch.adapt.checks import Checked, CheckedTask
from launch.adapt.order import Order
from launch.adapt.parts import Part

# Every part starts Python, imports torch and opens a model.
_START_SECONDS = 10.0
# Examples of a task from which the mean number of tokens is taken.
_SAMPLE = 200


def seconds_of_parts(order: Order, checked: Checked, parts: Sequence[Part]) -> dict[str, float]:
    """Return the estimated seconds of each part by its name."""
    from launch.adapt.calibration import flops_of_rows, flops_of_training, flops_per_second

    speed = flops_per_second(checked.recipe)
    preparations = {"domain": checked.domain, "general": checked.general, "mixture": checked.mixture}
    by_task = {f"task {checked_task.task.name}": checked_task for checked_task in checked.tasks}
    scored = flops_of_rows(checked.recipe, order.rows * len(order.corpora)) / 3

    def seconds(part: Part) -> float:
        if corpus := preparations.get(part.name):
            return _preparation(corpus)
        if part.name == "pretrain":
            return flops_of_training(checked.recipe, len(order.corpora)) / speed
        if part.name in by_task:
            return 2 * order.seeds * _fine_tuning_flops(checked, by_task[part.name]) / speed
        return 0.0 if part.name == "export" else scored / speed

    return {part.name: _START_SECONDS + seconds(part) for part in parts}


def _preparation(recipe: CorpusRecipe) -> float:
    from data_prep.estimate import estimate
    from data_prep.executors.local import cores

    return estimate(recipe, cores()).seconds


def _fine_tuning_flops(checked: Checked, checked_task: CheckedTask) -> float:
    """The FLOPs of one seed of one model: the discriminator on all examples, padded to the longest of a batch."""
    from pretrain.evaluation.tasks.kinds import task_reader
    from pretrain.step.flops import Work, forward_flops

    assert checked.backbone
    task, settings = checked_task.task, checked_task.settings
    reader = task_reader(task, checked.backbone.tokenizer, settings)
    sample = reader.training_features(task.train[:_SAMPLE])[:_SAMPLE]
    lengths = [len(encoding.ids) for feature in sample for encoding in feature.encodings]
    examples = (
        (settings.epochs * len(task.train) + len(task.held_out) / 3) * len(lengths) / min(_SAMPLE, len(task.train))
    )
    longest = max(lengths)
    model = checked.recipe.model
    return examples * 3 * forward_flops(model.discriminator, model.embedding, Work(longest, 0, longest**2))
