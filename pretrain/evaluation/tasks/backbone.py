"""The discriminator of any model with transformers' head for a task, and the model's tokenizer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.processors import BertProcessing
from torch import Tensor, nn

from configs.common.errors import UserError
from configs.vocabulary.tokenizer import open_tokenizer
from pretrain.evaluation.tasks.kinds import build_model
from pretrain.evaluation.tasks.packed import PackedDiscriminator
from pretrain.evaluation.tasks.reading.task import Task
from pretrain.released.lookup import open_released
from pretrain.released.names import to_huggingface
from pretrain.released.network import Network


@dataclass(frozen=True)
class Backbone:
    """A discriminator without a head, and the tokenizer that it was trained with."""

    name: str
    network: Network
    tokenizer: Tokenizer

    @property
    def pad(self) -> int:
        return _id(self.tokenizer, "[PAD]")

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the state that a fine-tuning starts from: the tokenizer and the weights."""
        digest = hashlib.sha256(self.tokenizer.to_str().encode())
        for name, tensor in sorted(self._weights.items()):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    @property
    def _weights(self) -> dict[str, Tensor]:
        """The weights by transformers' names, without heads, as the fingerprints of finished results were made."""
        weights = to_huggingface(self.network.weights, "discriminator")
        return {name: tensor for name, tensor in weights.items() if name.startswith("electra.")}

    def with_head(self, task: Task) -> nn.Module:
        """transformers' model for the task: the discriminator with a head drawn from torch's generator."""
        import transformers

        # The dropout is transformers' default, with which ELECTRA was fine-tuned, and not that of pretraining.
        config = transformers.ElectraConfig(**self.network.electra_config, pad_token_id=self.pad)
        model = build_model(task, config)
        rates = config.hidden_dropout_prob, config.attention_probs_dropout_prob
        model.electra = PackedDiscriminator(self.network, *rates)
        return model


def open_backbone(model: str) -> Backbone:
    """The discriminator of a run, a checkpoint, an export, or anything that `--init-from` takes.

    Raises UserError when there is no discriminator, or no tokenizer beside it.
    """
    for package in ("seqeval", "sklearn", "transformers"):
        if not find_spec(package):
            raise UserError(f"--task: {package} is not installed; pip install 'electra-pretraining[evaluate]'")
    released = open_released(model)
    if "discriminator" not in released.networks:
        raise UserError(f"{model}: holds a generator alone, and fine-tuning needs a discriminator")
    if released.vocabulary is None:
        raise UserError(f"{model}: there is neither tokenizer.json nor vocab.txt beside it, and text needs a tokenizer")
    return Backbone(model, released.networks["discriminator"], _tokenizer(released.vocabulary))


def _tokenizer(folder: Path) -> Tokenizer:
    tokenizer = open_tokenizer(folder)
    tokenizer.post_processor = BertProcessing(*((word, _id(tokenizer, word)) for word in ("[SEP]", "[CLS]")))
    return tokenizer


def _id(tokenizer: Tokenizer, word: str) -> int:
    number = tokenizer.token_to_id(word)
    if number is None:
        raise UserError(f"{word}: is not in the vocabulary of the model, and every ELECTRA needs it")
    return number
