"""A recipe is made of its tables. Recipes are compared by the keys that decide the weights.

A recipe is a TOML file (`configs/recipes/`); `configs.load` reads one.
"""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from configs.corpus_tables import DataTable, MaskingTable, VocabularyTable
from configs.corruption_table import CorruptionTable
from configs.schema import Table
from configs.training_tables import (
    BatchTable,
    ComputeTable,
    InitialTable,
    ModelTable,
    ObjectiveTable,
    RunTable,
)
from configs.update_tables import OptimizerTable, ScheduleTable


class CorpusRecipe(Table):
    """This part of a recipe decides how a corpus is made."""

    name: str
    """The name of the recipe."""
    about: str
    """What it is for, in one line."""
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    """The seed of every random choice."""
    data: DataTable
    vocabulary: VocabularyTable
    masking: MaskingTable

    @model_validator(mode="after")
    def _rows_have_slots(self) -> Self:
        if not self.masking.slots(self.data.row_length):
            raise ValueError(
                f"masking.rate: {self.masking.rate:g} leaves no slot in a row of {self.data.row_length} tokens"
            )
        return self


class Recipe(CorpusRecipe):
    """What a corpus and a run are made by."""

    corruption: CorruptionTable
    model: ModelTable
    objectives: dict[str, ObjectiveTable]
    """The terms of the loss, each a table `[objectives.NAME]`."""
    optimizer: OptimizerTable
    schedule: ScheduleTable
    batch: BatchTable
    compute: ComputeTable
    run: RunTable
    # Only recipes that can continue from a released model have this table.
    initial: InitialTable | None = None
    deepspeed: dict[str, Any] = Field(default_factory=dict)
    """Keys for DeepSpeed's own configuration, passed on as they are."""

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.data.row_length > self.model.max_positions:
            raise ValueError(
                f"data.row_length: {self.data.row_length} is above model.max_positions ({self.model.max_positions})"
            )
        if 0 < self.masking.stored < self.batch.views:
            raise ValueError(
                f"masking.maskings: {self.masking.stored} is fewer than batch.views ({self.batch.views}), which show "
                "different ones"
            )
        if not self.objectives:
            raise ValueError("objectives: empty; name at least one, such as [objectives.mlm] and [objectives.rtd]")
        return self

    @model_validator(mode="after")
    def _the_masking_rate_falls(self) -> Self:
        end = self.corruption.masking_rate_end
        if end is None:
            return self
        if end >= self.masking.rate:
            raise ValueError(
                f"corruption.masking_rate_end: {end:g} is not below masking.rate ({self.masking.rate:g}), the rate of "
                "the corpus"
            )
        if not self.masking.at_rate(end).slots(self.data.row_length):
            raise ValueError(
                f"corruption.masking_rate_end: {end:g} leaves no slot in a row of {self.data.row_length} tokens"
            )
        return self

    @model_validator(mode="after")
    def _a_frozen_generator_fits(self) -> Self:
        if not self.generator_is_frozen:
            return self
        if self.model.shared_embeddings in ("all", "words"):
            raise ValueError(
                "initial.generator_frozen: true, and the discriminator would train the embeddings that it shares with "
                f"the generator (model.shared_embeddings is {self.model.shared_embeddings!r}); share none of them "
                "(model.shared_embeddings=none), or train the generator too (initial.generator_frozen=false)"
            )
        if self.initial and self.initial.generator_steps:
            raise ValueError(
                "initial.generator_frozen: true, and a new generator has to learn; keep the model's "
                "(initial.generator=keep), or name another (initial.generator_from)"
            )
        if self.objectives.keys() <= {"mlm"}:
            raise ValueError("initial.generator_frozen: true, and only the generator has an objective; add another")
        return self

    @property
    def generator_is_frozen(self) -> bool:
        return self.initial is not None and bool(self.initial.generator_frozen)

    def generator_learns_alone(self, step: int) -> bool:
        """Return whether only a newly built generator is trained in this step. Steps are counted from 0."""
        return self.initial is not None and step < self.initial.generator_steps

    def masking_at(self, step: int) -> MaskingTable:
        """Return [masking] with the rate of a step. Steps are counted from 0, the updates of earlier runs included."""
        return self.masking.at_rate(self.corruption.masking_rate_at(step, self.masking.rate))

    @property
    def num_rows(self) -> int:
        """Return the number of rows that the run reads. If a step shows two views of a row, it is counted once."""
        return self.batch.rows_before(self.schedule.steps)

    @property
    def mean_slots(self) -> float:
        """Return the slots of a row on average over the run, from at most 1,000 of its steps."""
        steps = range(0, self.schedule.steps, math.ceil(self.schedule.steps / 1000))
        slots = [self.masking_at(step).slots(self.data.row_length) for step in steps]
        return statistics.fmean(slots, [self.batch.rows_at(step) for step in steps])

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as TOML and JSON hold it. Tables that it does not have are left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def science(self) -> dict[str, Any]:
        """Return the keys that decide the weights. A resumed run must share them with the run that it continues.

        The paths of text, vocabulary and lexicon are not among them, because a corpus is known by its manifest.
        """
        return _science(self.to_dict())

    def unfinished(self, earlier_updates: int) -> Iterator[str]:
        """Yield a sentence for each value that still changes in the last step of a run after so many earlier updates.

        The temperature and the masking rate count the updates of earlier runs, and the ramp of the batch does not.
        """
        steps, corruption = self.schedule.steps, self.corruption
        for key, last, needed in (
            ("corruption.temperature_steps", earlier_updates + steps, corruption.temperature_steps),
            ("corruption.masking_rate_steps", earlier_updates + steps, corruption.masking_rate_steps),
            ("batch.ramp_steps", steps, self.batch.ramp_steps),
        ):
            if needed is not None and needed > last:
                yield (
                    f"{key}: {needed:,}, and the last step of this run is step {last:,}, so the run ends before the "
                    "value has reached its end; for a run that is complete in itself, state fewer steps"
                )

    def lines(self) -> list[str]:
        """Return the resolved recipe for people to read, with a line for each table."""
        tables = self.to_dict()
        named = {"": {k: v for k, v in tables.items() if not isinstance(v, dict)}}
        named |= {k: v for k, v in tables.items() if isinstance(v, dict) and v}
        return [
            "  " + "  ".join([f"[{name}]"] * bool(name) + [f"{k}={json.dumps(v)}" for k, v in flatten(table).items()])
            for name, table in named.items()
        ]

    def fingerprint(self) -> str:
        """Return the sha256 of `science()`, by which corpora, checkpoints and exports are compared.

        Keys with their default are left out. A key that was added later has a default, which is what recipes without
        the key do, so that their hash stays the same.
        """
        tables = _science(self.model_dump(mode="json", exclude_none=True, exclude_defaults=True))
        return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()


def _science(tables: dict[str, Any]) -> dict[str, Any]:
    for operational in ("name", "about", "run", "deepspeed"):
        tables.pop(operational, None)
    del tables["batch"]["micro_rows"], tables["compute"]["zero_stage"], tables["compute"]["compile"]
    del tables["data"]["sources"], tables["vocabulary"]["source"], tables["masking"]["lexicon"]
    return tables


CORPUS_TABLES = ("data", "vocabulary", "masking")


def with_own_embeddings(tables: dict[str, Any]) -> dict[str, Any]:
    """Let the networks share no embeddings if the generator comes from a model of its own, as `tables` state it."""
    initial, model = tables.get("initial"), tables.get("model", {})
    if not isinstance(initial, dict) or not isinstance(model, dict) or not initial.get("generator_from"):
        return tables
    return tables | {"model": model | {"shared_embeddings": "none"}}


def flatten(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested tables: {"a": {"b": 1}} becomes {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def differences(left: dict[str, Any], right: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return (dotted key, value on the left, value on the right) for every key in which two sets of tables differ."""
    flat_left, flat_right = flatten(left), flatten(right)
    keys = sorted(flat_left.keys() | flat_right.keys())
    return [(key, flat_left.get(key), flat_right.get(key)) for key in keys if flat_left.get(key) != flat_right.get(key)]
