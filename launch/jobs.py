"""A job does one stage of the work from text to exported models. Machines start jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

# The stage `export` writes its models into this folder of the run.
EXPORT = "export"


class Stage(StrEnum):
    """A stage is a command of `electra`. The stages are listed in the order of a pipeline."""

    prepare = "prepare"
    pretrain = "pretrain"
    evaluate = "evaluate"
    export = "export"

    @property
    def room(self) -> str:
        """Return the package that has the command."""
        return "data_prep" if self is Stage.prepare else "pretrain"

    @property
    def computes(self) -> bool:
        """Return whether the stage uses GPUs, if the machine has any."""
        return self in (Stage.pretrain, Stage.evaluate)


@dataclass(frozen=True)
class Job:
    """A job does one stage of one run or corpus.

    Pretraining is one job on `nodes` nodes. Preparation is `nodes` jobs on one node each.
    """

    stage: Stage
    # These are the arguments of `electra STAGE`. Each preparation job adds --task i/n, its share of the work.
    arguments: tuple[str, ...]
    # The job writes into this folder: a corpus in the stage prepare, a run in the other stages.
    folder: Path
    # The job uses this corpus, which every node must see.
    corpus: Path
    nodes: int = 1
    # This many processes run on each node. None stands for one per GPU that torchrun finds, or per core without GPUs.
    processes: int | None = 1
    # The job also reads these, which every node must see: a model, a run to continue, a general corpus.
    inputs: tuple[Path, ...] = ()
    # These stages of the same submission must have succeeded before the job begins.
    after: tuple[Stage, ...] = ()

    @property
    def name(self) -> str:
        """Return the name that a scheduler shows."""
        return f"electra-{self.stage}-{self.folder.name}"

    def command(self) -> list[str]:
        """Return the arguments of Python that do the stage in one process. The share --task i/n is not among them."""
        return ["-m", self.stage.room, self.stage, *self.arguments]

    def torchrun(self, *layout: str, shutdown_seconds: int = 300) -> list[str]:
        """Return the arguments of Python that start one node's processes; `layout` says how they find other nodes."""
        torchrun = ["-m", "launch.torchrun", *layout]
        # Without this, a scheduler's warning signal would end torchrun and leave its processes running.
        torchrun += ["--signals-to-handle=SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"]
        # Processes that are asked to stop finish a step and save. By default torchrun would kill them after 30 seconds.
        torchrun += [f"--nproc-per-node={self.processes or 'auto'}", f"--shutdown-timeout={shutdown_seconds}"]
        # Without the `--`, torchrun would take our --run for an abbreviation of its own --run-path.
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
    continue_from: Path | None = None,
    general: Path | None = None,
) -> list[Job]:
    """Return the jobs of these stages. Each job comes after the job whose result it reads.

    `recipe` holds the name or path of the recipe, followed by the overrides.
    """
    released = ("--init-from", init_from) if init_from else ()
    earlier = ("--continue-from", str(continue_from)) if continue_from else ()
    others = (*released, *earlier, *(("--general", str(general)) if general else ()))
    # An `init_from` that is no absolute path is a name on the hub.
    model = (Path(init_from),) if init_from and Path(init_from).is_absolute() else ()
    inputs = {Stage.prepare: model, Stage.pretrain: (*model, *filter(None, (continue_from, general)))}
    jobs: list[Job] = []
    for stage in sorted(set(stages), key=list(Stage).index):
        last = [job.stage for job in jobs if job.stage in (Stage.prepare, Stage.pretrain)][-1:]
        folder = corpus if stage is Stage.prepare else run
        assert folder is not None, "a stage after preparation has a run"
        wide = stage in (Stage.prepare, Stage.pretrain)
        arguments = {
            Stage.prepare: (*recipe, "--out", str(corpus), *released),
            Stage.pretrain: (recipe[0], "--corpus", str(corpus), "--run", str(run), *recipe[1:], *others),
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
                inputs.get(stage, ()),
                tuple(last),
            )
        )
    return jobs
