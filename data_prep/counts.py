"""The counts that tasks make. They are added up for the manifest and for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from data_prep.manifest import SPLITS, Split


def by_reason(counts: Mapping[str, int]) -> str:
    """Return how many records and files were left out for each reason, as text for a message."""
    return "; ".join(f"{reason}: {count:,}" for reason, count in counts.items())


@dataclass
class TaskReport:
    """The counts of what a task read and wrote. These reports are added up for the manifest and for report.json."""

    documents: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    invalid_sequences: int = 0
    # the number of records and files that could not be read, for each reason, and sentences about some of them
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_samples: dict[str, list[str]] = field(default_factory=dict)
    tokens: Counter[str] = field(default_factory=Counter)
    examples: Counter[str] = field(default_factory=Counter)
    example_lengths: Counter[str] = field(default_factory=Counter)
    masked_tokens: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    # the number of documents that are kept although an earlier document has the same text
    repeated: int = 0
    dropped_samples: dict[str, list[str]] = field(default_factory=dict)
    personal: Counter[str] = field(default_factory=Counter)
    terms: Counter[str] = field(default_factory=Counter)
    unknown_tokens: int = 0
    unknown_characters: Counter[str] = field(default_factory=Counter)
    shards: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {split: [] for split in SPLITS})

    @property
    def num_rows(self) -> dict[Split, int]:
        return {split: sum(shard["rows"] for shard in self.shards[split]) for split in SPLITS}

    def add(self, other: TaskReport) -> None:
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if isinstance(mine, Counter):
                mine.update(value)
            elif isinstance(mine, dict):
                for key, entries in value.items():
                    mine.setdefault(key, []).extend(entries)
            else:
                setattr(self, name, mine + value)

    @classmethod
    def of(cls, values: dict[str, Any]) -> TaskReport:
        report = cls()
        report.add(cls(**values))
        return report
