"""A labelled task: examples of one kind, and the answer that is expected for each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["classes", "multilabel", "number", "tags", "spans", "choices", "terms", "relations"]


@dataclass(frozen=True)
class LabelSet:
    """The classes of a text that may have several, or none. Sorted, so that the order in the file does not matter."""

    labels: tuple[str, ...]


@dataclass(frozen=True)
class Tags:
    """One tag for each word."""

    tags: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    text: str
    start: int  # in characters of the context


@dataclass(frozen=True)
class Answers:
    """All correct answers. There are none if the context does not answer the question."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Choice:
    options: tuple[str, ...]
    right: int
    # The character of the text at which the options are inserted, as in a cloze; None where they follow the text.
    blank: int | None = None


@dataclass(frozen=True)
class Terms:
    """The standard terms that a text mentions, in any order."""

    terms: tuple[str, ...]


@dataclass(frozen=True)
class Relation:
    subject: str
    kind: str
    object: str


@dataclass(frozen=True)
class Relations:
    relations: tuple[Relation, ...]


# A string is a class, a float the target of a regression.
Target = str | float | LabelSet | Tags | Answers | Choice | Terms | Relations
_KINDS: dict[type, Kind] = {
    str: "classes",
    float: "number",
    LabelSet: "multilabel",
    Tags: "tags",
    Answers: "spans",
    Choice: "choices",
    Terms: "terms",
    Relations: "relations",
}


@dataclass(frozen=True)
class LabelledExample:
    """One record of a task: one or two texts, or a list of words, with its target."""

    text: str
    pair: str | None
    words: tuple[str, ...]
    target: Target

    @property
    def kind(self) -> Kind:
        return _KINDS[type(self.target)]

    @property
    def has_empty_target(self) -> bool:
        """The correct result is to find nothing. A file of such examples alone has had its labels removed."""
        match self.target:
            case Answers(items) | Relations(items) | LabelSet(items):
                return not items
            case Tags(tags):
                return set(tags) == {"O"}
        return False

    @property
    def labels(self) -> Iterable[str]:
        """The names that a model chooses from, as far as this example shows them."""
        match self.target:
            case str(name):
                return (name,)
            case Tags(names) | Terms(names) | LabelSet(names):
                return names
            case Relations(relations):
                return (relation.kind for relation in relations)
            case Choice(options):
                # The labels are places instead of names, since every example has options of its own.
                return (str(place) for place in range(len(options)))
        return ()


@dataclass(frozen=True)
class SplitSummary:
    """One split of a task as it was read, for the table that is printed before training."""

    name: str
    files: tuple[str, ...]
    num_records: int
    num_labelled: int


@dataclass(frozen=True)
class Task:
    name: str
    kind: Kind
    train: list[LabelledExample]
    held_out: list[LabelledExample]
    split: str  # the name of the held-out split: test where it is labelled, otherwise dev
    labels: tuple[str, ...]  # classes, tags, relations, terms, or places of options; none for numbers and spans
    summaries: tuple[SplitSummary, ...] = ()
    # Sentences about everything that was decided, changed or left out while reading.
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """sha256 of labels and examples, wherever they were read from."""
        digest = hashlib.sha256(ascii(self.labels).encode())
        for examples in (self.train, self.held_out):
            digest.update(str(len(examples)).encode())
            for example in examples:
                # The class was called Example when the first results were stored, and those stay valid.
                digest.update(ascii(example).removeprefix("Labelled").encode())
        return digest.hexdigest()
