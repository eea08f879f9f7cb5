"""The model card, README.md.

It tells what the model is, how it is used, how it was trained, how good it is, and what its limits are. The card is
published, so it names no folder of the machine that wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tomli_w
from huggingface_hub import ModelCardData
from jinja2 import Environment, PackageLoader

from configs.common.files import read_json, write_text
from pretrain.export.proof import Proof, Written
from pretrain.export.source import Source, Training
from pretrain.run.folder import PROVENANCE
from pretrain.run.logs import read_metrics

CARD = "README.md"
_LIMITS = {
    "generator": "The generator was trained to give the discriminator its replacements; fine-tune the discriminator.",
    "discriminator": "The discriminator tells which tokens were replaced. Other tasks need fine-tuning.",
}
_TEXT = "The model repeats the facts, the errors and the prejudices of its text, and may repeat passages of it."


def write_card(source: Source, networks: Sequence[Written], proofs: Sequence[Proof]) -> None:
    """Write the card into the folder that the networks share."""
    first, parts = networks[0], [written.network.part for written in networks]
    pages = Environment(loader=PackageLoader("pretrain"), autoescape=False, trim_blocks=True, lstrip_blocks=True)
    text = pages.get_template("card.md").render(
        metadata=_metadata(source, first),
        title=_title(source),
        about=source.training.recipe.about if source.training else "A released model",
        parts=parts,
        networks=[_facts(written) for written in networks],
        usage=first.card.usage,
        limits=[*(_LIMITS[part] for part in parts), *_cut(source), *_positions(source), *first.card.limits, _TEXT],
        proofs=proofs,
        **(_training(source.training) if source.training else {}),
    )
    write_text(first.folder / CARD, text)


def _metadata(source: Source, written: Written) -> str:
    """Make the YAML header with the hub's own class. It states no licence, since the owner of the model chooses it."""
    title = _title(source)
    data = ModelCardData(
        library_name=written.card.library,
        pipeline_tag=written.card.pipeline,
        tags=["electra"],
        model_name=title,
        # Only a name on the hub is given as base model; the name of a local folder means nothing there.
        base_model=source.name if source.training is None and not Path(source.name).exists() else None,
    )
    return data.to_yaml().strip()


def _title(source: Source) -> str:
    """Return the name of the recipe, the name on the hub, or the last part of a folder's path."""
    if source.training:
        return source.training.recipe.name
    return _name(source.name)


def _name(model: str) -> str:
    path = Path(model)
    return path.absolute().name if path.is_absolute() or path.exists() else model


def _facts(written: Written) -> dict[str, Any]:
    network, shape = written.network, written.network.shape
    held = ("embeddings.", f"{network.part}.", *(f"objectives.{head}." for head in written.heads))
    parameters = sum(tensor.numel() for name, tensor in network.weights.items() if name.startswith(held))
    return {**shape, "part": network.part, "parameters": parameters, "positions": shape["max_positions"]}


def _cut(source: Source) -> list[str]:
    if source.layers_before is None:
        return []
    layers = source.networks["discriminator"].shape["layers"]
    return [
        f"This is the discriminator cut after layer {layers} of {source.layers_before}, without its head, for "
        "embeddings. The number of layers was chosen by the person who exported it, and was not measured here."
    ]


def _positions(source: Source) -> list[str]:
    """Say how many positions the run trained, if the model has more. A released model may have trained the others."""
    positions = max(network.shape["max_positions"] for network in source.networks.values())
    if source.training is None or source.training.recipe.data.row_length >= positions:
        return []
    return [f"The run trained the first {source.training.recipe.data.row_length:,} of {positions:,} positions."]


def _training(training: Training) -> dict[str, Any]:
    chosen, recipe = training.chosen, training.recipe
    lines = [line for line in read_metrics(chosen.run) if line["kind"] == chosen.choice.evaluation]
    lines = [line for line in lines if line["step"] <= chosen.state.step]
    values = {name: value for name, value in lines[-1].items() if name not in ("kind", "step")} if lines else {}
    steps = ", ".join(f"{step:,}" for step in chosen.steps)
    scored = f"After step {lines[-1]['step']:,}, on rows that were never trained on." if lines else ""
    if len(chosen.steps) > 1:
        weights = f"the mean of the checkpoints at the steps {steps}"
        scored += " They are the scores of that checkpoint alone, and not of the mean."
    else:
        weights = f"the checkpoint at step {steps}" + (f", {chosen.reason}" if chosen.reason else "")
    if chosen.choice.weights == "average":
        weights = f"the moving average of the weights (decay {recipe.optimizer.average_decay:g}) in {weights}"
    return {
        "training": chosen,
        "num_rows": recipe.batch.rows_before(chosen.state.step),
        "recipe": recipe,
        "weights": weights,
        "scores": {name: value for name, value in values.items() if value is not None},
        "scored": scored,
        "science": tomli_w.dumps(recipe.science()),
        "sources": [f"{Path(text.path).name}, licence: {text.licence or 'not stated'}" for text in recipe.data.sources],
        "starts": (starts := read_json(chosen.run / PROVENANCE)["starts"]),
        "beginnings": [*dict.fromkeys(_beginnings(starts))],
    }


def _beginnings(starts: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield with which weights the run began, if they were not random. The folders of this machine are not named."""
    for start in starts:
        if released := start.get("init_from"):
            yield f"the weights of {_name(released['model'])}"
        if earlier := start.get("continue_from"):
            yield f"the weights and moments of an earlier run after its step {earlier['step']:,}"
