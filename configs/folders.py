"""Names of files in corpora and runs that more than one room knows."""

from __future__ import annotations

from pathlib import Path

RECIPE, CHECKPOINTS = "recipe.toml", "checkpoints"
PROVENANCE, METRICS = "provenance.json", "metrics.jsonl"
# In a corpus, a run and an export: the whole tokenizer, and its entries, one a line.
TOKENIZER_FILE, VOCABULARY_FILE = "tokenizer.json", "vocab.txt"
# Of a corpus, written last: its presence means that the corpus is complete.
CORPUS_MANIFEST = "manifest.json"
# In the folder of an unfinished corpus: its plan, its locks, and what its tasks have left.
WORK = ".prepare"
# There while a run is stopped that the same command goes on with: torchrun itself leaves with 1 for that, too.
STOPPED = "stopped.json"
# Held by the first process for as long as it trains.
LOCK = ".lock"
# What `electra submit` handed to a scheduler; in the folder of a corpus too.
SUBMITTED = "submit"


def holds_other_things(folder: Path) -> bool:
    """Whether there is something that no start of a run leaves.

    Hidden files do not count: they may be ours, left by a start that was killed at once; nor does its job's script.
    """
    return folder.is_dir() and any(
        not (path.name.startswith(".") or path.name == SUBMITTED) for path in folder.iterdir()
    )
