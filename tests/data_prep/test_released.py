"""Preparation takes from a released model the keys of its vocabulary and the largest length of its rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import UserError
from configs.load import load
from configs.vocabulary.tokenizer import entries_of
from data_prep import vocabulary
from data_prep.__main__ import load_corpus_recipe
from data_prep.released import refuse_long_rows, refuse_other_generator, vocabulary_keys

HEAD = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "vocab.txt").write_text(HEAD + "[unused1]\nthe\n\nthe\nof \n")
    (folder / "config.json").write_text('{"max_position_embeddings": 64}')
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    return folder


def test_a_models_ids_stay(model: Path) -> None:
    """The vocabulary file has a blank line, a repeated entry and trailing white space."""
    keys = vocabulary_keys(str(model), extend=0)
    assert keys == {
        "source": str(model / "vocab.txt"),
        "size": 10,
        "lowercase": False,
        "strip_accents": False,
        "longest_word": 100,
    }
    taken = vocabulary.take(load("tiny").vocabulary.model_copy(update=keys))
    assert entries_of(taken)[5:] == ["[unused1]", "[unused_6]", "[unused_7]", "the", "of"]
    assert taken.encode("the of", add_special_tokens=False).ids == [8, 9]


def test_a_generator_of_another_vocabulary_is_refused(model: Path, tmp_path: Path) -> None:
    """The first entry that differs is named. A generator without a vocabulary is compared when it is trained."""
    generator = tmp_path / "generator"
    generator.mkdir()
    (generator / "config.json").write_text("{}")
    refuse_other_generator(str(model), str(generator))
    shutil.copyfile(model / "vocab.txt", generator / "vocab.txt")
    refuse_other_generator(str(model), str(generator))
    (generator / "vocab.txt").write_text(HEAD + "[unused1]\na\n\nthe\nof \n")
    sources = [f"data.sources={model}", "data.row_length=64", f"initial.generator_from={generator}"]
    with pytest.raises(UserError, match=r"entry 6 of its vocabulary is 'a', and the discriminator's '\[unused_6\]'"):
        load_corpus_recipe("adapt", sources, str(model))


def test_unused_entries_make_room_for_new_words(model: Path) -> None:
    assert vocabulary_keys(str(model), extend=3)["size"] == 10
    assert vocabulary_keys(str(model), extend=5)["size"] == 12


@pytest.mark.parametrize("place", [".", "discriminator", "checkpoints/step-00000010"])
def test_the_vocabulary_lies_in_the_model_or_beside_it(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    holder = tmp_path / place if place == "discriminator" else tmp_path
    (holder / "vocab.txt").write_text(HEAD)
    named = tmp_path if place == "discriminator" else tmp_path / place
    assert vocabulary_keys(str(named), 0)["source"] == str(holder / "vocab.txt")


def test_a_model_in_the_working_folder(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model)
    assert vocabulary_keys(".", 0)["size"] == 10
    monkeypatch.chdir("/")
    with pytest.raises(UserError, match=r"neither tokenizer\.json nor vocab\.txt lies in it"):
        vocabulary_keys("/", 0)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", {"max_position_embeddings": 64}),
        ("model_config.json", {"init_args": [{"max_position_embeddings": 64}], "init_class": "ElectraModel"}),
        ("electra_config.json", {"max_position_embeddings": 64, "hidden_size": 16}),
        ("recipe.toml", "[model]\nmax_positions = 64\n"),
    ],
)
def test_rows_longer_than_the_models_positions_are_refused(tmp_path: Path, file: str, content: Any) -> None:
    (tmp_path / "vocab.txt").write_text(HEAD)
    (tmp_path / file).write_text(content if isinstance(content, str) else json.dumps(content))
    refuse_long_rows(str(tmp_path), 64)
    with pytest.raises(UserError, match=rf"data\.row_length: 72 is above the 64 positions of .*{file}.*row_length=64"):
        refuse_long_rows(str(tmp_path), 72)


def test_a_tokenizer_of_another_kind_is_refused_by_name(model: Path) -> None:
    (model / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer"}')
    with pytest.raises(UserError, match="its tokenizer is T5Tokenizer"):
        vocabulary_keys(str(model), 0)
    tiny = load("tiny").vocabulary.model_copy(update={"source": str(model), "size": 10})
    with pytest.raises(UserError, match="its tokenizer is T5Tokenizer"):
        vocabulary.take(tiny)


@pytest.mark.parametrize("file", ["tf_model.h5", "flax_model.msgpack", "onnx/model.onnx"])
def test_weights_that_training_does_not_read_are_refused_before_the_work(model: Path, file: str) -> None:
    (model / file).parent.mkdir(exist_ok=True)
    (model / file).write_bytes(b"weights")
    with pytest.raises(UserError, match=rf"holds only {file}: .* is not read; "):
        vocabulary_keys(str(model), 0)
    (model / "model.safetensors").write_bytes(b"weights that are read")
    assert vocabulary_keys(str(model), 0)
