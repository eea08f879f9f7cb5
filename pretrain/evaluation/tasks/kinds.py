"""The kinds of tasks, each with its reader and the head that it puts on a discriminator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer
from torch import nn

from pretrain.evaluation.tasks.choices import ChoiceReader
from pretrain.evaluation.tasks.features import TaskReader
from pretrain.evaluation.tasks.questions import ElectraForQuestions, QuestionReader
from pretrain.evaluation.tasks.reading.task import Kind, Task
from pretrain.evaluation.tasks.relations import ElectraForRelations, RelationReader
from pretrain.evaluation.tasks.settings import FinetuneSettings
from pretrain.evaluation.tasks.tags import TagReader
from pretrain.evaluation.tasks.terms import TermReader
from pretrain.evaluation.tasks.texts import TextReader


@dataclass(frozen=True)
class _Solution:
    """How tasks of one kind are learned."""

    reader: type[TaskReader]
    model: Callable[[Any], nn.Module]  # from transformers' config
    num_outputs: int | None = None  # None: as many as the task has labels
    problem_type: str | None = None  # the name of the loss in transformers


def _transformers_model(head: str) -> Callable[[Any], nn.Module]:
    def build(config: Any) -> nn.Module:
        import transformers

        return getattr(transformers, f"ElectraFor{head}")(config)

    return build


_classifier = _transformers_model("SequenceClassification")
_SOLUTIONS: dict[Kind, _Solution] = {
    "classes": _Solution(TextReader, _classifier, problem_type="single_label_classification"),
    "multilabel": _Solution(TextReader, _classifier, problem_type="multi_label_classification"),
    "number": _Solution(TextReader, _classifier, 1, "regression"),
    "tags": _Solution(TagReader, _transformers_model("TokenClassification")),
    "spans": _Solution(QuestionReader, ElectraForQuestions, 2),
    "choices": _Solution(ChoiceReader, _transformers_model("MultipleChoice"), 1),
    "terms": _Solution(TermReader, _classifier, 2),
    "relations": _Solution(RelationReader, ElectraForRelations),
}


def task_reader(task: Task, tokenizer: Tokenizer, settings: FinetuneSettings) -> TaskReader:
    return _SOLUTIONS[task.kind].reader(task, tokenizer, settings)


def build_model(task: Task, config: Any) -> nn.Module:
    """The model for the task from transformers' config, with all weights drawn from torch's generator."""
    solution = _SOLUTIONS[task.kind]
    config.num_labels = solution.num_outputs or len(task.labels)
    config.problem_type = solution.problem_type
    return solution.model(config)
