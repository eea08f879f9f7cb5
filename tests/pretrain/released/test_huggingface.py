"""Folders of transformers, in every form that it has written, and repositories in the hub's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

from configs.common.errors import UserError
from pretrain.released.lookup import open_released
from pretrain.released.names import to_huggingface
from tests.released import GOLDEN, NARROWER, TOWER, assert_weights, release


@pytest.mark.parametrize("names", [("x-discriminator", "x-generator"), ("discriminator", "generator")])
@pytest.mark.parametrize("pickled", [False, True])
def test_folders_of_transformers(tmp_path: Path, names: tuple[str, str], pickled: bool) -> None:
    """The other network is found beside the one that is named, or both in the folder above, as we export them."""
    models = release(tmp_path, names=names)
    if pickled:
        for model, name in zip((models.discriminator, models.generator), names, strict=True):
            torch.save(model.state_dict(), tmp_path / name / "pytorch_model.bin")
            (tmp_path / name / "model.safetensors").unlink()
    opened = [open_released(str(tmp_path / name)) for name in names]
    opened += [open_released(str(tmp_path))] if names[0] == "discriminator" else []
    for released in opened:
        assert released.networks["discriminator"].tower == TOWER
        assert released.networks["generator"].tower == NARROWER
        words = models.discriminator.electra.embeddings.word_embeddings.weight
        assert torch.equal(released.networks["generator"].weights["embeddings.word.weight"], words)
        assert not [*released.main.contradictions()]


def test_written_by_us_and_saved_by_transformers_it_is_the_same(tmp_path: Path) -> None:
    """Our names -> transformers' names -> from_pretrained -> save_pretrained -> our names."""
    release(tmp_path)
    networks = open_released(str(tmp_path / "x-discriminator")).networks
    classes = {"discriminator": ElectraForPreTraining, "generator": ElectraForMaskedLM}
    for part, network in networks.items():
        written = tmp_path / "written" / part
        written.mkdir(parents=True)
        save_file(to_huggingface(network.weights, part), written / "model.safetensors", metadata={"format": "pt"})
        shutil.copyfile(tmp_path / f"x-{part}" / "config.json", written / "config.json")
        classes[part].from_pretrained(written).save_pretrained(tmp_path / "saved" / part)
    for part, network in open_released(str(tmp_path / "saved")).networks.items():
        assert_weights(network, networks[part].weights)


def test_a_generator_with_a_table_of_its_own_for_the_output_is_refused(tmp_path: Path) -> None:
    config = ElectraConfig(
        vocab_size=50,
        embedding_size=8,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=16,
        max_position_embeddings=16,
        tie_word_embeddings=False,
    )
    ElectraForMaskedLM(config).save_pretrained(tmp_path / "untied")
    with pytest.raises(UserError, match=r"generator_lm_head\.weight is not the table of its word embeddings"):
        open_released(str(tmp_path / "untied"))


def test_a_model_without_a_head_is_a_discriminator(tmp_path: Path) -> None:
    release(tmp_path).discriminator.electra.save_pretrained(tmp_path / "bare")
    network = open_released(str(tmp_path / "bare")).networks["discriminator"]
    assert network.shape["hidden"] == 32
    assert not any(name.startswith("objectives.") for name in network.weights)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A pair in a cache as huggingface_hub lays it out, and a discriminator that was released alone."""
    release(tmp_path, GOLDEN / "tf_ckpt_tiny" / "vocab.txt", max_positions=64)
    for name in ("x-discriminator", "x-generator"):
        cached(tmp_path / name, f"org/{name}", tmp_path / "hub")
    return cached(tmp_path / "x-discriminator", "org/alone-discriminator", tmp_path / "hub")


def cached(folder: Path, name: str, cache: Path) -> Path:
    """Files as blobs, a snapshot of links to them, and `main`, which says which snapshot that is."""
    repository, commit = cache / f"models--{name.replace('/', '--')}", "0123456789abcdef0123456789abcdef01234567"
    (repository / "snapshots" / commit).mkdir(parents=True)
    for part in ("blobs", "refs"):
        (repository / part).mkdir()
    for file in folder.iterdir():
        blob = hashlib.sha1(file.read_bytes()).hexdigest()
        shutil.copyfile(file, repository / "blobs" / blob)
        (repository / "snapshots" / commit / file.name).symlink_to(Path("../../blobs") / blob)
    (repository / "refs" / "main").write_text(commit)
    return cache


def offline(cache: Path, *command: str, **places: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, since huggingface_hub looks at the environment once."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_HUB_OFFLINE": "1"} | (places or {"HF_HUB_CACHE": str(cache)})
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)


OPEN = """
import os, sys
from data_prep.released import vocabulary_keys
from pretrain.released.lookup import open_released
os.chdir(sys.argv[1])
for name in sys.argv[2:]:
    found = open_released(name)
    print(sorted(found.networks), sorted(network.origin for network in found.networks.values()))
    assert vocabulary_keys(name, 0)["source"] == f"{found.vocabulary}/vocab.txt"
"""


def test_a_name_on_the_hub_is_found_in_its_cache(cache: Path) -> None:
    """Where HF_HOME says, though a folder has the organisation's name. `NAME-discriminator` finds its `NAME-generator`,
    and where there is none it is alone.
    """
    (cache.parent / "org").mkdir()
    process = offline(
        cache,
        "-c",
        OPEN,
        str(cache.parent),
        "org/x-discriminator",
        "org/x-generator",
        "org/alone-discriminator",
        HF_HOME=str(cache.parent),
    )
    both = "['discriminator', 'generator'] ['org/x-discriminator', 'org/x-generator']"
    alone = "['discriminator'] ['org/alone-discriminator']"
    assert process.stdout.splitlines() == [both, both, alone], process.stderr


def test_a_name_that_is_not_in_the_cache_is_refused(cache: Path, tmp_path: Path) -> None:
    """As HF_HUB_CACHE says, with one sentence."""
    (cache / "models--org--x-generator" / "refs" / "main").unlink()
    for split in ("train", "dev"):
        (tmp_path / f"{split}.jsonl").write_text('{"text": "a", "label": "b"}\n')
    process = offline(cache, "-m", "launch.cli", "evaluate", "org/x-generator", "--task", str(tmp_path))
    assert process.returncode == 2
    expected = "error: org/x-generator: is no folder here, and cannot be had from the hub (Cannot find an appropriate"
    assert process.stderr.startswith(expected) and process.stderr.count("\n") == 1, process.stderr
