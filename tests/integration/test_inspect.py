"""`electra inspect` and `electra status`, for every kind of folder: as text, as lines for scripts, and damaged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from launch.cli import app
from pretrain.export.folder import Order, export
from tests.integration.test_json_lines import lines_of
from tests.trained import run as run

Folders = dict[str, Path]

# kind -> the keys of its line, and a part of its text
KINDS = {
    "corpus": (
        {"rows", "row_length", "tokens", "vocabulary", "masking", "sources", "unknown_tokens", "unknown_characters"}
        | {"rows_filled", "unknown_share", "invalid_sequences", "num_skipped", "warnings"},
        "1,200 entries",
    ),
    "run": (
        {"recipe", "fingerprint", "step", "num_steps", "training", "evaluation", "general", "average"}
        | {"health", "checkpoints"},
        "too early at step 12 to judge whether the model learns",
    ),
    "checkpoint": (
        {"recipe", "fingerprint", "bytes", "step", "skipped", "rows_seen", "earlier_updates", "corpus", "zero_stage"}
        | {"processes", "time"},
        "rows seen",
    ),
    "model": ({"networks", "vocabulary", "remarks"}, "attention heads"),
}
# kind -> the file that is damaged, and a part of the sentence
DAMAGED = {
    "corpus": ("manifest.json", "manifest.json: "),
    "run": ("recipe.toml", "recipe.toml: "),
    "checkpoint": ("state.json", "its sha256 is not the manifest's"),
    "model": ("model.safetensors", "model.safetensors"),
}


@pytest.fixture(scope="module")
def folders(run: Path, corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Folders:
    models = tmp_path_factory.mktemp("models") / "models"
    export(str(run), models, Order("huggingface", None))
    checkpoint = run / "checkpoints" / "step-00000012"
    return {"corpus": corpus_folder, "run": run, "checkpoint": checkpoint, "model": models / "discriminator"}


@pytest.mark.parametrize("kind", KINDS)
def test_as_text(kind: str, folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    app(["inspect", str(folders[kind])], standalone_mode=False)
    shown = capsys.readouterr().out
    assert shown.splitlines()[0] == f"{kind} {folders[kind]}"
    assert KINDS[kind][1] in shown


@pytest.mark.parametrize("kind", KINDS)
def test_as_a_line_for_scripts(kind: str, folders: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    (line,) = lines_of(capfd, "inspect", folders[kind])
    assert line.pop("kind") == kind
    assert line.pop(kind) == str(folders[kind])
    assert set(line) == KINDS[kind][0]


@pytest.mark.parametrize("kind", KINDS)
def test_damaged(kind: str, folders: Folders, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    damaged = tmp_path / folders[kind].name
    shutil.copytree(folders[kind], damaged)
    name, sentence = DAMAGED[kind]
    content = (damaged / name).read_bytes()
    (damaged / name).write_bytes(content[: len(content) // 2])
    (line,) = lines_of(capfd, "inspect", damaged, exit_code=2)
    assert line["kind"] == "error" and sentence in line["message"] and str(damaged) in line["message"]


def test_the_numbers_of_a_run_and_its_status(folders: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    (inspected,) = lines_of(capfd, "inspect", folders["run"])
    of_run, of_corpus = lines_of(capfd, "status", folders["run"], folders["corpus"])
    metrics = list(map(json.loads, (folders["run"] / "metrics.jsonl").read_text().splitlines()))
    for kind in ("training", "evaluation"):
        assert inspected[kind] == [line for line in metrics if line["kind"] == kind][-1]
    assert (inspected["step"], inspected["num_steps"], len(inspected["checkpoints"])) == (12, 12, 3)
    assert of_run["health"] == inspected["health"]
    assert (of_run["kind"], of_corpus["kind"], of_corpus["corpus_is_complete"]) == ("status", "status", True)
