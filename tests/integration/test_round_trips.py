"""Every format gives the same weights back when it is read, and the tokenizer gives the same ids by every route."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path

import pytest
import torch
import transformers

from configs.folders import TOKENIZER_FILE, VOCABULARY_FILE
from configs.vocabulary.settings import TokenizerSettings
from configs.vocabulary.tokenizer import bert_tokenizer
from pretrain.export.checkpoints import Choice
from pretrain.export.config import ARCHITECTURES
from pretrain.export.folder import Order, export
from pretrain.export.source import open_source
from pretrain.export.tokenizer import write_tokenizer
from pretrain.released.lookup import open_released
from pretrain.released.network import Network
from pretrain.released.shapes import TOWER_NAMES, TowerName
from tests.trained import run as run

# These formats hold both networks of a run, in one folder or in two.
READABLE = ("huggingface", "tensorflow", "paddle")
SENTENCES = (
    "The Café's naïve résumé, Ångström!",
    "中文和English混合, 3.5%",
    "Straße İstanbul ΑΒΓ",
    "한국어 テスト",
    "don't [stop]\tnow\u00a0please",
    "",
)


def same(run: Path, *folders: Path) -> None:
    """Assert that each folder holds, for both networks, exactly the tensors of the run."""
    source = open_source(str(run), Choice())
    exported_towers: dict[TowerName, Network] = {}
    for folder in folders:
        exported_towers |= open_released(str(folder)).networks
    assert exported_towers.keys() == source.networks.keys()
    for name, network in exported_towers.items():
        assert network.tower == source.networks[name].tower
        heads = {key for key in source.networks[name].weights if key.startswith("objectives.")}
        own = "objectives.mlm." if name == "generator" else "objectives.rtd."
        expected = source.networks[name].weights.keys() - {key for key in heads if not key.startswith(own)}
        assert network.weights.keys() == expected
        assert all(torch.equal(tensor, source.networks[name].weights[key]) for key, tensor in network.weights.items())


def below(folder: Path, format_name: str) -> list[Path]:
    """Return the folders that hold the networks."""
    return [folder] if format_name == "tensorflow" else [folder / name for name in TOWER_NAMES]


@pytest.mark.parametrize(("first", "second"), list(product(READABLE, READABLE)))
def test_from_any_format_to_any_other(run: Path, tmp_path: Path, first: str, second: str) -> None:
    """Export a run to one format and from there to another, network by network."""
    export(str(run), tmp_path / "first", Order(first))
    same(run, *below(tmp_path / "first", first))
    for name in TOWER_NAMES:
        origin = tmp_path / "first" / name if first != "tensorflow" else tmp_path / "first"
        export(str(origin), tmp_path / "second" / name, Order(second, name))
    places = [tmp_path / "second" / name for name in TOWER_NAMES]
    same(run, *(place if second == "tensorflow" else place / place.name for place in places))


@pytest.mark.parametrize("first", ["huggingface", "paddle"])
def test_an_export_of_two_networks_is_one_model(run: Path, tmp_path: Path, first: str) -> None:
    """By the name of its folder, or of the folder of either network."""
    export(str(run), tmp_path / "out", Order(first))
    for folder in (tmp_path / "out", *below(tmp_path / "out", first)):
        assert open_released(str(folder)).networks.keys() == set(TOWER_NAMES)
        same(run, folder)


def test_what_transformers_saves_again_is_identical(run: Path, tmp_path: Path) -> None:
    """A model that transformers has saved is therefore the same to `--init-from`."""
    export(str(run), tmp_path / "out")
    for name, architecture in ARCHITECTURES.items():
        model = getattr(transformers, architecture).from_pretrained(tmp_path / "out" / name)
        model.save_pretrained(tmp_path / "saved" / name)
        shutil.copyfile(tmp_path / "out" / name / VOCABULARY_FILE, tmp_path / "saved" / name / VOCABULARY_FILE)
    same(run, tmp_path / "saved")


@pytest.mark.parametrize(("lowercase", "strip_accents"), list(product([True, False], [True, False])))
def test_the_tokenizer_gives_the_same_ids_by_every_route(tmp_path: Path, lowercase: bool, strip_accents: bool) -> None:
    """The routes are tokenizer.json, vocab.txt with the settings beside it, and transformers' tokenizer in Python."""
    characters = sorted(set("".join(SENTENCES) + "".join(SENTENCES).lower() + "eaousicg") - set(" \t\u00a0"))
    words = ["the", "The", "caf", "na", "##ive", "##ïve", *characters, *(f"##{character}" for character in characters)]
    entries = list(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    trained = bert_tokenizer(entries, TokenizerSettings(lowercase, strip_accents, 100), "test")
    source, folder, words_alone = tmp_path / "source", tmp_path / "out", tmp_path / "words"
    for path in (source, folder):
        path.mkdir()
    trained.save(str(source / TOKENIZER_FILE))
    write_tokenizer(source, folder, 512, "ElectraTokenizerFast")
    shutil.copytree(folder, words_alone, ignore=shutil.ignore_patterns(TOKENIZER_FILE))
    routes = {
        "tokenizer.json": transformers.AutoTokenizer.from_pretrained(folder),
        "vocab.txt": transformers.BertTokenizer.from_pretrained(words_alone),
        "Python": transformers.BertTokenizerLegacy(
            str(words_alone / VOCABULARY_FILE), do_lower_case=lowercase, strip_accents=strip_accents
        ),
    }
    for sentence in SENTENCES:
        for route, tokenizer in routes.items():
            assert tokenizer(sentence)["input_ids"] == trained.encode(sentence).ids, (route, sentence)
