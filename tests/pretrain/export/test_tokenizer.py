"""The tokenizer files of an export: copied, or completed from one of them; other kinds of tokenizers are refused."""

from __future__ import annotations

import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import transformers
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from configs.common.errors import UserError
from configs.load import load
from configs.vocabulary.settings import TokenizerSettings
from configs.vocabulary.tokenizer import bare_tokenizer
from data_prep import vocabulary, vocabulary_training
from data_prep.shards import Corpus
from pretrain.export.tokenizer import write_tokenizer
from tests.conftest import documents

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


ENGLISH, FRENCH = SENTENCE, "À Noël, l'été où l'élève naïf a reçu ÇA: façade, cœur, ÉTÉ!"
CHINESE = "患者於2024年住院,诊断为Ⅱ型糖尿病;BMI 27.5。𠮷野家に行く"
# No special tokens are among these: they are text where a corpus is prepared, and have a meaning where it is used.
HARD = [
    "",
    " ",
    "a\u00a0b\u3000c\tde",
    "e\u0301te\u0301 \ufb01n",
    "x" * 90,
    "😀 ok\u200bay",
    "İstanbul ẞ ǅ",
    "##s [x]",
]


def ids_by_route(folder: Path, texts: list[str]) -> dict[str, list[list[int]]]:
    """Tokenize by every route that other software takes: the whole folder, or vocab.txt with its settings alone."""
    alone = folder.with_name("alone")
    alone.mkdir()
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copyfile(folder / name, alone / name)
    tokenizers = {
        "fast": transformers.AutoTokenizer.from_pretrained(folder),
        "fast, of vocab.txt": transformers.BertTokenizer.from_pretrained(alone),
        "slow, of vocab.txt": transformers.BertTokenizerLegacy.from_pretrained(alone),
        "sentence-transformers": SentenceTransformer(str(folder)).tokenizer,
    }
    return {route: [tokenizer(text)["input_ids"] for text in texts] for route, tokenizer in tokenizers.items()}


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("strip_accents", [True, False])
def test_every_route_gives_the_ids_of_training(tmp_path: Path, *, lowercase: bool, strip_accents: bool) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    corpus.mkdir()
    out.mkdir()
    changes = {"size": 300, "smallest_count": 1, "lowercase": lowercase, "strip_accents": strip_accents}
    texts = [*documents(3), ENGLISH, FRENCH, CHINESE]
    trained = vocabulary_training.train(load("small").vocabulary.model_copy(update=changes), lambda: texts)
    vocabulary.save(trained, corpus)
    # sentence-transformers opens the tokenizer only together with a model.
    sizes: dict[str, Any] = {"embedding_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
    config = transformers.ElectraConfig(vocab_size=300, num_attention_heads=1, **sizes)
    transformers.ElectraModel(config).save_pretrained(out)
    write(corpus, out)
    for route, ids in ids_by_route(out, [*texts, *HARD]).items():
        # The slow tokenizer of transformers composes characters with accents first, and no other does.
        form = "NFC" if route.startswith("slow") else None
        expected = [unicodedata.normalize(form, text) if form else text for text in (*texts, *HARD)]
        assert ids == [vocabulary.load(corpus).encode(text).ids for text in expected], route


def test_an_id_without_an_entry_shifts_no_other(tmp_path: Path, out: Path) -> None:
    """A vocab.txt with a line twice gives such a tokenizer.json, and software may read the vocab.txt alone."""
    source = tmp_path / "source"
    source.mkdir()
    ids = {token: number for number, token in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))}
    ids |= {"cat": 6, "the": 7}
    tokenizer = bare_tokenizer(ids, TokenizerSettings(True, True, 100))
    tokenizer.save(str(source / "tokenizer.json"))
    (source / "config.json").write_text("{}")
    write(source, out)
    assert (out / "vocab.txt").read_text().splitlines()[5:] == ["[unused_5]", "cat", "the"]
    (out / "tokenizer.json").unlink()
    assert transformers.BertTokenizer(str(out / "vocab.txt"))("the cat", add_special_tokens=False)["input_ids"] == [
        7,
        6,
    ]
