"""The inputs of a proof: real rows where the corpus of the run is at hand, random ones elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import torch

from data_prep.shards import Corpus, Planes
from pretrain.export.checkpoints import Choice
from pretrain.export.examples import corpus_of, examples_for
from pretrain.export.source import open_source
from tests.released import release


def test_examples_are_pieces_of_held_out_rows(run: Path, corpus: Corpus) -> None:
    source = open_source(str(run), Choice())
    source_corpus = corpus_of(source)
    assert source_corpus is not None
    examples = examples_for(source, source_corpus)
    assert examples.origin.endswith("examples of the corpus' held-out rows")
    planes = Planes.of(corpus.read("validation", np.arange(1)), corpus.special)
    end = [*np.flatnonzero(planes.example_start[0])[1:], planes.lengths[0]][0]
    assert examples.tokens[0, :end].tolist() == planes.tokens[0, :end].tolist()
    assert examples.real[0].sum() == end
    assert (examples.tokens[:, 0] == corpus.special.cls).all()


def test_a_corpus_that_moved_or_changed_gives_no_examples(run: Path, corpus: Corpus, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(run, tmp_path / "moved"))
    provenance = json.loads((moved / "provenance.json").read_text())
    provenance["starts"][-1]["corpus"]["folder"] = str(tmp_path / "nowhere")
    (moved / "provenance.json").write_text(json.dumps(provenance))
    assert corpus_of(open_source(str(moved), Choice())) is None
    other = Path(shutil.copytree(corpus.folder, tmp_path / "nowhere"))
    assert corpus_of(open_source(str(moved), Choice())) is not None
    manifest = (other / "manifest.json").read_text()
    (other / "manifest.json").write_text(json.dumps(json.loads(manifest)))
    assert corpus_of(open_source(str(moved), Choice())) is None


def test_random_examples_are_always_the_same_and_have_padding(tmp_path: Path, corpus_folder: Path) -> None:
    release(tmp_path, corpus_folder / "vocab.txt", max_positions=64)
    source = open_source(str(tmp_path / "x-discriminator"), Choice())
    assert corpus_of(source) is None
    first, second = (examples_for(source, None) for _ in range(2))
    assert torch.equal(first.tokens, second.tokens)
    assert first.tokens.shape == (8, 64)
    assert first.real.sum(1).tolist()[0] == 3 and first.real.sum(1).tolist()[-1] == 64
    assert set(first.segments.unique().tolist()) == {0, 1}
    assert first.origin == "8 rows of random tokens"
