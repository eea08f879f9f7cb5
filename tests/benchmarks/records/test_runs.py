"""The runs of a benchmark have the FLOPs that their length says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.records.runs import Bench
from configs.common.errors import UserError
from configs.common.files import make_folder, write_json


def test_a_length_is_a_share_of_the_flops(bench: Bench) -> None:
    """The reference has 12 steps of 8 rows; with 4 rows in a step, the same FLOPs are twice the steps."""
    runs = bench.runs(list(bench.levers.entries.values()), bench.levers.seeds)
    steps = {(run.entry.name, run.length): run.recipe.schedule.steps for run in runs}
    assert steps == {("reference", 1.0): 12, ("reference", 0.5): 6, ("mean", 0.5): 12, ("masks", 0.5): 5}
    assert [run.seed for run in runs[:3]] == [1, 2, 1] and runs[0].recipe.seed == 1
    assert runs[0].recipe.schedule.warmup_steps == 3 and runs[2].recipe.schedule.warmup_steps == 2


def test_a_wider_generator_gets_fewer_steps(bench: Bench) -> None:
    reference = bench.levers.reference
    wide = replace(reference, name="wide", lengths=(1.0,), keys={"model.generator.intermediate": 512})
    (run,) = bench.runs([wide], [1])
    (base,) = bench.runs([replace(reference, lengths=(1.0,))], [1])
    assert run.recipe.schedule.steps < base.recipe.schedule.steps
    assert run.flops == pytest.approx(base.flops, rel=1 / run.recipe.schedule.steps)


def test_the_products_of_muon_are_flops_too(bench: Bench) -> None:
    keys = {"optimizer.matrices": "muon", "optimizer.momentum": 0.95}
    muon = replace(bench.levers.reference, name="muon", lengths=(1.0,), keys=keys)
    (run,) = bench.runs([muon], [1])
    (base,) = bench.runs([replace(bench.levers.reference, lengths=(1.0,))], [1])
    steps = run.recipe.schedule.steps
    assert steps < base.recipe.schedule.steps
    assert run.flops == pytest.approx(base.flops, rel=1 / steps)


def test_runs_longer_than_the_target_come_last(bench: Bench) -> None:
    long = replace(bench.levers.reference, lengths=(2.0, 1.0))
    runs = bench.runs([long, bench.levers.entries["mean"]], [1])
    assert [(run.entry.name, run.length) for run in runs] == [("reference", 1.0), ("mean", 0.5), ("reference", 2.0)]


def test_the_result_of_other_keys_is_refused(bench: Bench, tmp_path: Path) -> None:
    (run,) = replace(bench, out=tmp_path).runs([replace(bench.levers.reference, lengths=(1.0,))], [1])
    assert run.result() is None
    make_folder(run.result_file.parent)
    write_json(run.result_file, {"fingerprint": run.recipe.fingerprint()})
    assert run.result()
    write_json(run.result_file, {"fingerprint": "other"})
    with pytest.raises(UserError, match=r"seed-1\.json: was measured with other keys than reference has now"):
        run.result()
