"""Features of different lengths become one batch, whose padding neither the attention nor the loss sees."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from pretrain.evaluation.tasks.features import IGNORED_LABEL, Feature, LazyFeatures, collate, first_tokens

PAD, CPU = 9, torch.device("cpu")


def _encoding(text: str) -> Encoding:
    """Every character of a text is a token, and a Chinese character has the id 3."""
    tokenizer = Tokenizer(WordLevel({"a": 1, "b": 2, "好": 3}, unk_token="a"))
    tokenizer.pre_tokenizer = Split("", "isolated")  # type: ignore[assignment]  tokenizers' own way to set it
    return tokenizer.encode([*text], is_pretokenized=True)


def _feature(*texts: str, **labels: object) -> Feature:
    return Feature(0, tuple(map(_encoding, texts)), labels)


def test_short_features_are_padded() -> None:
    batch = collate([_feature("ab好", labels=[1, 0, 1]), _feature("好", labels=[1])], PAD, CPU)
    assert batch["input_ids"].tolist() == [[1, 2, 3], [3, PAD, PAD]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["token_type_ids"].tolist() == [[0, 0, 0], [0, 0, 0]]
    assert batch["labels"].tolist() == [[1, 0, 1], [1, IGNORED_LABEL, IGNORED_LABEL]]


def test_options_have_an_axis_of_their_own() -> None:
    batch = collate([_feature("a", "bb", labels=1), _feature("好", "a", labels=0)], PAD, CPU)
    assert batch["input_ids"].tolist() == [[[1, PAD], [2, 2]], [[3, PAD], [1, PAD]]]
    assert batch["labels"].tolist() == [1, 0]


def test_a_single_feature_without_labels() -> None:
    assert {name: tensor.tolist() for name, tensor in collate([_feature("b")], PAD, CPU).items()} == {
        "input_ids": [[2]],
        "attention_mask": [[1]],
        "token_type_ids": [[0]],
    }
    with pytest.raises(ValueError, match="too many values"):
        _ = _feature("a", "b").encoding


def test_first_tokens_of_words() -> None:
    assert first_tokens(_encoding("ab好")) == {0: 0, 1: 1, 2: 2}
    assert first_tokens(_encoding("")) == {}


def test_lazy_features_are_made_when_they_are_read() -> None:
    made: list[int] = []

    def maker(number: int) -> Feature:
        made.append(number)
        return Feature(number, (), {})

    features = LazyFeatures([lambda number=number: maker(number) for number in range(4)])
    assert len(features) == 4 and made == []
    assert features[2].example == 2 and [feature.example for feature in features[:2]] == [0, 1]
    assert made == [2, 0, 1]
