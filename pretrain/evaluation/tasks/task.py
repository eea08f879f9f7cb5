"""What a labelled task is: examples of one kind, and what is to be said of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["classes", "number", "tags", "spans", "choices", "terms", "relations"]


@dataclass(frozen=True)
class Tags:
    """One for each word."""

    tags: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    text: str
    start: int  # in characters of the context


@dataclass(frozen=True)
class Answers:
    """All that are right; none where the context does not answer the question."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Choice:
    options: tuple[str, ...]
    right: int
    # The character of the text that the options are for, as in a cloze; None where they are for all of it.
    blank: int | None = None


@dataclass(frozen=True)
class Terms:
    """The standard names of what a text says, in any order."""

    terms: tuple[str, ...]


@dataclass(frozen=True)
class Relation:
    subject: str
    kind: str
    object: str


@dataclass(frozen=True)
class Relations:
    relations: tuple[Relation, ...]


# A class is a word, a number a number.
Target = str | float | Tags | Answers | Choice | Terms | Relations
_KINDS: dict[type, Kind] = {
    str: "classes",
    float: "number",
    Tags: "tags",
    Answers: "spans",
    Choice: "choices",
    Terms: "terms",
    Relations: "relations",
}


@dataclass(frozen=True)
class Example:
    """One record of a task: a text or two, or words."""

    text: str
    pair: str | None
    words: tuple[str, ...]
    target: Target

    @property
    def kind(self) -> Kind:
        return _KINDS[type(self.target)]

    @property
    def says_nothing(self) -> bool:
        """Nothing is to be found in it. A file of such examples alone is one whose labels were taken out."""
        match self.target:
            case Answers(found) | Relations(found):
                return not found
        return False

    @property
    def labels(self) -> Iterable[str]:
        """The names that a model chooses from, as far as this example shows them."""
        match self.target:
            case str(name):
                return (name,)
            case Tags(names) | Terms(names):
                return names
            case Relations(relations):
                return (relation.kind for relation in relations)
            case Choice(options):
                # By their places, since each example has its own.
                return (str(place) for place in range(len(options)))
        return ()


@dataclass(frozen=True)
class Task:
    name: str
    kind: Kind
    train: list[Example]
    held_out: list[Example]
    split: str  # which one is held out: test where it is labelled, otherwise dev
    labels: tuple[str, ...]  # of classes, tags, relations, places of options, terms; none of numbers and spans

    @property
    def fingerprint(self) -> str:
        """sha256 of what is learned and asked, wherever it was read from."""
        digest = hashlib.sha256(ascii(self.labels).encode())
        for examples in (self.train, self.held_out):
            digest.update(str(len(examples)).encode())
            for example in examples:
                digest.update(ascii(example).encode())
        return digest.hexdigest()
