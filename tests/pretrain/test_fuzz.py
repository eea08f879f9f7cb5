"""Whatever is found in the folder of a run, it is read, passed over, or refused with one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.common.errors import UserError
from configs.common.files import sha256_of
from configs.folders import METRICS, PROVENANCE
from configs.load import load
from data_prep.shards import Corpus
from pretrain.run import checkpoint
from pretrain.run.checkpoint import MANIFEST, SCHEMA_VERSION, STATE
from pretrain.run.display import Display
from pretrain.run.folder import RunFolder, Start
from pretrain.run.live import Panel
from pretrain.run.logs import Log, read_metrics
from pretrain.show import show_run
from pretrain.step.world import World
from tests.conftest import SMALL
from tests.fuzz import VALUES, changed, cut_and_flipped

RECIPE = load("tiny", SMALL)
ALONE = World(0, 1, torch.device("cpu"), None)
LINES = [
    {"kind": "training", "step": 4, "loss": None, "masked_accuracy": 0.1},
    {"kind": "evaluation", "step": 4, "auc": 0.5},
]
JSONL = "".join(json.dumps(line) + "\n" for line in LINES).encode()


class Folder:
    """A run with a checkpoint, in which a test may damage what it likes; it is whole again for every example."""

    def __init__(self, path: Path, corpus: Corpus):
        self.path, self.corpus = path, corpus
        self.run = RunFolder(path, RECIPE, corpus, ALONE)
        with self.run:
            self.run.record(self.run.claim("auto"), torch.float32)
        self.checkpoint = self.run.checkpoints / checkpoint.folder_name(4)
        self.checkpoint.mkdir()
        (self.checkpoint / "weights").write_bytes(b"1")
        self.state: dict[str, Any] = self.run.state(Start(0), 4, 0).model_dump()
        (self.path / METRICS).write_bytes(JSONL)
        self.files = {name: (path / name).read_bytes() for name in ("recipe.toml", PROVENANCE, METRICS)}
        self.write_checkpoint(self.state)

    def manifest(self) -> dict[str, Any]:
        names = ("weights", STATE)
        return {"schema_version": SCHEMA_VERSION, "files": {name: sha256_of(self.checkpoint / name) for name in names}}

    def write_checkpoint(self, state: Any) -> None:
        (self.checkpoint / STATE).write_text(json.dumps(state, default=str))
        (self.checkpoint / MANIFEST).write_text(json.dumps(self.manifest()))

    def use(self) -> None:
        """All that is done with a run before it is trained."""
        try:
            with RunFolder(self.path, RECIPE, self.corpus, ALONE) as run:
                start = run.claim("auto")
                assert start.step in (0, 4) or start.checkpoint
                run.record(start, torch.float32)
                with Log(
                    self.path, start.step, Display(Panel("run", 12, lambda steps: 8 * steps, start.step)), active=True
                ):
                    pass
                show_run(self.path)
        except UserError as error:
            assert str(error)
        finally:
            for name, content in self.files.items():
                (self.path / name).write_bytes(content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, corpus_folder: Path) -> Folder:
    return Folder(tmp_path_factory.mktemp("run"), Corpus(corpus_folder))


@settings(max_examples=60)
@given(data=st.data())
def test_states(folder: Folder, data: st.DataObject) -> None:
    folder.write_checkpoint(data.draw(changed(folder.state) | VALUES))
    folder.use()


@settings(max_examples=60)
@given(data=st.data())
def test_manifests(folder: Folder, data: st.DataObject) -> None:
    folder.write_checkpoint(folder.state)
    content = json.dumps(data.draw(changed(folder.manifest()) | VALUES), default=str).encode()
    (folder.checkpoint / MANIFEST).write_bytes(data.draw(st.just(content) | cut_and_flipped(content)))
    folder.use()


@settings(max_examples=60)
@given(
    content=cut_and_flipped(JSONL)
    | st.binary(max_size=40)
    | st.lists(changed(LINES[0]) | changed(LINES[1]) | VALUES, max_size=4).map(
        lambda lines: "\n".join(json.dumps(line, default=str) for line in lines).encode()
    )
)
def test_metrics(folder: Folder, content: bytes) -> None:
    (folder.path / METRICS).write_bytes(content)
    assert all(isinstance(line["step"], int) and isinstance(line["kind"], str) for line in read_metrics(folder.path))
    folder.use()


@settings(max_examples=60)
@given(data=st.data(), name=st.sampled_from(["recipe.toml", PROVENANCE]))
def test_recipe_and_provenance(folder: Folder, data: st.DataObject, name: str) -> None:
    if name == PROVENANCE:
        content = json.dumps(data.draw(changed(json.loads(folder.files[name])) | VALUES), default=str).encode()
    else:
        content = folder.files[name]
    (folder.path / name).write_bytes(data.draw(st.just(content) | cut_and_flipped(content)))
    folder.use()


@pytest.mark.parametrize("line", ["[" * 100_000, "1" * 5000, "3", "{}", '{"kind": "training", "step": "x"}', "\udcff"])
def test_lines_beyond_reason_are_left_out(folder: Folder, line: str) -> None:
    (folder.path / METRICS).write_bytes((line + "\n").encode("utf-8", "surrogateescape") + JSONL)
    assert read_metrics(folder.path) == LINES
    folder.use()
