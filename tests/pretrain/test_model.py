"""The encoder: packed or alone an example has the same states; transformers agrees; parameters count as published."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

from configs.load import load
from configs.recipe import Recipe
from pretrain import attention
from pretrain.embeddings import Embeddings
from pretrain.export.huggingface import config
from pretrain.export.names import from_huggingface, to_huggingface
from pretrain.model import Encoder
from pretrain.pair import ElectraPair

# reference: HF's ElectraModel, ElectraForPreTraining and ElectraForMaskedLM instantiated, transformers 5.23.0
PUBLISHED = {
    "small": (13_483_008, 13_549_057, 4_620_026, 14_196_219),
    "base": (108_891_648, 109_483_009, 33_740_602, 119_386_427),
    "large": (334_092_288, 335_142_913, 51_295_290, 354_655_291),
}


def count(*modules: torch.nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_of_the_published_models(name: str) -> None:
    with torch.device("meta"):
        pair = ElectraPair(load(name))
    backbone = count(pair.embeddings, pair.discriminator)
    head = count(pair.objectives["rtd"])
    generator = count(pair.embeddings, pair.generator, pair.objectives["mlm"])
    assert (backbone, backbone + head, generator, count(pair)) == PUBLISHED[name]


def reduced(name: str) -> Recipe:
    """A shipped recipe's arithmetic at a width that a test can afford."""
    recipe = load(name)
    square = recipe.model.embedding == recipe.model.discriminator.hidden
    return load(
        name,
        [
            "vocabulary.size=300",
            f"model.embedding={32 if square else 16}",
            "model.generator={layers=2, hidden=16, heads=1, intermediate=64}",
            "model.discriminator={layers=2, hidden=32, heads=2, intermediate=64}",
        ],
    )


@pytest.mark.parametrize("name", ["tiny", *PUBLISHED])
def test_transformers_gives_the_same_logits_both_ways(name: str) -> None:
    recipe = reduced(name)
    torch.manual_seed(1)
    pair = ElectraPair(recipe).eval()
    for parameter in pair.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    tokens = torch.randint(300, (3, 48))
    segments = (torch.arange(48) > 20).long().expand(3, -1)
    real = torch.arange(48) < torch.tensor([[48], [30], [7]])
    for part, model_class in (("generator", ElectraForMaskedLM), ("discriminator", ElectraForPreTraining)):
        theirs = model_class(ElectraConfig(**config(recipe, part, pad_id=0))).eval()
        report = theirs.load_state_dict(to_huggingface(pair.tower(part), part), strict=False)
        assert not report.unexpected_keys
        assert set(report.missing_keys) <= {"generator_lm_head.weight"}
        theirs.tie_weights()
        output = theirs(input_ids=tokens, attention_mask=real.long(), token_type_ids=segments)
        ours = getattr(pair, f"{part}_logits")(tokens, segments, real)
        torch.testing.assert_close(ours[real], output.logits[real], atol=1e-5, rtol=1e-5)
        for key, value in from_huggingface(theirs.state_dict(), part).items():
            assert torch.equal(value, pair.state_dict()[key]), key


def test_names_cover_every_weight_exactly_once() -> None:
    pair = ElectraPair(reduced("small"))
    back: dict[str, torch.Tensor] = {}
    for part in ("generator", "discriminator"):
        back |= from_huggingface(to_huggingface(pair.tower(part), part), part)
    assert back.keys() == pair.state_dict().keys()


def test_an_example_has_the_same_states_packed_and_alone() -> None:
    recipe = reduced("small")
    torch.manual_seed(1)
    embeddings, encoder = Embeddings(recipe.model, 300).eval(), Encoder(recipe.model.discriminator, recipe.model).eval()
    for parameter in (*embeddings.parameters(), *encoder.parameters()):
        torch.nn.init.normal_(parameter, std=0.2)
    lengths = [20, 9, 15]
    pieces = [torch.randint(300, (length,)) for length in lengths]
    padding = torch.zeros(4, dtype=torch.long)
    tokens = torch.cat([*pieces, padding])[None]
    positions = torch.cat([*(torch.arange(length) for length in lengths), padding])[None]
    examples = torch.cat([torch.full((length,), n + 1) for n, length in enumerate(lengths)] + [padding])[None]
    packed = encoder(
        embeddings(embeddings.tables(), tokens, positions, torch.zeros_like(tokens)), attention.bounds(examples)
    )
    start = 0
    for piece in pieces:
        alone = piece[None]
        everything = torch.ones_like(alone)
        embedded = embeddings(embeddings.tables(), alone, torch.arange(len(piece))[None], torch.zeros_like(alone))
        states = encoder(embedded, attention.bounds(everything))
        torch.testing.assert_close(packed[0, start : start + len(piece)], states[0], atol=1e-5, rtol=1e-5)
        start += len(piece)
    assert not packed.isnan().any()


def test_initial_values_follow_their_law() -> None:
    torch.manual_seed(0)
    pair = ElectraPair(load("small", ["model.generator.layers=1", "model.discriminator.layers=2"]))
    word = pair.embeddings.word.weight
    assert float(word.abs().max()) <= 0.04
    # a normal cut at two deviations has 0.8796 of its deviation
    assert float(word.std()) == pytest.approx(0.02 * 0.8796, rel=0.01)
    projection = pair.discriminator.projection
    assert isinstance(projection, torch.nn.Linear)
    limit = (6 / (128 + 256)) ** 0.5
    assert limit * 0.99 < float(projection.weight.abs().max()) <= limit
    assert pair.detection is not None
    last = pair.detection.prediction.weight
    assert float(last.abs().max()) > 0.1
    assert float(last.abs().max()) <= (6 / 257) ** 0.5
    for name, parameter in pair.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name


def test_generator_and_discriminator_share_the_embeddings_and_nothing_else(tmp_path: Path) -> None:
    names = {name.split(".")[0] for name, _ in ElectraPair(reduced("small")).named_parameters()}
    assert names == {"embeddings", "generator", "discriminator", "objectives"}
