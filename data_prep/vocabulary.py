"""WordPiece: trained on the sources, or taken from where a model keeps it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from configs.common.errors import UserError
from configs.common.files import read_json, read_lines, sha256_of, write_text
from configs.corpus_tables import VocabularyTable
from data_prep.manifest import SpecialTokens, VocabularyFacts

TOKENIZER, WORDS = "tokenizer.json", "vocab.txt"
SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}


def train(vocabulary: VocabularyTable, texts: Callable[[], Iterable[str]]) -> Tokenizer:
    """Train on the lines that `texts()` gives, twice; the same lines give the same entries in the same order.

    Raises UserError when the text gives fewer entries than `vocabulary.size`.
    """
    tokenizer = _wordpiece({SPECIAL["unk"]: 0}, vocabulary)
    characters = _alphabet(tokenizer, vocabulary, texts())
    # The trainer numbers the pieces of one character in the order of a randomly seeded hash table, and breaks ties by
    # number. Numbered in advance, as if they were special, they leave it nothing to choose.
    first = [*SPECIAL.values(), *characters, *("##" + c for c in characters if _continues_words(tokenizer, c))]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary.size,
        min_frequency=vocabulary.smallest_count,
        initial_alphabet=characters,
        limit_alphabet=len(characters),
        special_tokens=first,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    found = tokenizer.get_vocab_size()
    if found != vocabulary.size:
        wanted = "or less, or bring more text" if found < vocabulary.size else "or more, or lower vocabulary.alphabet"
        raise UserError(
            f"vocabulary.size: {vocabulary.size}, and the text gives {found} entries; "
            f"set vocabulary.size={found} {wanted}"
        )
    return _finished(_wordpiece(tokenizer.get_vocab(), vocabulary))


def _alphabet(tokenizer: Tokenizer, vocabulary: VocabularyTable, texts: Iterable[str]) -> list[str]:
    """The characters that get an entry: the most frequent, in the order of their code points."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokenizer.normalizer.normalize_str(text))
    for space in [character for character in counts if character.isspace()]:
        del counts[space]
    kept = sorted(counts, key=lambda character: (-counts[character], character))[: vocabulary.alphabet]
    return sorted(kept)


def _continues_words(tokenizer: Tokenizer, character: str) -> bool:
    """Chinese characters and punctuation stand alone, and need no continuation piece."""
    text = tokenizer.normalizer.normalize_str("a" + character)
    return len(tokenizer.pre_tokenizer.pre_tokenize_str(text)) == 1


def take(vocabulary: VocabularyTable) -> Tokenizer:
    """Read a vocab.txt, a tokenizer.json, or the one in a Hugging Face folder; raises UserError when it is unfit."""
    path = Path(vocabulary.source)
    if path.is_dir():
        inside = [path / name for name in (TOKENIZER, WORDS) if (path / name).is_file()]
        if not inside:
            raise UserError(f"vocabulary.source: {path} holds neither {TOKENIZER} nor {WORDS}")
        path = inside[0]
    if not path.is_file():
        raise UserError(f"vocabulary.source: {path} does not exist; name a vocab.txt, a tokenizer.json or a folder")
    tokenizer = _read_tokenizer(path, vocabulary) if path.suffix == ".json" else _read_words(path, vocabulary)
    size = tokenizer.get_vocab_size()
    if size != vocabulary.size and not vocabulary.extend:
        raise UserError(
            f"vocabulary.size: {vocabulary.size}, and {path} has {size} entries; set vocabulary.size={size}"
        )
    return tokenizer


def stated(path: Path) -> dict[str, Any]:
    """What a tokenizer.json says of the recipe's keys; raises UserError when it is not a tokenizer of BERT's kind."""
    stored = read_json(path)
    if stored.get("model", {}).get("type") != "WordPiece":
        raise UserError(f"vocabulary.source: {path} is not a WordPiece tokenizer, which ELECTRA's word pieces need")
    normalizer = stored.get("normalizer") or {}
    berts = {
        "normalizer.type": (normalizer.get("type"), "BertNormalizer"),
        "normalizer.clean_text": (normalizer.get("clean_text"), True),
        "normalizer.handle_chinese_chars": (normalizer.get("handle_chinese_chars"), True),
        "pre_tokenizer.type": ((stored.get("pre_tokenizer") or {}).get("type"), "BertPreTokenizer"),
        "model.continuing_subword_prefix": (stored["model"].get("continuing_subword_prefix"), "##"),
    }
    for key, (found, expected) in berts.items():
        if found != expected:
            raise UserError(
                f"vocabulary.source: {path} has {key} = {json.dumps(found)}, and BERT's is {json.dumps(expected)}; "
                "take its vocab.txt instead"
            )
    return as_stated(normalizer["lowercase"], normalizer["strip_accents"], stored["model"]["max_input_chars_per_word"])


def as_stated(lowercase: bool, strip_accents: bool | None, longest_word: int) -> dict[str, Any]:
    """The recipe's keys; where nothing is stated of accents, BERT's tokenizer strips them with the capitals."""
    accents = lowercase if strip_accents is None else strip_accents
    return {"lowercase": lowercase, "strip_accents": accents, "longest_word": longest_word}


def _read_tokenizer(path: Path, vocabulary: VocabularyTable) -> Tokenizer:
    for key, value in stated(path).items():
        if value != getattr(vocabulary, key):
            ours, found = json.dumps(getattr(vocabulary, key)), json.dumps(value)
            raise UserError(f"vocabulary.{key}: {ours}, and {path} has {found}; set vocabulary.{key}={found}")
    tokenizer = Tokenizer.from_file(str(path))
    special_tokens(tokenizer, path)
    _check_ids(tokenizer, path)
    # A tokenizer is often saved with the truncation and padding of its last use.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _check_ids(tokenizer: Tokenizer, path: Path) -> None:
    unused = set(range(tokenizer.get_vocab_size())) - set(tokenizer.get_vocab().values())
    if unused:
        raise UserError(f"vocabulary.source: {path} has no entry for the id {min(unused)}; ids must follow each other")


def _read_words(path: Path, vocabulary: VocabularyTable) -> Tokenizer:
    words = read_lines(path)
    table = {word: number for number, word in enumerate(words)}
    if len(table) != len(words):
        twice = next(word for number, word in enumerate(words) if table[word] != number)
        raise UserError(f"vocabulary.source: {path} has the entry {twice!r} twice")
    return of_entries(table, vocabulary, path)


def of_entries(table: dict[str, int], vocabulary: VocabularyTable, origin: Path) -> Tokenizer:
    """Raises UserError, naming `origin`, when one of the special tokens is not an entry."""
    tokenizer = _wordpiece(table, vocabulary)
    special_tokens(tokenizer, origin)
    return _finished(tokenizer)


def _wordpiece(table: dict[str, int], vocabulary: VocabularyTable) -> Tokenizer:
    tokenizer = Tokenizer(
        models.WordPiece(table, unk_token=SPECIAL["unk"], max_input_chars_per_word=vocabulary.longest_word)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=True,
        strip_accents=vocabulary.strip_accents,
        lowercase=vocabulary.lowercase,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _finished(tokenizer: Tokenizer) -> Tokenizer:
    """Mark the special tokens, and add them around a text as BERT does."""
    tokenizer.add_special_tokens(list(SPECIAL.values()))
    special = special_tokens(tokenizer, Path(TOKENIZER))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", special.cls), ("[SEP]", special.sep)],
    )
    return tokenizer


def special_tokens(tokenizer: Tokenizer, origin: Path) -> SpecialTokens:
    """Raises UserError, naming `origin`, when one of the five is not an entry."""
    found = {name: tokenizer.token_to_id(token) for name, token in SPECIAL.items()}
    ids = {name: number for name, number in found.items() if number is not None}
    missing = [token for name, token in SPECIAL.items() if name not in ids]
    if missing:
        raise UserError(f"{origin}: the vocabulary lacks {', '.join(missing)}, which pretraining needs")
    return SpecialTokens(**ids)


def words(tokenizer: Tokenizer) -> list[str]:
    """The entries by id."""
    table = tokenizer.get_vocab()
    return sorted(table, key=table.__getitem__)


def continuations(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """[V]: whether an entry continues a word."""
    return np.array([word.startswith("##") for word in words(tokenizer)])


def save(tokenizer: Tokenizer, folder: Path) -> None:
    write_text(folder / WORDS, "".join(word + "\n" for word in words(tokenizer)))
    write_text(folder / TOKENIZER, tokenizer.to_str(pretty=True))


def load(folder: Path) -> Tokenizer:
    """The tokenizer of a corpus, for its text: `[MASK]` written in a document is text there, not the special token."""
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.encode_special_tokens = True
    return tokenizer


def describe(folder: Path) -> VocabularyFacts:
    """What the manifest says of a saved vocabulary."""
    tokenizer = load(folder)
    return VocabularyFacts(
        sha256=hashlib.sha256("\n".join(words(tokenizer)).encode()).hexdigest(),
        size=tokenizer.get_vocab_size(),
        special=special_tokens(tokenizer, folder / TOKENIZER),
        files={name: sha256_of(folder / name) for name in (TOKENIZER, WORDS)},
    )
