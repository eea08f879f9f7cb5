"""The kinds of tasks: who reads each, and the head that it puts on a discriminator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer
from torch import nn

from pretrain.evaluation.tasks.features import Reader
from pretrain.evaluation.tasks.questions import Questions
from pretrain.evaluation.tasks.relations import ElectraForRelations, Triples
from pretrain.evaluation.tasks.settings import Settings
from pretrain.evaluation.tasks.task import Kind, Task
from pretrain.evaluation.tasks.terms import Normalised
from pretrain.evaluation.tasks.texts import Choices, Texts
from pretrain.evaluation.tasks.words import Words


@dataclass(frozen=True)
class _How:
    reader: type[Reader]
    head: Callable[[Any], nn.Module]  # the model, by transformers' config
    outputs: int | None = None  # None: as many as the task has labels


def _of_transformers(head: str) -> Callable[[Any], nn.Module]:
    def made(config: Any) -> nn.Module:
        import transformers

        return getattr(transformers, f"ElectraFor{head}")(config)

    return made


_KINDS: dict[Kind, _How] = {
    "classes": _How(Texts, _of_transformers("SequenceClassification")),
    "number": _How(Texts, _of_transformers("SequenceClassification"), 1),
    "tags": _How(Words, _of_transformers("TokenClassification")),
    "spans": _How(Questions, _of_transformers("QuestionAnswering"), 2),
    "choices": _How(Choices, _of_transformers("MultipleChoice"), 1),
    "terms": _How(Normalised, _of_transformers("SequenceClassification"), 2),
    "relations": _How(Triples, ElectraForRelations),
}


def reader_of(task: Task, tokenizer: Tokenizer, settings: Settings) -> Reader:
    return _KINDS[task.kind].reader(task, tokenizer, settings)


def num_outputs(task: Task) -> int:
    return _KINDS[task.kind].outputs or len(task.labels)


def headed(task: Task, config: Any) -> nn.Module:
    """The model for the task; all of it is drawn from torch's generator."""
    return _KINDS[task.kind].head(config)
