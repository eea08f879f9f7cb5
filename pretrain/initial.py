"""What a run makes of a released model: its shape, its weights, and what begins anew.

Letters: V vocabulary, E embedding.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models
from torch import Tensor

from configs.errors import UserError
from configs.load import validate
from configs.recipe import flatten
from configs.tables import Initial
from pretrain.pair import ElectraPair
from pretrain.released.network import Network, Released, Weights

# Tables with a row for each entry of the vocabulary.
_BY_ENTRY = ("embeddings.word.weight", "objectives.mlm.bias", "objectives.mts.bias")
# Copies of embeddings that were trained as one differ by rounding alone.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class Line:
    """A part of the pair: how many of its parameters were loaded, how many begin anew, and from where or why."""

    part: str
    loaded: int
    fresh: int
    remark: str


@dataclass(frozen=True)
class Beginning:
    """A released model, and what a recipe makes of it."""

    released: Released
    generator: Network | None  # None: one is built
    remarks: tuple[str, ...]

    @property
    def discriminator(self) -> Network:
        return self.released.networks["discriminator"]

    def load(self, pair: ElectraPair, vocabulary: Path) -> list[Line]:
        """Fill the pair, whose vocabulary is in the folder of a corpus. What is not in the model stays as it was drawn.

        Raises UserError when the vocabulary is not the model's, or that with further entries.
        """
        entries = _Entries.of(self.released, vocabulary)
        drawn = {name: parameter.detach().clone() for name, parameter in pair.named_parameters()}
        for parameter in pair.parameters():
            torch.nn.init.constant_(parameter, torch.nan)
        known = pair.state_dict().keys()
        for network in (self.generator or _embeddings_alone(self.discriminator), self.discriminator):
            wanted = {n: tensor for n, tensor in network.weights.items() if n.startswith("embeddings.") or n in known}
            pair.load_tower(network.part, entries.fit(wanted))
        lines = list(self._lines(pair, entries))
        for name, parameter in pair.named_parameters():
            if parameter.isnan().any():
                parameter.data.copy_(drawn[name])
        return lines

    def _lines(self, pair: ElectraPair, entries: _Entries) -> Iterator[Line]:
        loaded, fresh = Counter[str](), Counter[str]()
        for name, parameter in pair.named_parameters():
            (fresh if parameter.isnan().any() else loaded)[_part_of(name)] += parameter.numel()
        for part in dict.fromkeys(_part_of(name) for name, _ in pair.named_parameters()):
            of_generator = part in ("generator", "objectives.mlm")
            network = self.generator if of_generator else self.discriminator
            remark = (
                network.origin if loaded[part] and network else "built anew" if of_generator else "not in the model"
            )
            if part == "embeddings" and entries.new:
                remark += f"; {len(entries.new)} new words begin as the mean of their pieces"
            yield Line(part, loaded[part], fresh[part], remark)

    def facts(self, lines: list[Line]) -> dict[str, Any]:
        """For the provenance of a run."""
        return {
            "model": self.released.origin,
            "remarks": [*self.remarks],
            "loaded": [asdict(line) for line in lines],
        }


def plan(released: Released, tables: dict[str, Any], recipe: str) -> Beginning:
    """Complete the tables of a recipe with the model's shape, and decide what becomes of its generator.

    Raises UserError when the recipe has no [initial], states another shape, or refuses the generator.
    """
    if "initial" not in tables:
        raise UserError(f"{recipe}: has no table [initial], which says what becomes of a released model; adapt has one")
    initial = validate(Initial, tables["initial"], recipe, "initial.")
    if "discriminator" not in released.networks:
        raise UserError(f"{released.origin}: holds a generator alone; name the discriminator, or a model with both")
    model = tables.setdefault("model", {})
    main, generator = released.networks["discriminator"], released.networks.get("generator")
    unfit = _unfit(generator, main, model.get("shared_embeddings", "all")) if generator else "there is none"
    remarks = [remark for network in released.networks.values() for remark in network.contradictions()]
    if unfit:
        _decide(initial, unfit, generator, released.origin)
    kept = generator if generator and (not unfit or initial.generator == "keep") else None
    if kept:
        tables["initial"] = tables["initial"] | {"generator_steps": 0}
    if unfit:
        remarks.append(f"generator: {unfit}; {'it is kept all the same' if kept else 'a fresh one is built'}")
    shape = {name: main.shape[name] for name in ("embedding", "max_positions", "token_types")}
    towers = {"discriminator": main.tower, "generator": kept.tower if kept else None}
    _state(model, shape | towers, recipe, released.origin)
    model.setdefault("generator", _narrower(main.tower, initial.generator_width))
    model.setdefault("layer_norm_epsilon", main.epsilon)
    return Beginning(released, kept, tuple(remarks))


def _decide(initial: Initial, unfit: str, generator: Network | None, origin: str) -> None:
    """Raises UserError where the recipe does not say `build`, and what is there cannot be kept."""
    if initial.generator == "refuse" or (initial.generator == "keep" and generator is None):
        raise UserError(
            f"{origin}: its generator: {unfit}, and initial.generator is {initial.generator!r}; "
            "set initial.generator=build for a fresh one"
        )


def _state(model: dict[str, Any], shape: dict[str, Any], recipe: str, origin: str) -> None:
    """Enter the shape; raises UserError for a key that the recipe states otherwise."""
    stated = flatten(model)
    for key, value in flatten({name: table for name, table in shape.items() if table is not None}).items():
        if key in stated and stated[key] != value:
            raise UserError(
                f"{recipe}: model.{key}: {stated[key]}, and {origin} has {value}; name another model, or a recipe that "
                "leaves the shape to it, such as adapt"
            )
    model.update({name: table for name, table in shape.items() if table is not None})


def _unfit(generator: Network, discriminator: Network, sharing: str) -> str:
    """Why a generator should not train this discriminator; empty when it may."""
    for name, words in (("vocabulary", "entries in its vocabulary"), ("embedding", "wide embeddings")):
        ours, theirs = generator.shape[name], discriminator.shape[name]
        if ours != theirs:
            return f"it has {ours} {words}, and the discriminator {theirs}"
    if generator.shape["hidden"] >= discriminator.shape["hidden"]:
        return f"it is as wide as the discriminator ({generator.shape['hidden']}), whose task it makes too hard"
    shared = {"all": ("word", "position", "token_type", "norm"), "words": ("word",), "disentangled": ()}[sharing]
    for name, tensor in generator.weights.items():
        if name.startswith(tuple(f"embeddings.{table}." for table in shared)):
            apart = float((tensor - discriminator.weights[name]).abs().max())
            if apart > _ROUNDING:
                return f"its {name.removesuffix('.weight')} is not the discriminator's (they differ by {apart:.2g})"
    return ""


def _narrower(tower: dict[str, int], width: float) -> dict[str, int]:
    """A generator for a discriminator: as deep, of a share of its heads."""
    heads = max(1, round(width * tower["heads"]))
    narrower = {name: tower[name] * heads // tower["heads"] for name in ("hidden", "intermediate")}
    return narrower | {"layers": tower["layers"], "heads": heads}


def _embeddings_alone(discriminator: Network) -> Network:
    """What a fresh generator takes over."""
    embeddings = {name: t for name, t in discriminator.weights.items() if name.startswith("embeddings.")}
    return Network("generator", embeddings, {}, discriminator.origin)


def _part_of(name: str) -> str:
    """The line of the table that a parameter belongs to."""
    return ".".join(name.split(".")[: 2 if name.startswith("objectives.") else 1])


@dataclass(frozen=True)
class _Entries:
    """The entries of a corpus's vocabulary, as rows of a model's tables."""

    size: int
    new: dict[int, list[int]]  # an entry that the model lacks -> the model's pieces of it

    @classmethod
    def of(cls, released: Released, vocabulary: Path) -> _Entries:
        ours, rows = _words(vocabulary), released.main.shape["vocabulary"]
        theirs = _words(released.vocabulary) if released.vocabulary else None
        if theirs is None and len(ours) != rows:
            raise UserError(
                f"{vocabulary}: has a vocabulary of {len(ours)} entries, and {released.origin} one of {rows}, of which "
                "no file lies beside it; prepare the corpus with its vocabulary"
            )
        theirs = theirs or ours
        for number, (their, our) in enumerate(zip(theirs, ours, strict=False)):
            if their != our and not re.fullmatch(r"\[unused\d+\]", their):
                raise UserError(
                    f"{vocabulary}: entry {number} of its vocabulary is {our!r}, and of {released.origin} {their!r}; "
                    f"prepare the corpus with --init-from {released.origin}"
                )
        if len(ours) < len(theirs):
            raise UserError(f"{vocabulary}: its vocabulary lacks entries of {released.origin}, such as {theirs[-1]!r}")
        new = [number for number, word in enumerate(ours) if number >= len(theirs) or word != theirs[number]]
        split = Tokenizer(models.WordPiece({word: n for n, word in enumerate(theirs)}, unk_token="[UNK]"))
        return cls(len(ours), {number: split.encode(ours[number]).ids for number in new})

    def fit(self, weights: Weights) -> Weights:
        return {name: self._rows(tensor) if name in _BY_ENTRY else tensor for name, tensor in weights.items()}

    def _rows(self, table: Tensor) -> Tensor:
        """[V, E] or [V] with a row for each entry; a row that no entry names is left out."""
        rows = table.new_zeros(self.size, *table.shape[1:])
        rows[: len(table)] = table[: self.size]
        for number, pieces in self.new.items():
            rows[number] = table[pieces].mean(0)
        return rows


def _words(folder: Path) -> list[str]:
    file = folder / "vocab.txt"
    if file.is_file():
        return [word.rstrip("\r") for word in file.read_text(encoding="utf-8").removesuffix("\n").split("\n")]
    table = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    return sorted(table, key=table.__getitem__)
