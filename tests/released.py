"""Write tiny released models, and do with them what several tests need."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

from pretrain.released.network import Network

GOLDEN = Path(__file__).parent / "golden"
TOWER = {"layers": 2, "hidden": 32, "heads": 4, "intermediate": 64}
NARROWER = {"layers": 2, "hidden": 8, "heads": 1, "intermediate": 16}


@dataclass(frozen=True)
class Models:
    discriminator: ElectraForPreTraining
    generator: ElectraForMaskedLM


def config(entries: int, tower: dict[str, int], embedding: int = 16, max_positions: int = 40) -> ElectraConfig:
    return ElectraConfig(
        vocab_size=entries,
        embedding_size=embedding,
        max_position_embeddings=max_positions,
        num_hidden_layers=tower["layers"],
        hidden_size=tower["hidden"],
        num_attention_heads=tower["heads"],
        intermediate_size=tower["intermediate"],
    )


def release(
    folder: Path,
    vocabulary: Path | None = None,
    *,
    entries: int = 60,
    discriminator: dict[str, int] = TOWER,
    generator: dict[str, int] = NARROWER,
    embedding: int = 16,
    max_positions: int = 40,
    shared: bool = True,
    names: tuple[str, str] = ("x-discriminator", "x-generator"),
) -> Models:
    """Write both models and the vocabulary into `folder`; if `shared`, the models have the same embeddings."""
    entries = len(vocabulary.read_text(encoding="utf-8").splitlines()) if vocabulary else entries
    torch.manual_seed(1)
    models = Models(
        ElectraForPreTraining(config(entries, discriminator, max_positions=max_positions)).eval(),
        ElectraForMaskedLM(config(entries, generator, embedding, max_positions)).eval(),
    )
    if shared:
        models.generator.electra.embeddings.load_state_dict(models.discriminator.electra.embeddings.state_dict())
    for model, name in zip((models.discriminator, models.generator), names, strict=True):
        model.save_pretrained(folder / name)
        if vocabulary:
            shutil.copyfile(vocabulary, folder / name / "vocab.txt")
    return models


def golden_copy(name: str, folder: Path) -> Path:
    """Return a copy of a released model of `tests/golden`, which a test may damage."""
    return Path(shutil.copytree(GOLDEN / name, folder / name))


def assert_weights(network: Network, expected: dict[str, torch.Tensor]) -> None:
    assert network.weights.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(network.weights[name], tensor), name


class RunsCode:
    """An object whose unpickling prints a line."""

    def __reduce__(self) -> Any:
        return print, ("code of the file was run",)
