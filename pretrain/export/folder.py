"""`electra export`: the folder appears only after it is proved to give the outputs of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import groupby
from pathlib import Path

from configs.common.errors import UserError
from configs.common.files import make_folder, whole_folder
from data_prep.shards import Corpus
from pretrain.export.card import write_card
from pretrain.export.checkpoints import Choice
from pretrain.export.examples import Examples, corpus_of, examples_for
from pretrain.export.held_out import HeldOut, held_out
from pretrain.export.proof import Proof, Written, prove
from pretrain.export.quantization import quantize
from pretrain.export.source import PARTS, Source, open_source
from pretrain.released.network import TowerName


@dataclass(frozen=True)
class Order:
    """The request of the command line. If `part` is None, every network that the model has is exported."""

    format: str = "huggingface"  # the name of the module of this package that writes it
    part: TowerName | None = None
    choice: Choice = field(default_factory=Choice)
    layers: int | None = None
    # How much quality the quantized files may lose. None: nothing is quantized.
    quantize_bound: float | None = None
    corpus: Path | None = None  # if it is None, the corpus of the run is used where it is at hand


def export(model: str, out: Path, order: Order | None = None) -> list[tuple[Path, Proof]]:
    """Write the folder `out` in a format. Returns the folders in it, each with its proof.

    Raises UserError when `out` is not empty, the format does not fit the model, or the proof fails.
    """
    order = order or Order()
    refuse_used(out)
    if order.layers and order.part == "generator":
        raise UserError("--layers: cuts the discriminator, and this is --part generator")
    if order.quantize_bound is not None and order.format != "onnx":
        raise UserError(f"--quantize: is for --format onnx, and this is --format {order.format}")
    source = open_source(model, order.choice, order.layers)
    parts = _parts(source, order)
    corpus = corpus_of(source, order.corpus)
    examples = examples_for(source, corpus)
    test = _test(source, corpus) if order.quantize_bound is not None else None
    make_folder(out.absolute().parent)
    with whole_folder(out.absolute()) as folder:
        networks = import_module(f"{__package__}.{order.format}").write(source, parts, folder)
        proofs = [(written, _proved(source, written, examples, test, order)) for written in networks]
        for _, group in groupby(proofs, lambda pair: pair[0].folder):
            write_card(source, *zip(*group, strict=True))
    return [(out / written.folder.relative_to(folder), proof) for written, proof in proofs]


def refuse_used(out: Path) -> None:
    """Raise UserError if `out` is a file, or a folder with something in it."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: exists and is not empty; name a new folder")


def _test(source: Source, corpus: Corpus | None) -> HeldOut:
    if corpus is None:
        raise UserError(
            f"{source.name}: --quantize measures its cost on held-out rows, and the corpus of this model is not at "
            "hand; name one with --corpus"
        )
    return held_out(source, corpus)


def _proved(source: Source, written: Written, examples: Examples, test: HeldOut | None, order: Order) -> Proof:
    proof = prove(source, written, examples)
    if test is None or order.quantize_bound is None:
        return proof
    return replace(proof, cost=quantize(written, test, order.quantize_bound))


def _parts(source: Source, order: Order) -> Sequence[TowerName]:
    if order.part is None:
        parts: list[TowerName] = [part for part in PARTS if part in source.networks]
        if "discriminator" not in parts and source.training:
            raise UserError(f"{_without_detection(source)}; give --part generator")
        return parts
    if order.part in source.networks:
        return [order.part]
    if source.training:
        raise UserError(_without_detection(source))
    raise UserError(f"{source.name}: holds no {order.part}; give --part {next(iter(source.networks))}")


def _without_detection(source: Source) -> str:
    return f"{source.name}: was trained without [objectives.rtd], so it has no discriminator"
