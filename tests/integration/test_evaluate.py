"""Score every kind of model with `electra evaluate MODEL --corpus CORPUS`.

The numbers are the same every time, and unsuitable models are refused.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from configs.load import load
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from launch.cli import app
from pretrain.evaluation.rows.model import open_scored_model
from pretrain.evaluation.rows.scoring import measure
from pretrain.evaluation.tasks.backbone import open_backbone
from pretrain.export.folder import export
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL, documents
from tests.released import release


@pytest.fixture(scope="module")
def run(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory, world: World) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert train(load("tiny", SMALL), Corpus(corpus_folder), folder, world, "auto")
    return folder


@pytest.fixture(scope="module")
def released(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("released")
    release(folder, corpus_folder / "vocab.txt", max_positions=64)
    return folder


def evaluated(tmp_path: Path, model: Path, *arguments: str) -> dict[str, Any]:
    file = tmp_path / "scores.json"
    answer = CliRunner().invoke(app, ["evaluate", str(model), *arguments, "--json", str(file)])
    assert answer.exit_code == 0, answer.output
    return json.loads(file.read_text())


def refusal(model: Path, *arguments: str) -> str:
    answer = CliRunner().invoke(app, ["evaluate", str(model), *arguments])
    assert answer.exit_code == 2, answer.output
    return answer.stderr


def test_a_run_its_checkpoint_and_its_export_are_one_model(run: Path, corpus_folder: Path, tmp_path: Path) -> None:
    export(str(run), tmp_path / "export")
    models = [run, run / "checkpoints" / "step-00000012", tmp_path / "export", tmp_path / "export" / "generator"]
    results = [evaluated(tmp_path, model, "--corpus", str(corpus_folder)) for model in models]
    one, *others = (result["corpora"][str(corpus_folder)] for result in results)
    assert one["rows"] == Corpus(corpus_folder).num_rows("validation")
    assert set(one["scores"]) == {
        *("masked_accuracy", "pseudo_perplexity"),
        *("replaced_share", "accuracy", "precision", "recall", "auc", "brier"),
    }
    assert others[0] == one
    for other in others[1:]:
        for name, score in one["scores"].items():
            # Precision has no value where the model calls no token replaced.
            same = score if score["value"] is None else pytest.approx(score, rel=1e-5, abs=1e-6)
            assert other["scores"][name] == same, name
    again = evaluated(tmp_path, run, "--corpus", str(corpus_folder))
    assert again == results[0]


def test_what_is_fine_tuned_of_a_run_is_what_is_exported(run: Path, tmp_path: Path) -> None:
    export(str(run), tmp_path / "export")
    run_backbone, exported = (open_backbone(str(model)) for model in (run, tmp_path / "export"))
    for name, tensor in exported.network.weights.items():
        assert torch.equal(run_backbone.network.weights[name], tensor), name
    assert run_backbone.network.tower == exported.network.tower
    assert run_backbone.tokenizer.to_str() == exported.tokenizer.to_str()


def test_logits_are_those_of_the_released_model(released: Path, corpus_folder: Path) -> None:
    """The measured -log p of the masked tokens equals transformers' own value, checked on the first rows."""
    corpus = Corpus(corpus_folder)
    judged = open_scored_model(str(released / "x-discriminator"), None)
    pair, recipe = judged.pair_for(corpus)
    rows = measure(pair, recipe, corpus, None, detects=True)
    from transformers import ElectraForMaskedLM

    from pretrain.step.loader import batch_of

    generator = ElectraForMaskedLM.from_pretrained(released / "x-generator").eval()
    numbers = torch.arange(len(rows.slots)).numpy()
    batch = batch_of(corpus, recipe, "validation", numbers, numbers * 0, numbers)
    alone = [n for n in range(len(numbers)) if int(batch.examples[n].max()) == 1]  # rows of one example
    assert alone
    assert bool((batch.shown[batch.filled] == corpus.special.mask).all())
    for n in alone[:3]:
        real = batch.real[n]
        output = generator(
            input_ids=batch.masked_tokens[n][real][None], token_type_ids=batch.segments[n][real][None]
        ).logits[0]
        slots = batch.slots[n][batch.filled[n]]
        surprise = -output.log_softmax(-1)[slots, batch.tokens[n][slots]].sum()
        assert rows.surprise[n] == pytest.approx(float(surprise), rel=1e-4)


def test_several_corpora_and_few_rows(run: Path, corpus_folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(documents(12)), encoding="utf-8")
    source = f"vocabulary.source={corpus_folder / 'vocab.txt'}"
    other = tmp_path / "other"
    prepare(load("tiny", [*SMALL, f"data.sources={text}", source, "data.row_length=32"]), other, 1)
    both = ["--corpus", str(corpus_folder), "--corpus", str(other)]
    results = evaluated(tmp_path, run, *both, "--rows", "5")["corpora"]
    assert [result["rows"] for result in results.values()] == [5, 5]
    assert results[str(other)]["scores"] != results[str(corpus_folder)]["scores"]


def test_half_a_model(released: Path, run: Path, corpus_folder: Path, tmp_path: Path) -> None:
    on = ("--corpus", str(corpus_folder))
    generator = Path(shutil.copytree(released / "x-generator", tmp_path / "only"))
    scores = evaluated(tmp_path, generator, *on)["corpora"][str(corpus_folder)]["scores"]
    assert set(scores) == {"masked_accuracy", "pseudo_perplexity"}
    discriminator = Path(shutil.copytree(released / "x-discriminator", tmp_path / "alone"))
    assert "holds a discriminator alone, and a discriminator is tested with the replacements of a generator" in refusal(
        discriminator, *on
    )
    # With the generator that was published beside it, the discriminator has the scores of the published pair.
    together = evaluated(tmp_path, released / "x-discriminator", *on)["corpora"]
    assert evaluated(tmp_path, discriminator, *on, "--generator", str(generator))["corpora"] == together
    # A generator with embeddings of another width replaces tokens as well: the networks share nothing here.
    crossed = evaluated(tmp_path, discriminator, *on, "--generator", str(run))["corpora"][str(corpus_folder)]["scores"]
    of_run = evaluated(tmp_path, run, *on)["corpora"][str(corpus_folder)]["scores"]
    assert crossed["masked_accuracy"] == of_run["masked_accuracy"]
    assert crossed["auc"] != of_run["auc"]


def test_the_generator_of_another_run_is_what_it_is_there(
    run: Path, corpus_folder: Path, world: World, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    assert train(load("tiny", [*SMALL, "seed=5"]), Corpus(corpus_folder), other, world, "auto")
    on = ("--corpus", str(corpus_folder))
    crossed, other_scores, run_scores = (
        evaluated(tmp_path, model, *on, *more)["corpora"][str(corpus_folder)]["scores"]
        for model, more in ((run, ("--generator", str(other))), (other, ()), (run, ()))
    )
    for name in ("masked_accuracy", "pseudo_perplexity", "replaced_share"):
        assert crossed[name] == pytest.approx(other_scores[name], rel=1e-9) != run_scores[name]
    assert crossed["auc"] not in (run_scores["auc"], other_scores["auc"])


def test_what_is_refused(run: Path, released: Path, corpus_folder: Path, text_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    prepare(load("tiny", [*SMALL, f"data.sources={text_file}", "vocabulary.size=1000"]), other, 1)
    assert "its vocabulary lacks entries of" in refusal(run, "--corpus", str(other))
    long = tmp_path / "long"
    source = f"vocabulary.source={corpus_folder / 'vocab.txt'}"
    prepare(load("tiny", [*SMALL, f"data.sources={text_file}", source, "data.row_length=128"]), long, 1)
    sentence = refusal(released / "x-discriminator", "--corpus", str(long))
    assert "data.row_length: 128 is above model.max_positions (64)" in sentence
    assert "give --corpus or --task, and not both" in refusal(run)
    assert "--against is for --task" in refusal(run, "--corpus", str(corpus_folder), "--against", str(run))
    assert "intervals need two" in refusal(run, "--corpus", str(corpus_folder), "--rows", "1")
