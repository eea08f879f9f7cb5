"""The training loop: it fetches a batch, makes a step, and at intervals logs, evaluates and saves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from configs.common import json_lines, randomness
from configs.common.errors import UserError
from configs.recipe import Recipe
from data_prep.shards import Corpus, check_corpus, with_corpus_tables
from pretrain.model.pair import ElectraPair
from pretrain.released.initialization import InitialWeights
from pretrain.run import checkpoint
from pretrain.run.continuation import Continuation
from pretrain.run.disk import on_a_full_disk
from pretrain.run.display import Display
from pretrain.run.folder import RunFolder, Start
from pretrain.run.live import Panel
from pretrain.run.logs import EvaluationKind, Log
from pretrain.run.provenance import Loaded
from pretrain.run.trackers.fan_out import Trackers, check_trackers
from pretrain.run.trackers.interface import Experiment
from pretrain.step.engine import Engine
from pretrain.step.flops import matmul_rate
from pretrain.step.loader import Loader
from pretrain.step.meter import Meter
from pretrain.step.optim import learning_rate
from pretrain.step.world import World, precision
from pretrain.watch import skipped
from pretrain.watch.health import Watch
from pretrain.watch.heldout import HeldOut, check_general


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path,
    world: World,
    resume: str,
    asked_to_stop: Callable[[], bool] = lambda: False,
    initial_weights: InitialWeights | None = None,
    general: Corpus | None = None,
    continuation: Continuation | None = None,
) -> bool:
    """Train the run `folder` to the recipe's last step.

    Returns False when the run was asked to stop before that step, and has saved. All processes call it. A new run takes
    its first weights from `initial_weights`, or weights and moments from `continuation`, if either is given. The
    held-out rows of `general` are evaluated together with the corpus's own, to see whether the model forgets general
    text. Raises UserError for a corpus or a folder that does not fit the recipe, and for a tracker
    that is not installed.
    """
    check_corpus(recipe, corpus)
    world.first(lambda: check_trackers(recipe.run.trackers))
    recipe = with_corpus_tables(recipe, corpus)
    corpora: dict[EvaluationKind, Corpus] = {"evaluation": corpus}
    if general:
        check_general(general, corpus)
        corpora["general"] = general
    if recipe.optimizer.average_decay:
        corpora["average"] = corpus
    torch.manual_seed(recipe.seed)
    pair = ElectraPair(recipe)
    loaded = initial_weights.load(pair, corpus.folder) if initial_weights else None
    if continuation:
        continuation.check(recipe, corpus, pair)
    engine = Engine(pair, recipe, world)
    with RunFolder(folder, recipe, corpus, world) as run:
        has_weights = bool(initial_weights or continuation)
        start = world.first(lambda: run.claim(resume, has_weights=has_weights, continuation=continuation))
        _load(engine, start, continuation)
        return _run(engine, run, start, loaded, continuation, corpora, asked_to_stop)


def _run(
    engine: Engine,
    run: RunFolder,
    start: Start,
    loaded: Loaded | None,
    continuation: Continuation | None,
    corpora: dict[EvaluationKind, Corpus],
    asked_to_stop: Callable[[], bool],
) -> bool:
    """Open the logs and the loader, print the parts of the run, and train."""
    recipe, world, corpus = run.recipe, run.world, run.corpus
    dtype = precision(recipe.compute.precision, world.device)
    title, schedule = f"{recipe.name}: {run.folder}", recipe.schedule
    panel = Panel(title, schedule.steps, recipe.batch.rows_before, start.step, asked_to_stop, start.step)
    trackers = Trackers(recipe.run.trackers, Experiment(run.folder, start.step, recipe))
    with (
        on_a_full_disk(run, engine.checkpoint_bytes),
        Log(run.folder, start.step, Display(panel), active=world.is_main, trackers=trackers) as log,
        Loader(corpus, recipe, world, start.first_row, start.earlier_updates) as loader,
    ):
        if world.is_main:
            run.record(start, dtype, loaded, continuation, corpora.get("general"))
        _announce(log, start, run, engine, loaded, continuation)
        held_out = HeldOut(corpora, recipe, world, dtype)
        return _steps(engine, run, start, loader, log, held_out, asked_to_stop)


def _load(engine: Engine, start: Start, continuation: Continuation | None) -> None:
    """Read the run's own checkpoint, or else the checkpoint that the run begins with."""
    if start.checkpoint:
        updates = start.earlier_updates + start.step - start.skipped
        engine.load(start.checkpoint, updates=updates, skipped=start.skipped)
    elif continuation:
        engine.load(continuation.checkpoint, updates=start.earlier_updates, skipped=0)


def _steps(
    engine: Engine,
    run: RunFolder,
    start: Start,
    loader: Loader,
    log: Log,
    held_out: HeldOut,
    asked_to_stop: Callable[[], bool],
) -> bool:
    """Run the training loop. Returns False when the run was asked to stop before the last step."""
    recipe, world = run.recipe, run.world
    intervals, num_steps = recipe.run, recipe.schedule.steps
    if start.step < num_steps and world.any(asked_to_stop()):
        return _stop(run, log, start.step)
    watch = Watch(recipe, start.step)
    # Random weights know nothing of the held-out rows, and on a CPU they would take most of the start.
    if not start.is_random and _is_due(start.step, intervals.evaluate_every, num_steps):
        held_out.look(engine, start.step, log, watch)
    meter = Meter(recipe, world, matmul_rate(world.device, held_out.dtype), start.first_row)
    for step in range(start.step, num_steps):
        with meter.waiting():
            batches = loader.step(step)
        # A run that reads on after another run's rows also has the dropout that the other run would have had next.
        place = start.first_row // recipe.batch.rows + step
        torch.manual_seed(int(randomness.bits(recipe.seed, "dropout", place, world.rank)) >> 1)
        rate = learning_rate(step, recipe.optimizer, recipe.schedule)
        done = step + 1
        measures = engine.step(
            batches,
            rate,
            measure=_is_due(done, intervals.log_every, num_steps),
            generator_alone=recipe.generator_learns_alone(step),
            temperature=recipe.corruption.temperature_at(start.earlier_updates + step),
        )
        log.advance(done)
        meter.count(batches)
        if measures:
            log.training(done, meter.values(done, measures, rate))
        stops, skips = world.any_of_each(asked_to_stop(), skipped.may_be_too_many(engine))
        if skips or measures:
            skipped.check(run, engine, done, start)
        if stops or _is_due(done, intervals.save_every, num_steps):
            with meter.aside():
                _save(engine, run, start, log, done)
        if stops and done < num_steps:
            return _stop(run, log, done)
        if _is_due(done, intervals.evaluate_every, num_steps):
            with meter.aside():
                held_out.look(engine, done, log, watch)
    return True


def _stop(run: RunFolder, log: Log, step: int) -> bool:
    """Say from where the same command resumes. After a skipped step, which is not saved, that is an earlier step."""
    saved = checkpoint.newest_step(run.checkpoints)
    run.mark_stopped(saved)
    if run.world.is_main:
        json_lines.write("stopped", run=str(run.folder), step=saved)
    where = "from there" if saved == step else f"after step {saved:,}, the newest checkpoint"
    log.say(f"stopped after step {step:,}; the same command resumes {where}")
    return False


def _save(engine: Engine, run: RunFolder, start: Start, log: Log, step: int) -> None:
    """Save a checkpoint, unless a weight is not finite or the step was skipped.

    In these cases the earlier checkpoints must stay, and a new checkpoint could replace them.
    """
    if not engine.weights_are_finite():
        raise UserError(
            f"step {step}: a weight is no longer a number, so nothing was saved and the checkpoints before are kept; "
            "begin a new run with a lower optimizer.learning_rate"
        )
    if engine.skips.in_a_row and step < run.recipe.schedule.steps:
        log.say(f"step {step} was skipped, so nothing is saved and the earlier checkpoints are kept")
        return
    checkpoint.save(engine, run.checkpoints, run.state(start, step, engine.skips.total))
    log.saved(step, run.checkpoints / checkpoint.folder_name(step))


def _is_due(done: int, interval: int, num_steps: int) -> bool:
    return done == num_steps or done % interval == 0


def _announce(
    log: Log, start: Start, run: RunFolder, engine: Engine, loaded: Loaded | None, continuation: Continuation | None
) -> None:
    """Print the parts of the run and where it begins."""
    recipe = run.recipe
    if run.world.is_main:
        facts = {"recipe": recipe.name, "parameters": engine.num_parameters, "rows": run.corpus.num_rows("train")}
        steps = {"steps": recipe.schedule.steps, "batch_rows": recipe.batch.rows, "first_step": start.step}
        json_lines.write("run", run=str(run.folder), **facts, **steps)
    for warning in [*start.warnings, *recipe.unfinished(start.earlier_updates)]:
        log.say(f"warning: {warning}")
    log.say(
        f"{recipe.name}: {engine.num_parameters:,} parameters, {run.corpus.num_rows('train'):,} rows, "
        f"{recipe.schedule.steps:,} steps of {recipe.batch.rows} rows, on {engine.description}"
    )
    for line in recipe.lines():
        log.say(line)
    for line in loaded.lines() if loaded else ():
        log.say(line)
    if start.step == recipe.schedule.steps:
        log.say(
            f"{run.folder}: is finished; to train longer, begin a new run from its weights and moments: --run NEW "
            f"--continue-from {run.folder}"
        )
    if start.step:
        log.say(f"resuming after step {start.step:,}, from {start.checkpoint}, written by {start.layout}")
    elif continuation:
        for line in continuation.lines(start.first_row):
            log.say(line)
