"""The jobs of a pipeline: their order, what each waits for, and the commands that they run."""

from __future__ import annotations

from pathlib import Path

from launch.jobs import Job, Stage, pipeline

CORPUS, RUN = Path("/shared/语料"), Path("/shared/runs/base")


def jobs(*stages: Stage, nodes: int = 1, init_from: str | None = None) -> list[Job]:
    return pipeline(stages, ["base", "seed=2"], CORPUS, RUN, nodes=nodes, processes=8, init_from=init_from)


def test_each_stage_waits_for_the_one_whose_result_it_reads() -> None:
    made = jobs(Stage.export, Stage.prepare, Stage.evaluate, Stage.pretrain, Stage.export, nodes=4)
    assert [job.stage for job in made] == ["prepare", "pretrain", "evaluate", "export"]
    assert [job.after for job in made] == [(), ("prepare",), ("pretrain",), ("pretrain",)]
    assert [(job.nodes, job.processes) for job in made] == [(4, 1), (4, 8), (1, 1), (1, 1)]
    assert [job.folder for job in made] == [CORPUS, RUN, RUN, RUN]
    assert [job.after for job in jobs(Stage.evaluate)] == [()]
    assert jobs() == []


def test_the_commands_of_the_stages() -> None:
    prepare, pretrain, export = jobs(Stage.prepare, Stage.pretrain, Stage.export, init_from="google/electra")
    started_from = ["--init-from", "google/electra"]
    assert prepare.command() == [
        *("-m", "data_prep", "prepare", "base", "seed=2", "--out", str(CORPUS)),
        *started_from,
    ]
    assert pretrain.command() == [
        *("-m", "pretrain", "pretrain", "base", "--corpus", str(CORPUS), "--run", str(RUN), "seed=2"),
        *started_from,
    ]
    assert export.command() == ["-m", "pretrain", "export", str(RUN), "--out", f"{RUN}/export"]
    assert pretrain.name == "electra-pretrain-base"


def test_torchrun_gets_its_layout_before_and_the_command_after() -> None:
    (job,) = jobs(Stage.pretrain)
    made = job.torchrun("--nnodes=2", shutdown_seconds=90)
    assert made[:3] == ["-m", "launch.torchrun", "--nnodes=2"]
    assert {"--nproc-per-node=8", "--shutdown-timeout=90"} <= set(made)
    assert made[made.index("--") - 1 :] == ["-m", "--", *job.command()[1:]]
