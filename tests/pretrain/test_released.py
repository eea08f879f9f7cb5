"""Released models of every format: their tensors, their shapes, and files that are refused."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from configs.common.errors import UserError
from pretrain.released.lookup import open_released
from pretrain.released.network import Network
from pretrain.released.paddle import tower_weights
from tests.pretrain import google
from tests.pretrain.paddle import GOLDEN, Case
from tests.released import NARROWER, TOWER, release


def same(network: Network, expected: dict[str, torch.Tensor]) -> None:
    assert network.weights.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(network.weights[name], tensor), name


def copied(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / name, folder / name))


def test_a_checkpoint_of_googles() -> None:
    """Its tensors are those that Google's code gave after 5 steps; it is named by its folder or by itself."""
    after = google.PROJECTED.weights("after5")
    for path in ("tf_ckpt_tiny", "tf_ckpt_tiny/model.ckpt-5"):
        released = open_released(str(GOLDEN / path))
        assert released.vocabulary == GOLDEN / "tf_ckpt_tiny"
        for network in released.networks.values():
            same(network, {name: after[name] for name in network.weights})
    assert set().union(*(network.weights for network in released.networks.values())) == after.keys()
    assert released.networks["discriminator"].tower == {"layers": 2, "hidden": 32, "heads": 4, "intermediate": 128}
    assert released.networks["generator"].tower == {"layers": 2, "hidden": 8, "heads": 1, "intermediate": 32}


@pytest.mark.parametrize(
    "name", ["pd_ckpt_ernie_health_total_v24_run_pretrain", "pd_ckpt_electra_discriminator_legacy24"]
)
def test_folders_of_paddlenlp(name: str) -> None:
    """Both layouts of the config; the generator's shape, of which no config tells, from its tensors."""
    case = Case("ernie_health" if "health" in name else "electra")
    networks = open_released(str(GOLDEN / name)).networks
    assert networks.keys() == ({"generator", "discriminator"} if case.complete else {"discriminator"})
    for part, network in networks.items():
        same(network, tower_weights(case.under("param"), part))
    assert networks["discriminator"].tower == {"layers": 2, "hidden": 32, "heads": 4, "intermediate": 64}
    if case.complete:
        assert networks["generator"].shape["hidden"] == 16


def test_safetensors_of_paddlenlp(tmp_path: Path) -> None:
    """As paddlenlp 2.8 writes them on request: the same names, the same matrices [in, out]."""
    folder = copied("pd_ckpt_electra_discriminator", tmp_path)
    pickled = open_released(str(folder)).networks["discriminator"]
    arrays = pickle.loads((folder / "model_state.pdparams").read_bytes())
    (folder / "model_state.pdparams").unlink()
    arrays = {name: torch.from_numpy(array.copy()) for name, array in arrays.items() if isinstance(array, np.ndarray)}
    save_file(arrays, folder / "model.safetensors")
    same(open_released(str(folder)).networks["discriminator"], pickled.weights)


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


def test_a_config_that_disagrees_is_told_and_the_tensors_are_believed(tmp_path: Path) -> None:
    """As that of hfl/chinese-legal-electra-small-generator, which is its discriminator's."""
    release(tmp_path)
    shutil.copyfile(tmp_path / "x-discriminator" / "config.json", tmp_path / "x-generator" / "config.json")
    generator = open_released(str(tmp_path / "x-generator")).networks["generator"]
    assert generator.shape["hidden"] == 8
    assert generator.tower["heads"] == 1  # heads leave no trace, and are 64 wide in every published model
    hidden, intermediate = generator.contradictions()
    assert hidden.endswith("its config says hidden_size = 32, its tensors 8")
    assert intermediate.endswith("its config says intermediate_size = 64, its tensors 16")


def test_a_model_without_a_head_is_a_discriminator(tmp_path: Path) -> None:
    release(tmp_path).discriminator.electra.save_pretrained(tmp_path / "bare")
    network = open_released(str(tmp_path / "bare")).networks["discriminator"]
    assert network.shape["hidden"] == 32
    assert not any(name.startswith("objectives.") for name in network.weights)


class Evil:
    def __reduce__(self) -> Any:
        return print, ("code of the file was run",)


def spoil(folder: Path, how: str) -> None:
    state = folder / "model_state.pdparams"
    match how:
        case "runs code":
            state.write_bytes(pickle.dumps({"electra.embeddings": Evil()}))
        case "cut":
            state.write_bytes(state.read_bytes()[:-200])
        case "a list":
            state.write_bytes(pickle.dumps([1, 2]))
        case "another model":
            arrays = {"bert.encoder.weight": np.zeros((2, 2), np.float32)}
            state.write_bytes(pickle.dumps(arrays))
        case "config":
            (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("runs code", r"it wants builtins\.print, and a model is made of arrays alone"),
        ("cut", "is not a model that can be read safely"),
        ("a list", "holds a list, and PaddleNLP writes names with arrays"),
        ("another model", "holds no discriminator of an ELECTRA"),
        ("config", "not valid JSON"),
    ],
)
def test_files_of_paddlenlp_that_are_refused(tmp_path: Path, how: str, sentence: str, capsys: Any) -> None:
    folder = copied("pd_ckpt_electra_discriminator", tmp_path)
    spoil(folder, how)
    with pytest.raises(UserError, match=sentence):
        open_released(str(folder))
    assert "code of the file was run" not in capsys.readouterr().out


@pytest.mark.parametrize("part", ["model.ckpt-5.index", "model.ckpt-5.data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["cut", "missing", "zeros"])
def test_damaged_checkpoints_of_googles_are_refused(tmp_path: Path, part: str, damage: str) -> None:
    folder = copied("tf_ckpt_tiny", tmp_path)
    content = (folder / part).read_bytes()
    match damage:
        case "cut":
            (folder / part).write_bytes(content[:-100])
        case "missing":
            (folder / part).unlink()
        case "zeros":
            (folder / part).write_bytes(bytes(len(content) // 2))
    with pytest.raises(UserError) as error:
        open_released(str(folder))
    assert str(folder) in str(error.value)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no model; name a run or a checkpoint of ours, an export"):
        open_released(str(tmp_path / "empty"))
    with pytest.raises(UserError, match="holds no model"):
        open_released(str(tmp_path / "nowhere"))
    release(tmp_path)
    config = json.loads((tmp_path / "x-generator" / "config.json").read_text())
    (tmp_path / "x-generator" / "config.json").write_text(json.dumps(config | {"model_type": "bert"}))
    with pytest.raises(UserError, match="model_type is bert, and electra is wanted"):
        open_released(str(tmp_path / "x-generator"))


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
    found = offline(
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
    assert found.stdout.splitlines() == [both, both, alone], found.stderr


def test_a_name_that_is_not_in_the_cache_is_refused(cache: Path, tmp_path: Path) -> None:
    """As HF_HUB_CACHE says, with one sentence."""
    (cache / "models--org--x-generator" / "refs" / "main").unlink()
    for split in ("train", "dev"):
        (tmp_path / f"{split}.jsonl").write_text('{"text": "a", "label": "b"}\n')
    found = offline(cache, "-m", "launch.cli", "evaluate", "org/x-generator", "--task", str(tmp_path))
    assert found.returncode == 2
    expected = "error: org/x-generator: is no folder here, and cannot be had from the hub (Cannot find an appropriate"
    assert found.stderr.startswith(expected) and found.stderr.count("\n") == 1, found.stderr
