"""What is started on a machine: jobs, each one stage of the way from text to exported models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

# Below a run: where the stage `export` writes its models.
EXPORT = "export"


class Stage(StrEnum):
    """A command of `electra`, in the order of a pipeline."""

    prepare = "prepare"
    pretrain = "pretrain"
    evaluate = "evaluate"
    export = "export"

    @property
    def room(self) -> str:
        """The package whose command it is."""
        return "data_prep" if self is Stage.prepare else "pretrain"

    @property
    def computes(self) -> bool:
        """Whether it is done on GPUs where there are some."""
        return self in (Stage.pretrain, Stage.evaluate)


@dataclass(frozen=True)
class Job:
    """One stage of one run or corpus. Pretraining is one job of `nodes` nodes; preparation `nodes` jobs of one each."""

    stage: Stage
    # of `electra STAGE`; what a preparation adds is --task i/n, its share
    arguments: tuple[str, ...]
    # what it writes to: the corpus of a preparation, else the run
    folder: Path
    # the corpus that it reads, which every node must see
    corpus: Path
    nodes: int = 1
    # on each node; None: one for each GPU that torchrun finds, else core
    processes: int | None = 1
    # stages of the same submission that must have ended well before it begins
    after: tuple[Stage, ...] = ()

    @property
    def name(self) -> str:
        """As a scheduler shows it."""
        return f"electra-{self.stage}-{self.folder.name}"

    def command(self) -> list[str]:
        """The arguments of Python for the stage as one process, without a share."""
        return ["-m", self.stage.room, self.stage, *self.arguments]

    def torchrun(self, *layout: str, shutdown_seconds: int = 300) -> list[str]:
        """The arguments of Python for the stage as the processes of one node; `layout` says how they find others."""
        torchrun = ["-m", "launch.torchrun", *layout]
        # A warning that it does not handle ends torchrun and leaves its processes behind.
        torchrun += ["--signals-to-handle=SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"]
        # Asked to stop, the processes finish a step and save; torchrun would kill them after 30 seconds.
        torchrun += [f"--nproc-per-node={self.processes or 'auto'}", f"--shutdown-timeout={shutdown_seconds}"]
        # The two dashes keep torchrun from reading --run as an abbreviation of its own --run-path.
        return [*torchrun, "-m", "--", self.stage.room, self.stage, *self.arguments]


def pipeline(
    stages: Sequence[Stage],
    recipe: Sequence[str],
    corpus: Path,
    run: Path | None,
    *,
    nodes: int,
    processes: int | None,
    init_from: str | None = None,
    general: Path | None = None,
) -> list[Job]:
    """The jobs of these stages, each after the one whose result it reads.

    `recipe` is its name or path with its overrides.
    """
    released = ("--init-from", init_from) if init_from else ()
    watched = ("--general", str(general)) if general else ()
    jobs: list[Job] = []
    for stage in sorted(set(stages), key=list(Stage).index):
        last = [job.stage for job in jobs if job.stage in (Stage.prepare, Stage.pretrain)][-1:]
        folder = corpus if stage is Stage.prepare else run
        assert folder is not None, "a stage behind preparation has a run"
        wide = stage in (Stage.prepare, Stage.pretrain)
        arguments = {
            Stage.prepare: (*recipe, "--out", str(corpus), *released),
            Stage.pretrain: (recipe[0], "--corpus", str(corpus), "--run", str(run), *recipe[1:], *released, *watched),
            Stage.evaluate: (str(run), "--corpus", str(corpus)),
            Stage.export: (str(run), "--out", f"{run}/{EXPORT}"),
        }[stage]
        jobs.append(
            Job(
                stage,
                arguments,
                folder,
                corpus,
                nodes if wide else 1,
                processes if stage is Stage.pretrain else 1,
                tuple(last),
            )
        )
    return jobs
