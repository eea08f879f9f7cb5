"""levers.toml: the lengths of the reference, the levers, and stacks of levers with each of their levers left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from configs.common.errors import UserError, unknown
from configs.load import read_toml, validate
from configs.recipe import flatten
from configs.schema import Count, Natural, Positive, Share, Table

REFERENCE = "reference"
_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")
Lengths = Annotated[list[Positive], Field(min_length=1)]


class _Reference(Table):
    lengths: Lengths
    shares: dict[str, Any] = Field(default_factory=dict)


class _Lever(Table):
    about: str
    lengths: Lengths
    keys: dict[str, Any] = Field(default_factory=dict)
    # keys that are numbers of steps, each as a share of the steps of the run
    shares: dict[str, Any] = Field(default_factory=dict)
    # keys with which the text is prepared for this lever; the judged rows stay the same
    corpus: dict[str, Any] = Field(default_factory=dict)
    weights: Literal["raw", "average"] = "raw"
    average: Count = 1


class _Stack(Table):
    about: str
    lengths: Lengths
    levers: Annotated[list[str], Field(min_length=2)]


class _Content(Table):
    """The keys of levers.toml."""

    seeds: Annotated[list[Natural], Field(min_length=1)]
    judge_seed: Natural
    reference: _Reference
    levers: dict[str, _Lever] = Field(default_factory=dict)
    stacks: dict[str, _Stack] = Field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """The reference, a lever or a stack. A length is a share of the FLOPs of the reference's own recipe."""

    name: str
    about: str
    lengths: tuple[float, ...]
    keys: Mapping[str, Any] = field(default_factory=dict)
    shares: Mapping[str, Any] = field(default_factory=dict)
    corpus: Mapping[str, Any] = field(default_factory=dict)
    weights: str = "raw"
    average: int = 1

    def overrides(self, steps: int) -> list[str]:
        """Return the keys of a run with so many steps, as overrides of a command line."""
        of_steps = {key: round(share * steps) for key, share in self.shares.items()}
        return as_overrides({**self.corpus, **self.keys, **of_steps, "schedule.steps": steps})


@dataclass(frozen=True)
class Levers:
    file: Path
    seeds: tuple[int, ...]
    judge_seed: int
    entries: dict[str, Entry]  # the reference is the first one

    @property
    def reference(self) -> Entry:
        return self.entries[REFERENCE]

    def chosen(self, names: Sequence[str]) -> list[Entry]:
        """Return the entries with these names, or all of them if no name is given."""
        for name in names:
            if name not in self.entries:
                raise UserError(f"--only: {unknown('entry', name, list(self.entries))}")
        return [entry for name, entry in self.entries.items() if not names or name in names]


def as_overrides(keys: Mapping[str, Any]) -> list[str]:
    return [f"{key}={json.dumps(value)}" for key, value in keys.items()]


def read_levers(file: Path) -> Levers:
    """Read the entries of a file. Raises UserError for unknown keys, and for a stack whose levers contradict."""
    content = validate(_Content, read_toml(file), str(file))
    shares = _shares(content.reference.shares, f"{file}: reference")
    reference = Entry(REFERENCE, "the recipe as it is", tuple(content.reference.lengths), shares=shares)
    entries = {REFERENCE: reference}
    for name, lever in content.levers.items():
        _refuse_name(file, "levers", name, entries)
        entries[name] = _lever(name, lever, shares, f"{file}: levers.{name}")
    levers = {name: entries[name] for name in content.levers}
    for name, stack in content.stacks.items():
        for entry in _stack(file, name, stack, levers, shares):
            _refuse_name(file, "stacks", entry.name, entries)
            entries[entry.name] = entry
    return Levers(file, tuple(content.seeds), content.judge_seed, entries)


def _lever(name: str, lever: _Lever, shares: Mapping[str, float], origin: str) -> Entry:
    return Entry(
        name,
        lever.about,
        tuple(lever.lengths),
        flatten(lever.keys),
        {**shares, **_shares(lever.shares, origin)},
        flatten(lever.corpus),
        lever.weights,
        lever.average,
    )


def _stack(
    file: Path, name: str, stack: _Stack, levers: Mapping[str, Entry], shares: Mapping[str, float]
) -> Iterator[Entry]:
    """Yield the stack, and then the stack without each of its levers."""
    for lever in stack.levers:
        if lever not in levers:
            raise UserError(f"{file}: stacks.{name}: {unknown('lever', lever, list(levers))}")
    lengths = tuple(stack.lengths)
    yield _together(file, name, stack.about, lengths, [levers[lever] for lever in stack.levers], shares)
    if len(stack.levers) > 2:
        for left_out in stack.levers:
            others = [levers[lever] for lever in stack.levers if lever != left_out]
            yield _together(file, f"{name}_without_{left_out}", f"{name} without {left_out}", lengths, others, shares)


def _together(
    file: Path,
    name: str,
    about: str,
    lengths: tuple[float, ...],
    levers: Sequence[Entry],
    shares: Mapping[str, float],
) -> Entry:
    weights = [lever.weights for lever in levers if lever.weights != "raw"]
    return Entry(
        name,
        about,
        lengths,
        _merged(file, name, [lever.keys for lever in levers]),
        _merged(file, name, [lever.shares for lever in levers], shares),
        _merged(file, name, [lever.corpus for lever in levers]),
        weights[0] if weights else "raw",
        max(lever.average for lever in levers),
    )


def _merged(
    file: Path, name: str, tables: Sequence[Mapping[str, Any]], base: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the keys of all tables. Only one of them may change a key of `base`."""
    base = base or {}
    merged: dict[str, Any] = {}
    for table in tables:
        for key, value in table.items():
            if value != base.get(key) and merged.setdefault(key, value) != value:
                raise UserError(f"{file}: {name}: {key} is {merged[key]!r} in one lever and {value!r} in another")
    return {**base, **merged}


def _shares(table: Mapping[str, Any], origin: str) -> dict[str, float]:
    """Return the flat keys, and raise UserError for a value that is not a share."""
    flat = flatten(dict(table))
    validate(_Shares, {"shares": flat}, origin)
    return flat


class _Shares(Table):
    shares: dict[str, Share]


def _refuse_name(file: Path, table: str, name: str, others: Mapping[str, Entry]) -> None:
    if not _NAME.fullmatch(name) or name in others:
        reason = "is used twice" if name in others else "is no name; use small letters, digits and '_'"
        raise UserError(f"{file}: {table}.{name}: {reason}")
