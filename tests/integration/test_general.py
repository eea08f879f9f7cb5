"""With `--general`, a run also watches another corpus; this changes nothing in the run, and the corpus must fit."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.load import load
from data_prep.__main__ import load_corpus_recipe
from data_prep.prepare import prepare
from data_prep.shards import Corpus, Split
from pretrain.run import checkpoint
from pretrain.run.logs import read_metrics
from pretrain.show import show_run
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL, documents


def made(folder: Path, corpus: Path, *overrides: str) -> Corpus:
    """Prepare other text with the vocabulary of `corpus`, by the command that a refusal names."""
    text = folder.with_suffix(".txt")
    text.write_text("\n\n".join(documents(60)[40:]), encoding="utf-8")
    keys = [key for key in SMALL if not key.startswith("vocabulary.")]
    all_overrides = [*keys, f"data.sources={text}", "data.validation_share=0.5", *overrides]
    prepare(load_corpus_recipe("tiny", all_overrides, str(corpus)), folder, 1)
    return Corpus(folder)


def evaluations(run: Path, kind: str) -> list[dict[str, Any]]:
    return [line for line in read_metrics(run) if line["kind"] == kind]


def test_general_rows_are_logged_beside_the_runs_own(
    corpus: Corpus, corpus_folder: Path, world: World, tmp_path: Path, capsys: Any
) -> None:
    # The general corpus has other masking numbers than the run's corpus, and may still be watched.
    general = made(tmp_path / "general", corpus_folder, "masking.rate=0.25", "masking.maskings=fresh")
    recipe, alone, watched = load("tiny", SMALL), tmp_path / "alone", tmp_path / "watched"
    assert train(recipe, corpus, alone, world, "auto")
    assert train(recipe, corpus, watched, world, "auto", general=general)
    steps = [line["step"] for line in evaluations(watched, "general")]
    assert steps == [line["step"] for line in evaluations(watched, "evaluation")] == [6, 12]
    assert evaluations(watched, "evaluation") == evaluations(alone, "evaluation")
    assert evaluations(watched, "general") != evaluations(watched, "evaluation")
    (start,) = read_json(watched / "provenance.json")["starts"]
    assert start["general"] == {"folder": str(general.folder), "manifest_sha256": general.manifest_sha256}
    output = capsys.readouterr().out
    assert "step 6/12  general text: masked accuracy" in output
    show_run(watched)
    assert "general" in capsys.readouterr().out
    assert any("general" in file.read_bytes().decode("latin-1") for file in (watched / "tensorboard").iterdir())
    # A resumed run does not log the same step twice. A later start may also leave out --general, or add it.
    shutil.rmtree(watched / "checkpoints" / "step-00000012")
    assert train(recipe, corpus, watched, world, "auto", general=general)
    assert [line["step"] for line in evaluations(watched, "general")] == [6, 12]
    shutil.rmtree(alone / "checkpoints" / "step-00000012")
    assert train(recipe, corpus, alone, world, "auto", general=general)
    left, right = (checkpoint.read_weights(run / "checkpoints" / "step-00000012") for run in (alone, watched))
    assert all((left[name] == right[name]).all() for name in left)


def test_a_loss_on_general_text_is_said(
    corpus: Corpus, corpus_folder: Path, world: World, tmp_path: Path, capsys: Any
) -> None:
    """After a restart, the log says that the run began with a much better score than it has now."""
    general, run = made(tmp_path / "general", corpus_folder), tmp_path / "run"
    assert train(load("tiny", SMALL), corpus, run, world, "auto", general=general)
    assert "on general text" not in capsys.readouterr().out
    shutil.rmtree(run / "checkpoints" / "step-00000012")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        if (line["kind"], line["step"]) == ("general", 6):
            line |= {"mlm_loss": 1.0, "auc": 0.99}
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert train(load("tiny", SMALL), corpus, run, world, "auto", general=general)
    output = capsys.readouterr().out
    assert "warning: on general text the generator's loss has risen from 1.000 to" in output
    assert "warning: on general text the discriminator's AUC has fallen from 0.990 to" in output


def test_what_does_not_fit_is_refused(corpus: Corpus, corpus_folder: Path, world: World, tmp_path: Path) -> None:
    cases = {
        r"has rows of 32 tokens, and .* of 64; prepare it with data\.row_length=64": ("data.row_length=32",),
        "holds no held-out rows": ("data.validation_share=0.0",),
        f"has another vocabulary than .*; prepare it with --init-from {corpus_folder}": (
            "vocabulary.source=train",
            "vocabulary.size=1000",
        ),
    }
    for number, (sentence, overrides) in enumerate(cases.items()):
        general = made(tmp_path / str(number), corpus_folder, *overrides)
        with pytest.raises(UserError, match=sentence):
            train(load("tiny", SMALL), corpus, tmp_path / "run", world, "auto", general=general)
    assert not (tmp_path / "run").exists()


def test_what_is_held_out_of_general_text_is_not_in_a_mix_with_it(corpus_folder: Path, tmp_path: Path) -> None:
    """No document of general text is both in a mix and in the held-out rows.

    A mix contains a share of general text against forgetting, and the run watches held-out rows of general text.
    """
    domain, text = (invented(tmp_path / f"{name}.txt", seed) for seed, name in enumerate(("domain", "general")))
    sources = f'data.sources=[{{path="{domain}"}}, {{path="{text}", weight=0.5}}]'
    source = f"vocabulary.source={corpus_folder / 'tokenizer.json'}"
    for name, named in (("general", f"data.sources={text}"), ("mix", sources)):
        prepare(load("tiny", [*SMALL, named, source, "data.validation_share=0.5"]), tmp_path / name, 1)
    general, mix = Corpus(tmp_path / "general"), Corpus(tmp_path / "mix")
    held_out, trained, unmixed = runs(general, "validation"), runs(mix, "train"), runs(general, "train")
    assert held_out and not held_out & trained
    # About half of the general documents that may be used for training are in the mix.
    assert 0.2 < len(unmixed & trained) / len(unmixed) < 0.8


def invented(path: Path, seed: int) -> Path:
    """Write documents of words in random order."""
    chooser, words = random.Random(seed), [word for word in " ".join(documents(10)).split() if word.isalpha()]
    path.write_text("\n\n".join(" ".join(chooser.choices(words, k=80)) for _ in range(60)), encoding="utf-8")
    return path


def runs(corpus: Corpus, split: Split) -> set[bytes]:
    """Return all sequences of 12 consecutive tokens; only copies of a text share any of them."""
    rows = corpus.read(split, np.arange(corpus.num_rows(split)))
    tokens = [row["tokens"][: row["length"]] for row in rows]
    return {row[place : place + 12].tobytes() for row in tokens for place in range(len(row) - 12)}
