"""`electra submit` checks an order for stages of a recipe, then writes the scripts of its jobs and starts them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from configs.common.cli import refuse_both
from configs.common.errors import ElectraError, UserError, unknown
from configs.corpus_recipe import take_corpus_tables
from configs.folders import CORPUS_MANIFEST, RECIPE
from configs.load import from_tables, read, read_stated
from configs.recipe import Recipe
from data_prep.manifest import read as read_manifest
from launch.backends import backend_of, local
from launch.jobs import Job, Stage, pipeline
from launch.machines import Local, Machine
from launch.refusals import (
    refuse_batch,
    refuse_corpus,
    refuse_export,
    refuse_layout,
    refuse_run,
    refuse_submitted,
    refuse_unshared,
)
from launch.submissions import Submission, next_folder, store


def stages_of(text: str) -> tuple[Stage, ...]:
    """Return the stages of a text such as `prepare,pretrain`, in the order of the pipeline.

    Raises UserError for an unknown stage.
    """
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in list(Stage):
            raise UserError(f"--stage: {unknown('stage', word, Stage)}")
    return tuple(stage for stage in Stage if stage in words)


@dataclass(frozen=True)
class Order:
    """An order holds the wishes of a user: stages of a recipe with its overrides, the folders, and the processes."""

    recipe: str
    overrides: tuple[str, ...]
    stages: tuple[Stage, ...]
    corpus: Path
    run: Path | None
    nodes: int
    processes: int | None
    init_from: str | None = None
    continue_from: Path | None = None
    general: Path | None = None

    def __post_init__(self) -> None:
        if self.run is None and self.stages != (Stage.prepare,):
            raise UserError(f"--run: missing; {self.stages[-1]} needs the folder of a run")
        refuse_both(self.init_from, self.continue_from)
        if self.continue_from and Stage.prepare in self.stages:
            raise UserError(
                f"--continue-from {self.continue_from}: prepare the corpus before, with --init-from and the run, whose "
                "vocabulary it needs"
            )

    def loaded(self) -> Recipe | None:
        """Return the checked recipe, or None if it continues from a released model or from another run.

        Such a recipe is complete only with the model, which the job reads.
        """
        return None if self.init_from or self.continue_from else from_tables(self.tables(), self.recipe)

    def tables(self) -> dict[str, Any]:
        """Return the tables of the recipe, not yet checked.

        If the corpus is complete and is not to be prepared, the tables of the corpus are taken from it.
        """
        tables = read(self.recipe, self.overrides)
        if Stage.prepare in self.stages or not (self.corpus / CORPUS_MANIFEST).is_file():
            return tables
        corpus_tables = read_manifest(self.corpus).recipe.model_dump(mode="json")
        return take_corpus_tables(tables, read_stated(self.recipe, self.overrides), corpus_tables, self.corpus)

    def processes_on(self, machine: Machine) -> int | None:
        """Return the number of processes on each node, or None if only the job can find out."""
        return self.processes or machine.processes

    def jobs(self, machine: Machine, recipe: Sequence[str], corpus: Path, run: Path | None) -> list[Job]:
        processes = self.processes_on(machine)
        return pipeline(
            self.stages,
            recipe,
            corpus,
            run,
            nodes=self.nodes,
            processes=processes,
            init_from=self.init_from,
            continue_from=self.continue_from,
            general=self.general,
        )


def submit(order: Order, name: str, machine: Machine, *, dry_run: bool) -> Submission | None:
    """Start the jobs of the order. With `dry_run`, print what would be started and write nothing.

    If the machine is this one, the last job takes the place of this process and the call does not return. Raises
    UserError for an order that is refused.
    """
    refuse_layout(name, machine, order.nodes, order.processes)
    recipe = order.loaded()
    processes = order.processes_on(machine)
    if recipe and processes and Stage.pretrain in order.stages:
        refuse_batch(recipe, order.nodes * processes)
    if isinstance(machine, Local):
        _here(order, machine, recipe, dry_run=dry_run)
        return None
    return _elsewhere(order, name, machine, recipe, dry_run=dry_run)


def _here(order: Order, machine: Local, recipe: Recipe | None, *, dry_run: bool) -> None:
    jobs = order.jobs(machine, (order.recipe, *order.overrides), order.corpus, order.run)
    if dry_run:
        print(" &&\n".join(local.render(job, machine) for job in jobs))
        return
    _refuse_results(order, recipe)
    local.become(jobs, machine)


def _elsewhere(order: Order, name: str, machine: Machine, recipe: Recipe | None, *, dry_run: bool) -> Submission | None:
    """Submit the jobs to a scheduler.

    The jobs read a stored copy of the recipe, so that later changes to the recipe do not reach them. Their folders are
    absolute paths.
    """
    model = order.init_from
    order = replace(
        order,
        init_from=str(Path(model).absolute()) if model and Path(model).exists() else model,
        continue_from=order.continue_from and order.continue_from.absolute(),
        general=order.general and order.general.absolute(),
    )
    corpus, run = order.corpus.absolute(), order.run and order.run.absolute()
    home = run or corpus
    folder = next_folder(home)
    jobs = order.jobs(machine, (str(folder / RECIPE),), corpus, run)
    backend = backend_of(machine)
    files = backend.render(jobs, machine, folder)
    if dry_run:
        _print(folder, files)
        return None
    _refuse_folders(order, recipe, corpus, run)
    store(folder, order.tables(), files)
    submission = Submission(folder, name, machine, _start(jobs, machine, folder))
    submission.write()
    return submission


def _refuse_results(order: Order, recipe: Recipe | None) -> None:
    """Raise UserError if the stages cannot read their corpus or write their export, whichever machine they use."""
    if Stage.prepare not in order.stages and {Stage.pretrain, Stage.evaluate} & {*order.stages}:
        refuse_corpus(order.corpus, recipe if Stage.pretrain in order.stages else None)
    if Stage.export in order.stages and order.run:
        refuse_export(order.run)


def _refuse_folders(order: Order, recipe: Recipe | None, corpus: Path, run: Path | None) -> None:
    _refuse_results(order, recipe)
    for folder in filter(None, (corpus, run)):
        refuse_unshared(folder)
    refuse_submitted(run or corpus)
    if run and Stage.pretrain in order.stages:
        refuse_run(run)


def _start(jobs: Sequence[Job], machine: Machine, folder: Path) -> dict[Stage, str]:
    """Start all jobs and return their ids by stage. If a job is refused, cancel the jobs that were already started."""
    backend, ids = backend_of(machine), dict[Stage, str]()
    try:
        for stage, id in backend.submit(jobs, machine, folder):
            ids[stage] = id
    except ElectraError:
        for id in dict.fromkeys(ids.values()):
            subprocess.run(backend.cancel(machine, id), capture_output=True)
        raise
    return ids


def _print(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        if len(files) > 1:
            print(f"# ---- {folder / name}")
        print(text)
