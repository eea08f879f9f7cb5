"""Our training step, and the steps that people write with transformers, each as a function of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as F

from configs.recipe import Recipe
from pretrain.model.batch import Batch
from pretrain.model.pair import ElectraPair
from pretrain.step.engine import Engine
from pretrain.step.optim import ElectraAdam
from pretrain.step.parameter_groups import parameter_groups
from pretrain.step.world import join

Step = Callable[[], object]


def ours(recipe: Recipe, batch: Batch) -> Step:
    """Return the training step that our own training loop runs."""
    torch.manual_seed(0)
    engine = Engine(ElectraPair(recipe), recipe, join())
    return lambda: engine.step([batch], 1e-4, measure=False)


def without_deepspeed(recipe: Recipe, batch: Batch) -> Step:
    """Return our arithmetic in a bare loop; the difference to `ours` is the cost of DeepSpeed's engine."""
    world = join()
    torch.manual_seed(0)
    pair = ElectraPair(recipe).to(world.device).train()
    groups = parameter_groups(pair, recipe.optimizer.weight_decay)
    adam = ElectraAdam([{**group, "lr": 1e-4} for group in groups], recipe.optimizer)
    counts = pair.counts([batch])

    def step() -> None:
        pair(batch.to(world.device), counts).loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(pair.parameters(), recipe.optimizer.clip_norm)
        adam.found_inf = (~norm.isfinite()).float()
        adam.step()
        adam.zero_grad()

    return step


def transformers(recipe: Recipe, batch: Batch, *, gathered: bool, compiled: bool = False) -> Step:
    """Return a step of ElectraForMaskedLM and ElectraForPreTraining with shared word embeddings.

    The step uses Gumbel noise and torch's AdamW. If `gathered`, the generator's head sees only the masked positions;
    otherwise it sees all positions, as the model does by itself. Rows hold one example each, and their padding is
    masked.
    """
    from transformers import ElectraForMaskedLM, ElectraForPreTraining

    # We do not call `join` here: it makes the system's allocator keep memory, which people's own loops do not do.
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    generator = ElectraForMaskedLM(_config(recipe, "generator")).train()
    discriminator = ElectraForPreTraining(_config(recipe, "discriminator")).train()
    discriminator.electra.embeddings.word_embeddings = generator.electra.embeddings.word_embeddings
    torch.nn.ModuleList([generator, discriminator]).to(device)
    if compiled:
        generator.compile()
        discriminator.compile()
    parameters = list({id(p): p for p in [*generator.parameters(), *discriminator.parameters()]}.values())
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, eps=1e-6, weight_decay=0.01)
    batch = batch.to(device)
    masked = torch.zeros_like(batch.real).scatter(1, batch.slots, batch.filled)
    shown, real = torch.where(batch.real, batch.masked_tokens, 0), batch.real.long()

    def logits_at_masked() -> Any:
        if not gathered:
            return generator(shown, attention_mask=real).logits[masked]
        states = generator.electra(shown, attention_mask=real).last_hidden_state[masked]
        return generator.generator_lm_head(generator.generator_predictions(states))

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.compute.precision == "bf16"):
            logits = logits_at_masked().float()
            masked_loss = F.cross_entropy(logits, batch.tokens[masked])
            noise = -torch.log(-torch.log(torch.rand_like(logits) + 1e-9) + 1e-9)
            corrupted = batch.tokens.clone()
            corrupted[masked] = (logits.detach() + noise).argmax(-1)
            replaced = (corrupted != batch.tokens).long()
            detected = discriminator(corrupted, attention_mask=real, labels=replaced)
        (masked_loss + 50 * detected.loss).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return step


def _config(recipe: Recipe, part: Literal["generator", "discriminator"]) -> Any:
    from transformers import ElectraConfig

    from pretrain.export.config import config_of_recipe

    return ElectraConfig(**config_of_recipe(recipe, part, pad_id=0))
