"""The suspicion of a token is the one that transformers computes from the export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, ElectraForPreTraining

from pretrain.export.folder import export
from pretrain.proofread.model import Proofreader
from pretrain.proofread.scoring import suspicion
from pretrain.proofread.windows import windows
from pretrain.proofread.words import tokenize
from tests.conftest import documents

SHORT = "A naïve function raises a KeyError [MASK] if the key 中文 😀 is not found."


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "models"
    export(str(run), folder)
    return folder / "discriminator"


@torch.no_grad()
def transformers_scores(folder: Path, text: str) -> np.ndarray:
    inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    return ElectraForPreTraining.from_pretrained(folder)(**inputs).logits[0, 1:-1].sigmoid().numpy()


@pytest.mark.parametrize("text", [SHORT, documents()[0][:150]])
def test_a_text_that_fits_has_the_scores_of_transformers(reader: Proofreader, exported: Path, text: str) -> None:
    scores = suspicion(reader, tokenize(reader.tokenizer, text).ids)
    assert len(scores) <= reader.length - 2
    np.testing.assert_allclose(scores, transformers_scores(exported, text), atol=1e-5)


def test_a_released_model_has_the_scores_of_transformers(chinese: Proofreader, released: Path) -> None:
    text = "今天天气很好，我们去公园散步。"
    scores = suspicion(chinese, tokenize(chinese.tokenizer, text).ids)
    np.testing.assert_allclose(scores, transformers_scores(released / "x-discriminator", text), atol=1e-5)


def test_a_long_text_has_the_scores_of_its_windows(reader: Proofreader) -> None:
    ids = tokenize(reader.tokenizer, documents()[1]).ids
    scores = suspicion(reader, ids)
    assert len(scores) == len(ids) > 4 * reader.length
    for cut in windows(len(ids), reader.length - 2):
        alone = suspicion(reader, ids[cut.start : cut.end])  # fits, so it is one window
        expected = alone[cut.first - cut.start : cut.last - cut.start]
        np.testing.assert_allclose(scores[cut.first : cut.last], expected, atol=1e-6)


def test_a_text_without_words_has_no_scores(reader: Proofreader) -> None:
    assert suspicion(reader, []).shape == (0,)
