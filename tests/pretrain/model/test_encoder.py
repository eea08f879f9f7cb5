"""The encoder: packed or alone an example has the same states; transformers agrees; parameters count as published."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

from configs.load import load, shipped
from configs.recipe import Recipe
from configs.training_tables import TowerTable
from pretrain.export.config import config_of_recipe
from pretrain.model import attention
from pretrain.model.embeddings import Embeddings
from pretrain.model.encoder import Encoder
from pretrain.model.pair import ElectraPair
from pretrain.released.names import from_huggingface, to_huggingface
from pretrain.released.network import TowerName
from tests.published import (
    HEALTH_DISCRIMINATOR_WITH_THREE_HEADS,
    HEALTH_WITH_DETECTION_ALONE,
    LEGAL_GENERATOR_BACKBONE,
    PUBLISHED,
)


def count(*modules: torch.nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


SAME_SHAPE = {"small_fast": "small", "zh_small_fast": "zh_small"}


def on_meta(name: str, *overrides: str) -> ElectraPair:
    with torch.device("meta"):
        return ElectraPair(load(name, overrides))


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_of_the_published_models(name: str) -> None:
    pair = on_meta(name)
    backbone = count(pair.embeddings, pair.discriminator)
    head = count(pair.objectives["rtd"])
    generator = count(pair.embeddings, pair.generator, pair.prediction)
    assert (backbone, backbone + head, generator, count(pair)) == PUBLISHED[name][1:]


def test_every_recipe_but_four_is_a_published_model() -> None:
    """One is for a first run, one takes the shape of any, and two have published shapes and other keys."""
    assert {*PUBLISHED, *SAME_SHAPE, "tiny", "adapt"} == set(shipped())


@pytest.mark.parametrize("name", SAME_SHAPE)
def test_a_fast_recipe_has_the_shape_of_a_published_model(name: str) -> None:
    assert load(name).model == load(SAME_SHAPE[name]).model


def test_parameters_of_the_legal_generator_and_of_ernie_health_s_heads() -> None:
    legal, health = on_meta("legal"), on_meta("health")
    assert count(legal.embeddings, legal.generator) == LEGAL_GENERATOR_BACKBONE
    heads = [health.objectives[name] for name in ("rtd", "mts", "csp")]
    assert count(health.embeddings, health.discriminator, *heads) == HEALTH_DISCRIMINATOR_WITH_THREE_HEADS
    alone = on_meta("health", "objectives={mlm={weight=1.0}, rtd={weight=50.0}}", "model.shared_embeddings=all")
    assert count(alone) == HEALTH_WITH_DETECTION_ALONE


def test_electra_small_is_256_wide() -> None:
    """PaddleNLP's page of models says 768, which would be 89,126,400 parameters."""
    assert {load(name).model.discriminator.hidden for name in ("small", "small_pp", "zh_small", "legal")} == {256}


def reduced(name: str, *overrides: str) -> Recipe:
    """A shipped recipe an eighth as wide, with its own layers, heads and ratios."""
    model = load(name).model

    def tower(full: TowerTable) -> str:
        width, inner = full.hidden // 8, full.intermediate // 8
        return f"{{layers={full.layers}, hidden={width}, heads={full.heads}, intermediate={inner}}}"

    return load(
        name,
        [
            "vocabulary.size=300",
            f"model.embedding={model.embedding // 8}",
            f"model.generator={tower(model.generator)}",
            f"model.discriminator={tower(model.discriminator)}",
            *overrides,
        ],
    )


def visible(pair: torch.nn.Module) -> None:
    """Weights at which every part of the arithmetic shows in the result."""
    for parameter in pair.parameters():
        torch.nn.init.normal_(parameter, std=0.2)


CLASSES: dict[TowerName, Any] = {"generator": ElectraForMaskedLM, "discriminator": ElectraForPreTraining}
TOKENS = torch.randint(300, (3, 48), generator=torch.Generator().manual_seed(0))
SEGMENTS = (torch.arange(48) > 20).long().expand(3, -1)
REAL = torch.arange(48) < torch.tensor([[48], [30], [7]])


def compare(pair: ElectraPair, reference: ElectraForMaskedLM | ElectraForPreTraining, part: str) -> None:
    output = reference(input_ids=TOKENS, attention_mask=REAL.long(), token_type_ids=SEGMENTS, output_hidden_states=True)
    states = getattr(pair, f"{part}_states")(TOKENS, SEGMENTS, REAL)
    torch.testing.assert_close(states[REAL], output.hidden_states[-1][REAL], atol=1e-5, rtol=1e-5)
    logits = getattr(pair, f"{part}_logits")(TOKENS, SEGMENTS, REAL)
    torch.testing.assert_close(logits[REAL], output.logits[REAL], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("sharing", ["all", "words", "disentangled"])
@pytest.mark.parametrize("name", ["tiny", *PUBLISHED])
@torch.no_grad()
def test_transformers_gives_the_same_states_and_logits(name: str, sharing: str) -> None:
    """Ours to theirs; and theirs, as transformers draws them, to ours."""
    recipe = reduced(name, f"model.shared_embeddings={sharing}")
    torch.manual_seed(1)
    pair = ElectraPair(recipe).eval()
    visible(pair)
    models = {}
    for part, model_class in CLASSES.items():
        reference = models[part] = model_class(ElectraConfig(**config_of_recipe(recipe, part, pad_id=0))).eval()
        report = reference.load_state_dict(to_huggingface(pair.tower(part), part), strict=False)
        assert not report.unexpected_keys
        assert set(report.missing_keys) <= {"generator_lm_head.weight"}
        reference.tie_weights()
        compare(pair, reference, part)
    fresh = ElectraPair(recipe).eval()
    if sharing != "all":
        # what the towers do not share may differ between the two models
        torch.nn.init.normal_(models["discriminator"].electra.embeddings.position_embeddings.weight)
    for part, reference in models.items():
        fresh.load_tower(part, from_huggingface(reference.state_dict(), part))
    for part, reference in models.items():
        compare(fresh, reference, part)


def test_names_cover_every_weight_exactly_once() -> None:
    pair = ElectraPair(reduced("small"))
    back: dict[str, torch.Tensor] = {}
    for part in ("generator", "discriminator"):
        back |= from_huggingface(to_huggingface(pair.tower(part), part), part)
    assert back.keys() == pair.state_dict().keys()


def test_an_example_has_the_same_states_packed_and_alone() -> None:
    recipe = reduced("small")
    torch.manual_seed(1)
    embeddings, encoder = (
        Embeddings(recipe.model, 300).eval(),
        Encoder(recipe.model.discriminator, recipe.model, recipe.model.embedding).eval(),
    )
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


def test_initial_values_of_paddlenlp_and_transformers() -> None:
    torch.manual_seed(0)
    pair = ElectraPair(load("health", ["model.generator.layers=1", "model.discriminator.layers=1"]))
    assert pair.detection is not None
    projection = pair.generator.projection
    assert isinstance(projection, torch.nn.Linear)
    bias = pair.objectives["mts"].bias
    assert isinstance(bias, torch.Tensor)
    for weight in (pair.embeddings.word.weight, projection.weight, pair.detection.prediction.weight, bias):
        # the mean and the deviation of a normal, within five of their standard errors
        assert abs(float(weight.mean())) < 5 * 0.02 / weight.numel() ** 0.5
        assert float(weight.std()) == pytest.approx(0.02, rel=5 / (2 * weight.numel()) ** 0.5)
    # not cut: of 17 million values some lie beyond five deviations
    assert float(pair.embeddings.word.weight.abs().max()) > 0.1


def test_generator_and_discriminator_share_the_embeddings_and_nothing_else() -> None:
    names = {name.split(".")[0] for name, _ in ElectraPair(reduced("small")).named_parameters()}
    assert names == {"embeddings", "generator", "discriminator", "objectives"}
