"""Compute the losses of the recipe `tiny` on a text that a function writes, so that every machine has the text.

python -m tests.golden_losses     # writes tests/golden/tiny_losses.json again; say in the commit why
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from configs.common import randomness
from configs.common.files import write_text
from configs.load import load
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from pretrain.run.logs import read_metrics
from pretrain.step.world import World, join, leave
from pretrain.train import train

GOLDEN = Path(__file__).parent / "golden" / "tiny_losses.json"
NAMES = ("mlm_loss", "rtd_loss", "masked_accuracy", "replaced_share", "gradient_norm")
OVERRIDES = (
    "schedule.steps=20",
    "schedule.warmup_steps=5",
    "run.log_every=1",
    "run.evaluate_every=20",
    "run.evaluate_rows=0",
    "run.save_every=20",
    # With the recipe's larger weights rounding grows faster: after 12 steps one thread and two differ by 2e-5 of the
    # size of the gradients' norm.
    "model.initializer_range=0.02",
)
_NUM_WORDS, _NUM_DOCUMENTS, _LINES, _WORDS_A_LINE = 12_000, 200, 12, 20


def text() -> str:
    """Return text of invented words.

    A few words are frequent, and each word is drawn near the previous word. Only integers are used, because they are
    not rounded.
    """
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    digits = randomness.bits(0, "golden words", np.arange(_NUM_WORDS)[:, None], np.arange(4)) % np.uint64(
        len(syllables)
    )
    words = ["".join(syllables[digit] for digit in row[: 2 + number % 3]) for number, row in enumerate(digits.tolist())]
    places = np.ogrid[:_NUM_DOCUMENTS, :_LINES, :_WORDS_A_LINE]
    below = randomness.bits(0, "golden bounds", *places) % np.uint64(_NUM_WORDS) + np.uint64(1)
    ranks = (randomness.bits(0, "golden text", *places) % below).astype(int)
    ranks[:, :, 1:] = (ranks[:, :, 1:] + ranks[:, :, :-1] // 2) % _NUM_WORDS
    documents = ("\n".join(" ".join(words[rank] for rank in line) + "." for line in document) for document in ranks)
    return "\n\n".join(documents) + "\n"


def measure(folder: Path, world: World) -> dict[str, Any]:
    """Prepare a corpus and train a run below `folder`; return the corpus's shards and the log of each step."""
    write_text(folder / "text.txt", text())
    recipe = load("tiny", [f"data.sources={folder / 'text.txt'}", *OVERRIDES])
    prepare(recipe, folder / "corpus", 1)
    corpus = Corpus(folder / "corpus")
    train(recipe, corpus, folder / "run", world, "never")
    steps = [
        {name: line[name] for name in NAMES} for line in read_metrics(folder / "run") if line["kind"] == "training"
    ]
    return {"shards": [shard.sha256 for shard in corpus.manifest.shards["train"]], "steps": steps}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), join())
    leave()
    write_text(GOLDEN, json.dumps({"torch": torch.__version__, **measured}, indent=1) + "\n")


if __name__ == "__main__":
    main()
