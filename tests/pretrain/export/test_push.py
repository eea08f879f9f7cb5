"""Models on a stand-in of the hub: all files are equal, transformers loads them from there; refusals are sentences."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from transformers.utils import logging
from typer.testing import CliRunner

from launch.cli import app
from pretrain.export.checkpoints import Choice
from pretrain.export.folder import Order, export
from tests.hub import Files, Hub, Repository, running

PARTS = ("discriminator", "generator")
LOADS = """
import sys
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining, AutoTokenizer
for name, model_class in (("-discriminator", AutoModelForPreTraining), ("-generator", AutoModelForMaskedLM)):
    for revision in ("main", "step-4"):
        model, report = model_class.from_pretrained(
            f"me/small{name}", revision=revision, output_loading_info=True
        )
        assert not report["missing_keys"] and not report["unexpected_keys"]
        tokenizer = AutoTokenizer.from_pretrained(f"me/small{name}", revision=revision)
        assert tokenizer.vocab_size == model.config.vocab_size
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Return a hub, to which this process is signed in."""
    logging.disable_progress_bar()
    with running() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "home" / "token"))
        monkeypatch.setenv("HF_TOKEN", hub.token)
        yield hub


def called(run: Path, out: Path, *arguments: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["export", str(run), "--out", str(out), "--push", *arguments])
    return answer.exit_code, answer.stdout, answer.stderr


def contents(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_sent_without_yes(run: Path, hub: Hub, tmp_path: Path) -> None:
    code, stdout, stderr = called(run, tmp_path / "out", "me/small", "--revisions", "4")
    assert (code, stderr) == (0, "")
    for part in PARTS:
        for revision in ("main", "step-4"):
            assert f"me/small-{part} ({revision}), private: would get 6 files of " in stdout
        assert f"The card of me/small-{part} (main):\n---\n" in stdout
    assert "model.safetensors" in stdout
    assert not hub.requests
    assert not entries(tmp_path)


def test_every_file_is_there_afterwards(run: Path, hub: Hub, tmp_path: Path) -> None:
    """Both networks, at two revisions."""
    code, stdout, stderr = called(run, tmp_path / "out", "me/small", "--revisions", "4", "--yes")
    assert code == 0, stderr
    export(str(run), tmp_path / "main")
    export(str(run), tmp_path / "step-4", Order(choice=Choice("4")))
    for part in PARTS:
        repository = hub.repositories[f"me/small-{part}"]
        assert repository.private
        assert repository.branches["main"] == contents(tmp_path / "out" / part)
        for revision in ("main", "step-4"):
            files, expected = repository.branches[revision], contents(tmp_path / revision / part)
            assert files.keys() == expected.keys()
            assert [name for name in files if files[name] != expected[name]] == ["README.md"]
            assert f"me/small-{part} ({revision}): uploaded, {hub.address}/me/small-{part}/commit/" in stdout
        assert f'from_pretrained("me/small-{part}")' in repository.branches["main"]["README.md"].decode()
        assert f'"me/small-{part}", revision="step-4")' in repository.branches["step-4"]["README.md"].decode()


@pytest.mark.slow
def test_transformers_loads_every_revision_from_there(run: Path, hub: Hub, tmp_path: Path) -> None:
    """In a process of its own, with the settings of a user."""
    assert called(run, tmp_path / "out", "me/small", "--revisions", "4", "--yes")[0] == 0
    environment = os.environ | {
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": hub.token,
    }
    loaded = subprocess.run([sys.executable, "-c", LOADS], env=environment, capture_output=True, text=True)
    assert loaded.returncode == 0, loaded.stderr


def test_a_single_network_is_a_single_repository(run: Path, hub: Hub, tmp_path: Path) -> None:
    code, *_ = called(run, tmp_path / "out", "me/small", "--part", "discriminator", "--yes", "--public")
    assert code == 0
    assert hub.repositories.keys() == {"me/small"}
    assert not hub.repositories["me/small"].private
    assert hub.repositories["me/small"].branches["main"] == contents(tmp_path / "out" / "discriminator")


def test_a_failure_says_what_is_there_and_the_same_command_uploads_the_rest(
    run: Path, hub: Hub, tmp_path: Path
) -> None:
    hub.refused = "generator"
    code, stdout, stderr = called(run, tmp_path / "out", "me/small", "--yes")
    assert code == 2
    assert "me/small-discriminator (main): uploaded" in stdout
    assert stderr == (
        "error: me/small-generator (main): cannot be uploaded (You have exceeded your storage); before that, "
        "me/small-discriminator was created, me/small-discriminator (main) was uploaded, me/small-generator was "
        "created; the same command uploads the rest\n"
    )
    assert not entries(tmp_path)
    hub.refused, uploads = "", [request for request in hub.requests if request.startswith("PUT /large/")]
    code, *_ = called(run, tmp_path / "out", "me/small", "--yes")
    assert code == 0
    assert [request for request in hub.requests if request.startswith("PUT /large/")] == uploads
    assert hub.repositories["me/small-generator"].branches["main"] == contents(tmp_path / "out" / "generator")


def test_a_repository_of_another_visibility_is_refused(run: Path, hub: Hub, tmp_path: Path) -> None:
    hub.repositories["me/small"] = Repository(private=False)
    arguments = ("me/small", "--part", "generator", "--yes")
    code, _, stderr = called(run, tmp_path / "out", *arguments)
    assert (code, stderr.count("\n")) == (2, 1)
    assert "me/small: exists and is public; give --public, or change its settings on the hub" in stderr
    hub.repositories["me/small"].private = True
    assert "exists and is private; leave --public out" in called(run, tmp_path / "out", *arguments, "--public")[2]
    assert not hub.repositories["me/small"].branches["main"]
    assert not entries(tmp_path)


def test_a_file_that_the_hub_leaves_out_is_named(run: Path, hub: Hub, tmp_path: Path) -> None:
    hub.ignored = "vocab.txt"
    code, _, stderr = called(run, tmp_path / "out", "me/small", "--part", "generator", "--yes")
    assert code == 2
    assert "the hub left out vocab.txt; look at the repository's .gitignore" in stderr


def signed_out(hub: Hub, patch: pytest.MonkeyPatch) -> None:
    patch.delenv("HF_TOKEN")


def signed_in_wrongly(hub: Hub, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("HF_TOKEN", "hf_wrong")


def offline(hub: Hub, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


def as_usual(hub: Hub, patch: pytest.MonkeyPatch) -> None:
    pass


@pytest.mark.parametrize(
    ("arguments", "circumstance", "sentence"),
    [
        (("me/small", "--yes"), signed_out, "--push: there is no token for the hub; log in with `hf auth login`, or "),
        (("me/small", "--yes"), signed_in_wrongly, "the hub cannot be used with this token (Invalid"),
        (("me/small", "--yes"), offline, "the hub cannot be used with this token ([Errno 111] Connection refused)"),
        (("you/small", "--yes"), as_usual, "cannot be uploaded (You don't have the rights to create a model under"),
        (("small",), as_usual, "--push small: name the owner too, such as OWNER/small"),
        (("me/small model",), as_usual, "--push me/small model: "),
        (("me/" + "x" * 90,), as_usual, "--push me/xxx"),
        (("me/small", "--revisions", "4,last"), as_usual, "--revisions 4,last: name steps of checkpoints"),
        (("me/small", "--revisions", "5", "--yes"), as_usual, "--checkpoint 5: "),
    ],
)
def test_refusals(
    run: Path,
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    circumstance: object,
    sentence: str,
) -> None:
    """One sentence, exit code 2, nothing on either side, and no token in what is printed."""
    assert callable(circumstance)
    circumstance(hub, monkeypatch)
    code, stdout, stderr = called(run, tmp_path / "out", *arguments)
    assert code == 2
    assert stderr.startswith("error: ") and sentence in stderr and stderr.count("\n") == 1
    assert "hf_" not in stdout + stderr
    assert not hub.repositories
    assert not entries(tmp_path)


def test_a_folder_with_something_in_it_is_refused_first(run: Path, hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    code, _, stderr = called(run, tmp_path, "me/small", "--yes")
    assert code == 2 and "exists and is not empty" in stderr
    assert not hub.requests


@pytest.mark.parametrize("option", [("--public",), ("--yes",), ("--revisions", "4")])
def test_options_of_push_need_it(run: Path, tmp_path: Path, option: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(app, ["export", str(run), "--out", str(tmp_path / "out"), *option])
    assert answer.exit_code == 2
    assert f"export: {option[0]} is for --push" in answer.stderr
