"""Every input of an adaptation is checked before the first part begins, because the parts take hours."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from configs.common.errors import UserError
from configs.common.pages.figures import require_matplotlib
from configs.recipe import CorpusRecipe, Recipe
from launch.adapt.order import Order

if TYPE_CHECKING:
    from pretrain.evaluation.tasks.backbone import Backbone
    from pretrain.evaluation.tasks.reading.task import Task
    from pretrain.evaluation.tasks.settings import FinetuneSettings
    from pretrain.released.network import Released

# A checkpoint holds weights, two moments, and the moving average of the weights if there is one; an export holds the
# weights. All are in fp32.
_CHECKPOINT_BYTES, _AVERAGE_BYTES, _EXPORT_BYTES = 12, 4, 4
# A corpus takes about as many bytes as its text: a quarter of a token for each byte, and about four bytes a token.
_CORPUS_BYTES = 1


@dataclass(frozen=True)
class CheckedTask:
    task: Task
    settings: FinetuneSettings


@dataclass(frozen=True)
class Checked:
    """What the checks found out about the inputs."""

    domain: CorpusRecipe
    general: CorpusRecipe | None  # None: there is none, or it is a prepared corpus
    mixture: CorpusRecipe | None
    recipe: Recipe  # of the run, with the shape of the model
    parameters: int
    fingerprint: str  # sha256 of the weights of the model
    tests_with_model: bool  # the generator of the model can test both discriminators
    detects: bool  # the model has the head of a discriminator
    backbone: Backbone | None  # None: there are no tasks
    tasks: tuple[CheckedTask, ...]


def check(order: Order) -> Checked:
    """Raises UserError, with one sentence, for the first input that is missing, wrong or too large."""
    from data_prep.__main__ import load_corpus_recipe
    from pretrain.released.generators import mismatch
    from pretrain.released.lookup import open_released
    from pretrain.step.memory import num_parameters

    _check_options(order)
    released = open_released(order.model)
    domain, general, mixture = (
        load_corpus_recipe(order.recipe, [*order.overrides, sources], order.model) if sources else None
        for sources in _sources(order)
    )
    assert domain
    recipe = _recipe_of_run(order, released, domain)
    if order.general_is_prepared:
        _check_prepared(order, released, recipe)
    backbone, tasks = _check_tasks(order) if order.tasks else (None, ())
    parameters = num_parameters(recipe)
    _check_space(order, recipe, parameters, _text_bytes([corpus for corpus in (domain, general, mixture) if corpus]))
    generator, discriminator = released.networks.get("generator"), released.networks["discriminator"]
    tests = generator is not None and not mismatch(generator, discriminator, "none")
    return Checked(
        domain=domain,
        general=general,
        mixture=mixture,
        recipe=recipe,
        parameters=parameters,
        fingerprint=_fingerprint(released),
        tests_with_model=tests,
        detects=discriminator.has_head,
        backbone=backbone,
        tasks=tasks,
    )


def _fingerprint(released: Released) -> str:
    """sha256 of the names, shapes and fp32 values of all weights, in whatever format they are stored."""
    digest = hashlib.sha256()
    for part, network in sorted(released.networks.items()):
        for name, tensor in sorted(network.weights.items()):
            digest.update(f"{part} {name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _check_options(order: Order) -> None:
    require_matplotlib("it draws the report")
    if order.mix and not order.general:
        raise UserError("--mix: says how much general text is trained on, and there is none; name it with --general")
    if order.mix and order.general_is_prepared:
        raise UserError(
            f"--general {order.general}: is a prepared corpus, and --mix needs its text; name the folder of the text"
        )
    order.refuse_sources()


def _sources(order: Order) -> tuple[str, str | None, str | None]:
    general = order.general_sources() if order.general and not order.general_is_prepared else None
    return order.domain_sources(), general, order.mixture_sources() if order.mix else None


def _recipe_of_run(order: Order, released: Released, corpus: CorpusRecipe) -> Recipe:
    from configs.load import from_tables
    from pretrain.released.adaptation import complete_recipe

    tables = order.tables | {name: getattr(corpus, name).model_dump(mode="json") for name in ("data", "vocabulary")}
    completed, _ = complete_recipe(released, tables, order.recipe)
    recipe, positions = from_tables(completed, order.recipe), released.main.shape["max_positions"]
    if recipe.model.max_positions > positions:
        raise UserError(
            f"model.max_positions: {recipe.model.max_positions}, and {order.model} has {positions}, so the models "
            "before and after cannot be given the same test; leave it out, or do the parts by hand (docs/adapt.md)"
        )
    return recipe


def _check_prepared(order: Order, released: Released, recipe: Recipe) -> None:
    """Check that a prepared general corpus has the vocabulary of the model and rows of the same length."""
    from configs.vocabulary.entries import read_folder
    from data_prep.shards import Corpus
    from pretrain.released.initialization import new_rows
    from pretrain.watch.heldout import check_rows

    corpus = Corpus(Path(order.general or ""))
    if order.extends_vocabulary:
        raise UserError(
            f"--general {order.general}: is a prepared corpus, which lacks the words that vocabulary.extend adds; name "
            "the folder of the text"
        )
    new = new_rows(released, corpus.folder)  # raises UserError, which names the first entry that differs
    if new.pieces:
        added = read_folder(corpus.folder)[min(new.pieces)]
        raise UserError(
            f"--general {order.general}: its vocabulary has entries that {order.model} has not, such as {added!r}; "
            f"prepare it with --init-from {order.model}"
        )
    check_rows(corpus, recipe.data.row_length, "the adaptation")


def _check_tasks(order: Order) -> tuple[Backbone, tuple[CheckedTask, ...]]:
    from pretrain.evaluation.tasks.backbone import open_backbone
    from pretrain.evaluation.tasks.metric_names import main_metric, metric_names
    from pretrain.evaluation.tasks.reading.folders import read_task
    from pretrain.evaluation.tasks.settings import reading_options, settings_for

    names = [order.task_results(folder).stem for folder in order.tasks]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(f"--task: several folders are named {min(twice)}, and results go by the name; rename one")
    backbone, options = open_backbone(order.model), reading_options(order.task_keys)
    shape, checked = backbone.network.shape, []
    for folder in order.tasks:
        task = read_task(folder, options)
        settings = settings_for(task, shape["hidden"], shape["max_positions"], order.task_keys)
        main_metric(task.name, metric_names(task), settings.metric)
        checked.append(CheckedTask(task, settings))
    return backbone, tuple(checked)


def _text_bytes(recipes: Sequence[CorpusRecipe]) -> float:
    """The bytes of text of all corpora. Raises UserError for a source that is missing or holds no text."""
    from data_prep.sources.tasks import cut_into_tasks

    pieces = (piece for recipe in recipes for task in cut_into_tasks(recipe.data.sources) for piece in task)
    return sum(piece.text_bytes * piece.source.weight for piece in pieces)


def _check_space(order: Order, recipe: Recipe, parameters: int, text_bytes: float) -> None:
    """Raises UserError when the disk cannot hold the corpora, the checkpoints of the run and the exported model.

    What an earlier start has written already counts as present.
    """
    run = recipe.run
    num_checkpoints = run.keep_last + 1 + (recipe.schedule.steps // run.keep_every if run.keep_every else 0)
    checkpoint_bytes = _CHECKPOINT_BYTES + (_AVERAGE_BYTES if recipe.optimizer.average_decay else 0)
    models = parameters * (checkpoint_bytes * num_checkpoints + _EXPORT_BYTES)
    present = sum(path.stat().st_size for path in order.out.rglob("*") if path.is_file())
    place = next(folder for folder in (order.out.absolute(), *order.out.absolute().parents) if folder.is_dir())
    free, needed = shutil.disk_usage(place).free, models + _CORPUS_BYTES * text_bytes - present
    if free < needed:
        raise UserError(
            f"{order.out}: {free / 1e9:.2f} GB are free there, and about {needed / 1e9:.2f} GB are needed: "
            f"{num_checkpoints} checkpoints of {checkpoint_bytes * parameters / 1e9:.2f} GB, the export and the "
            "corpora; name a folder on a larger disk, or set run.keep_last=1"
        )
