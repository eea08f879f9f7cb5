"""transformers' ELECTRA with a head on the discriminator of any model; its tokenizer; the rates of its layers."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tokenizers import BertWordPieceTokenizer, Tokenizer
from tokenizers.processors import BertProcessing
from torch import Tensor, nn

from configs.common.errors import UserError
from configs.common.files import read_json, read_lines
from pretrain.evaluation.tasks.kinds import headed, num_outputs
from pretrain.evaluation.tasks.settings import Settings
from pretrain.evaluation.tasks.task import Task
from pretrain.released.lookup import open_released
from pretrain.released.names import to_huggingface
from pretrain.released.network import Network

_LAYER = re.compile(r"electra\.encoder\.layer\.(\d+)\.")


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
        """sha256 of what a fine-tuning begins with: the weights, and how text is cut."""
        digest = hashlib.sha256(self.tokenizer.to_str().encode())
        for name, tensor in sorted(self._weights.items()):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    @property
    def _weights(self) -> dict[str, Tensor]:
        """By transformers' names."""
        weights = to_huggingface(self.network.weights, "discriminator")
        return {name: tensor for name, tensor in weights.items() if name.startswith("electra.")}

    def with_head(self, task: Task) -> nn.Module:
        """transformers' model for the task; the head is drawn from torch's generator. The rest is the discriminator."""
        import transformers

        shape, tower = self.network.shape, self.network.tower
        config = transformers.ElectraConfig(
            vocab_size=shape["vocabulary"],
            embedding_size=shape["embedding"],
            hidden_size=shape["hidden"],
            num_hidden_layers=shape["layers"],
            num_attention_heads=tower["heads"],
            intermediate_size=shape["intermediate"],
            max_position_embeddings=shape["max_positions"],
            type_vocab_size=shape["token_types"],
            layer_norm_eps=self.network.epsilon,
            pad_token_id=self.pad,
        )
        config.num_labels = num_outputs(task)
        model = headed(task, config)
        missing = model.load_state_dict(self._weights, strict=False).missing_keys
        assert not any(name.startswith("electra.") for name in missing), missing
        return model


def open_backbone(model: str) -> Backbone:
    """The discriminator of a run, a checkpoint, an export, or anything that `--init-from` takes.

    Raises UserError when there is none, or no tokenizer beside it.
    """
    for package in ("sklearn", "transformers"):
        if not find_spec(package):
            raise UserError(f"--task: {package} is not installed; pip install 'electra-pretraining[evaluate]'")
    released = open_released(model)
    if "discriminator" not in released.networks:
        raise UserError(f"{model}: holds a generator alone; what is fine-tuned is a discriminator")
    if released.vocabulary is None:
        raise UserError(f"{model}: neither tokenizer.json nor vocab.txt lies beside it, so no text can be cut for it")
    return Backbone(model, released.networks["discriminator"], _tokenizer(released.vocabulary))


def _tokenizer(folder: Path) -> Tokenizer:
    file = folder / "tokenizer.json"
    if file.is_file():
        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.no_padding()
    else:
        stated: dict[str, Any] = {}
        if (settings := folder / "tokenizer_config.json").is_file():
            stated = read_json(settings)
        entries = {word: number for number, word in enumerate(read_lines(folder / "vocab.txt"))}
        tokenizer = BertWordPieceTokenizer(
            entries, strip_accents=stated.get("strip_accents"), lowercase=stated.get("do_lower_case", True)
        )._tokenizer
    tokenizer.post_processor = BertProcessing(*((word, _id(tokenizer, word)) for word in ("[SEP]", "[CLS]")))
    return tokenizer


def _id(tokenizer: Tokenizer, word: str) -> int:
    number = tokenizer.token_to_id(word)
    if number is None:
        raise UserError(f"{word}: is not in the vocabulary of the model, and every ELECTRA needs it")
    return number


def parameter_groups(model: nn.Module, num_layers: int, settings: Settings) -> list[dict[str, Any]]:
    """Groups by decay, and by `scale`, the share of the rate that the depth of a parameter leaves it."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        # LayerNorms and biases are vectors, and are not decayed.
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((decay, scale_of(name, num_layers, settings)), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "scale": scale} for (decay, scale), parameters in groups.items()
    ]


def scale_of(name: str, num_layers: int, settings: Settings) -> float:
    """The share of the rate of a parameter, by transformers' name; a head has all of it."""
    if not name.startswith("electra."):
        return 1.0
    layer = _LAYER.match(name)
    above = num_layers - 1 - int(layer[1]) if layer else num_layers
    return settings.layer_decay ** (above + 2 * (settings.layer_decay_exponent == "google"))
