"""These names of files in corpora and runs are used by more than one package."""

from __future__ import annotations

from pathlib import Path

RECIPE, CHECKPOINTS = "recipe.toml", "checkpoints"
PROVENANCE, METRICS = "provenance.json", "metrics.jsonl"
# What the evaluations of a run keep beside their scores.
SAMPLES, DISTRIBUTIONS = "samples.jsonl", "distributions.jsonl"
# A corpus, a run and an export hold the whole tokenizer in the first file, and its entries, a line each, in the second.
TOKENIZER_FILE, VOCABULARY_FILE = "tokenizer.json", "vocab.txt"
# The manifest of a corpus is written last: its presence means that the corpus is complete.
CORPUS_MANIFEST = "manifest.json"
# An unfinished corpus keeps its plan, its locks and the results of its tasks in this folder.
WORK = ".prepare"
# This file exists while a run is stopped and the same command would resume it. The exit code does not tell this,
# because torchrun itself exits with 1 in this case too.
STOPPED = "stopped.json"
# The first process of a run holds this lock for as long as it trains.
LOCK = ".lock"
# Runs and corpora keep the scripts that `electra submit` handed to a scheduler in this folder.
SUBMITTED = "submit"


def holds_other_things(folder: Path) -> bool:
    """Return whether the folder holds anything that is not left by the start of a run.

    Hidden files do not count, because a start that was killed at once may have left them. The scripts of a submission
    do not count either.
    """
    return folder.is_dir() and any(
        not (path.name.startswith(".") or path.name == SUBMITTED) for path in folder.iterdir()
    )
