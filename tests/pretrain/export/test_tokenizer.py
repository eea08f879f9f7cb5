"""The tokenizer files of an export: copied, or completed from one of them; other kinds of tokenizers are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from configs.common.errors import UserError
from data_prep.shards import Corpus
from pretrain.export.tokenizer import write_tokenizer

SENTENCE = "The Café's naïve résumé; 中文 Straße 3.5!"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def write(source: Path, out: Path) -> int:
    return write_tokenizer(source, out, 64, "ElectraTokenizerFast")


def test_the_files_of_a_corpus_are_copied(corpus: Corpus, out: Path) -> None:
    assert write(corpus.folder, out) == corpus.special.pad
    for name in ("tokenizer.json", "vocab.txt"):
        assert (out / name).read_bytes() == (corpus.folder / name).read_bytes()
    settings = json.loads((out / "tokenizer_config.json").read_text())
    assert settings["do_lower_case"] is True
    assert settings["model_max_length"] == 64


def test_a_truncation_that_was_saved_is_taken_away(corpus: Corpus, tmp_path: Path, out: Path) -> None:
    tokenizer = Tokenizer.from_file(str(corpus.folder / "tokenizer.json"))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    write(tmp_path, out)
    assert len(Tokenizer.from_file(str(out / "tokenizer.json")).encode(SENTENCE).ids) > 4


@pytest.mark.parametrize(
    "settings",
    [{}, {"do_lower_case": False}, {"strip_accents": False}, {"do_lower_case": False, "strip_accents": True}],
)
def test_either_file_alone_is_enough(corpus: Corpus, tmp_path: Path, out: Path, settings: dict[str, bool]) -> None:
    """A tokenizer.json that was made of a vocab.txt gives that vocab.txt again."""
    shutil.copyfile(corpus.folder / "vocab.txt", tmp_path / "vocab.txt")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    write(tmp_path, out)
    first = Tokenizer.from_file(str(out / "tokenizer.json"))
    (out / "vocab.txt").unlink()
    again = tmp_path / "again"
    again.mkdir()
    write(out, again)
    assert (again / "vocab.txt").read_bytes() == (corpus.folder / "vocab.txt").read_bytes()
    assert Tokenizer.from_file(str(again / "tokenizer.json")).encode(SENTENCE).ids == first.encode(SENTENCE).ids
    written = json.loads((again / "tokenizer_config.json").read_text())
    assert written["do_lower_case"] == settings.get("do_lower_case", True)
    assert written["strip_accents"] == settings.get("strip_accents", written["do_lower_case"])


def test_other_kinds_of_tokenizers_are_refused(corpus: Corpus, tmp_path: Path, out: Path) -> None:
    shutil.copyfile(corpus.folder / "vocab.txt", tmp_path / "vocab.txt")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "XLNetTokenizer"}')
    with pytest.raises(UserError, match="its tokenizer is XLNetTokenizer"):
        write(tmp_path, out)
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n")
    with pytest.raises(UserError, match=r"lacks \[MASK\]"):
        write(tmp_path, out)
