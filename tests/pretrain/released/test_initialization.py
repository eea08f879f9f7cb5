"""The rows of new entries by hand, the refusals of other vocabularies, and what a pair has after loading.

Whole runs from released models are in tests/integration/test_adapt.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from configs.common.errors import UserError
from configs.load import load
from pretrain.model.pair import ElectraPair
from pretrain.released.initialization import InitialWeights, new_rows
from pretrain.released.lookup import open_released
from tests.conftest import SMALL
from tests.released import Models, release

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused1]", "[unused2]", "heart", "##s", "##beat", "lung")
SHAPE = (
    "vocabulary.size=12",
    "model.embedding=16",
    "model.max_positions=40",
    "data.row_length=32",
    "model.generator={layers=2, hidden=8, heads=1, intermediate=16}",
    "model.discriminator={layers=2, hidden=32, heads=4, intermediate=64}",
)


def _vocabulary(folder: Path, *words: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return release(tmp_path, _vocabulary(tmp_path, *WORDS) / "vocab.txt")


def test_new_entries_have_the_pieces_that_the_words_of_the_model_give(models: Models, tmp_path: Path) -> None:
    """An entry takes the place of an unused one or follows the last; one without pieces has those of [UNK]."""
    released = open_released(str(tmp_path / "x-discriminator"))
    same = new_rows(released, _vocabulary(tmp_path / "same", *WORDS))
    assert (same.size, dict(same.pieces)) == (11, {})
    words = [*WORDS[:5], "hearts", *WORDS[6:], "heartbeats", "肺"]
    rows = new_rows(released, _vocabulary(tmp_path / "more", *words))
    assert (rows.size, dict(rows.pieces)) == (13, {5: [7, 8], 11: [7, 9, 8], 12: [1]})


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            (*WORDS[:7], "kidney", *WORDS[8:]),
            "entry 7 of its vocabulary is 'kidney', and of {model} 'heart'; prepare the",
        ),
        (WORDS[:-1], "its vocabulary lacks entries of {model}, such as 'lung'"),
    ],
)
def test_another_vocabulary_is_refused(words: tuple[str, ...], sentence: str, models: Models, tmp_path: Path) -> None:
    model = tmp_path / "x-discriminator"
    corpus = _vocabulary(tmp_path / "corpus", *words)
    with pytest.raises(UserError, match=f"^{re.escape(f'{corpus}: {sentence.format(model=model)}')}"):
        new_rows(open_released(str(model)), corpus)


def test_without_a_vocabulary_file_the_number_of_entries_decides(models: Models, tmp_path: Path) -> None:
    (tmp_path / "x-discriminator" / "vocab.txt").unlink()
    released = open_released(str(tmp_path / "x-discriminator"))
    assert not new_rows(released, _vocabulary(tmp_path / "same", *WORDS)).pieces
    with pytest.raises(
        UserError, match=r"has a vocabulary of 12 entries; .* has 11 and no vocabulary file in its fold"
    ):
        new_rows(released, _vocabulary(tmp_path / "more", *WORDS, "x"))


@pytest.mark.parametrize("has_generator", [True, False])
def test_a_pair_has_the_weights_of_the_model_and_keeps_its_own_elsewhere(
    has_generator: bool, models: Models, tmp_path: Path
) -> None:
    """The row of `hearts` is the mean of the rows 7 and 8 of the model."""
    released = open_released(str(tmp_path / "x-discriminator"))
    generator = released.networks["generator"] if has_generator else None
    torch.manual_seed(0)
    pair = ElectraPair(load("tiny", [*SMALL, *SHAPE, "data.sources=x"]))
    random_values = {name: weight.detach().clone() for name, weight in pair.named_parameters()}
    loaded = InitialWeights(released, generator, ()).load(pair, _vocabulary(tmp_path / "more", *WORDS, "hearts"))
    rows = models.discriminator.electra.embeddings.word_embeddings.weight
    assert torch.equal(pair.embeddings.word.weight[:11], rows)
    torch.testing.assert_close(pair.embeddings.word.weight[11], (rows[7] + rows[8]) / 2)
    kept = {name for name, weight in pair.named_parameters() if torch.equal(weight, random_values[name])}
    matrices = {name for name, weight in random_values.items() if name.startswith("generator.") and weight.ndim == 2}
    assert matrices & kept == (set() if has_generator else matrices)
    assert all(weight.isfinite().all() for weight in pair.parameters())
    assert sum(line.loaded + line.fresh for line in loaded.table) == sum(w.numel() for w in pair.parameters())
    lines = {line.part: line for line in loaded.table}
    assert lines["embeddings"].fresh == 16
    assert lines["embeddings"].remark.endswith("; 1 new words begin as the mean of their pieces")
    size = sum(weight.numel() for name, weight in random_values.items() if name.startswith("generator."))
    counts = (lines["generator"].loaded, lines["generator"].fresh)
    assert counts == ((size, 0) if has_generator else (0, size))
