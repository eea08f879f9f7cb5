"""The weights that a run takes from a released model, and a table of the weights that are loaded or stay random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from configs.common.errors import UserError
from configs.vocabulary.entries import read_folder
from pretrain.model.pair import ElectraPair
from pretrain.released.network import Network, Released
from pretrain.released.shapes import VOCABULARY_TABLES
from pretrain.released.vocabulary_rows import NewRows
from pretrain.run.provenance import Line, Loaded

# The second table of word embeddings exists only in a pair whose networks each have their own embeddings.
_TABLES_OF_A_PAIR = (*VOCABULARY_TABLES, "discriminator_embeddings.word", "discriminator_embeddings.word.weight")


@dataclass(frozen=True)
class InitialWeights:
    """The networks of a released model that a run takes its first weights from."""

    released: Released
    generator: Network | None  # None: the generator is new
    remarks: tuple[str, ...]
    generator_model: Released | None = None  # the model of its own that the generator comes from, if it does

    @property
    def discriminator(self) -> Network:
        return self.released.networks["discriminator"]

    def load(self, pair: ElectraPair, corpus: Path) -> Loaded:
        """Load the model into the pair, for the vocabulary of a corpus. Parameters not in the model keep their values.

        Raises UserError when the vocabulary is neither the model's nor an extension of it, or a shape differs.
        """
        rows = new_rows(self.released, corpus)
        generator_rows = new_rows(self.generator_model, corpus) if self.generator_model else rows
        new_rows_of = {"discriminator": rows, "generator": generator_rows}
        random_values = {name: parameter.detach().clone() for name, parameter in pair.named_parameters()}
        # All parameters become NaN first. The weights of a model are finite, so a parameter that is still NaN after
        # loading was not in the model.
        for parameter in pair.parameters():
            torch.nn.init.constant_(parameter, torch.nan)
        for network in self._networks_for(pair):
            pair.load_tower(network.part, _fitting(new_rows_of[network.part].fit(network.weights), pair, network))
        missing = {name for name, parameter in pair.named_parameters() if parameter.isnan().any()}
        table = tuple(self._lines(pair, missing, rows))
        for name, parameter in pair.named_parameters():
            if name in missing:
                parameter.data.copy_(random_values[name])
        return Loaded(self.released.origin, self.remarks, table)

    def _networks_for(self, pair: ElectraPair) -> Iterator[Network]:
        """Yield the networks to load, in the order in which the pair needs them."""
        if self.generator:
            yield self.generator
        elif pair.embeddings.word.weight.shape[1] == self.discriminator.shape["embedding"]:
            yield _embeddings_alone(self.discriminator)
        yield self.discriminator

    def _lines(self, pair: ElectraPair, missing: set[str], rows: NewRows) -> Iterator[Line]:
        """Yield a line of the table for each module of the pair. The rows of new entries do not count as loaded."""
        new_entries = len(rows.pieces.keys() | set(self.released.entries_without_row))
        num_loaded, num_new = Counter[str](), Counter[str]()
        for name, parameter in pair.named_parameters():
            new = parameter.numel() if name in missing else 0
            if name in _TABLES_OF_A_PAIR and not new:
                new = new_entries * parameter[0].numel()
            num_new[_module_of(name)] += new
            num_loaded[_module_of(name)] += parameter.numel() - new
        for module in dict.fromkeys(_module_of(name) for name, _ in pair.named_parameters()):
            remark = self._origin_of(module, pair, is_loaded=bool(num_loaded[module]))
            if module == "embeddings" and new_entries:
                remark += f"; {new_entries:,} new words begin as the mean of their pieces"
            yield Line(module, num_loaded[module], num_new[module], remark)

    def _origin_of(self, module: str, pair: ElectraPair, *, is_loaded: bool) -> str:
        in_generator = f"{module}." in pair.prefixes_of_generator
        # A new generator begins with the embeddings of the discriminator.
        network = self.generator or self.discriminator if in_generator else self.discriminator
        if is_loaded:
            return network.origin
        return "a new generator" if in_generator else "not in the model"


def new_rows(released: Released, corpus: Path) -> NewRows:
    """Find the entries of a corpus's vocabulary for which a model has no row.

    Raises UserError when the vocabulary is neither the model's nor an extension of it.
    """
    entries, num_rows = read_folder(corpus), released.main.shape["vocabulary"]
    if released.vocabulary is None:
        if len(entries) != num_rows:
            raise UserError(
                f"{corpus}: has a vocabulary of {len(entries)} entries; {released.origin} has {num_rows} and no "
                "vocabulary file in its folder; prepare the corpus with the vocabulary of the model"
            )
        return NewRows(num_rows, {})
    model_entries = read_folder(released.vocabulary)
    for number, (model_entry, entry) in enumerate(zip(model_entries, entries, strict=False)):
        if model_entry != entry and not model_entry.startswith("[unused"):
            raise UserError(
                f"{corpus}: entry {number} of its vocabulary is {entry!r}, and of {released.origin} {model_entry!r}; "
                f"prepare the corpus with --init-from {released.origin}"
            )
    if len(entries) < len(model_entries):
        raise UserError(f"{corpus}: its vocabulary lacks entries of {released.origin}, such as {model_entries[-1]!r}")
    new = [
        number for number, entry in enumerate(entries) if number >= len(model_entries) or entry != model_entries[number]
    ]
    return NewRows.of(entries, model_entries, new)


def _fitting(weights: dict[str, Tensor], pair: ElectraPair, network: Network) -> dict[str, Tensor]:
    """Select the weights for which the pair has a parameter. Raises UserError for a weight of another shape."""
    places = pair.tower(network.part)
    fitting = {name: tensor for name, tensor in weights.items() if name in places}
    for name, tensor in fitting.items():
        if places[name].shape != tensor.shape:
            raise UserError(
                f"{network.origin}: {name} has the shape {list(tensor.shape)}, and the recipe asks for "
                f"{list(places[name].shape)}; name another model, or leave the shape to this one"
            )
    return fitting


def _embeddings_alone(discriminator: Network) -> Network:
    """Return the embeddings of the discriminator, which are all that a new generator takes from the model."""
    embeddings = {name: tensor for name, tensor in discriminator.weights.items() if name.startswith("embeddings.")}
    return Network("generator", embeddings, {}, discriminator.origin)


def _module_of(name: str) -> str:
    """Return the module to which a parameter belongs in the table of loaded weights."""
    return ".".join(name.split(".")[: 2 if name.startswith("objectives.") else 1])
