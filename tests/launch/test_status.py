"""The lines of `electra status`, for folders that were never submitted; clusters are in tests/integration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configs.common.errors import UserError
from launch.status import Progress, lines, newest_log, progress, status, tail
from tests.trained import run as run


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            (1500, 20000, 2.5, 12345.6, 3661.0, 59.6),
            "step 1,500/20,000  loss 2.500  12,346 tokens/s  1:01:01 left at this rate  logged 0:01:00 ago",
        ),
        ((12, 12, None, 0.0, 0.0, 5.0), "step 12/12  loss not finite  0 tokens/s  complete"),
    ],
)
def test_progress_by_hand(values: tuple, sentence: str) -> None:
    assert str(Progress(*values)) == sentence


def test_the_rest_of_a_run_takes_as_long_as_its_last_rate_says(run: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_bytes((run / "recipe.toml").read_bytes())
    assert progress(tmp_path) is None
    assert lines(tmp_path)[-1] == "  nothing is logged yet"
    line = {"kind": "training", "step": 7, "loss": 2.0, "rows_per_second": 4.0, "tokens_per_second": 256.0}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    now = progress(tmp_path)
    assert now and (now.step, now.num_steps, now.seconds_left) == (7, 12, (12 - 7) * 8 / 4)


def test_a_run_that_was_stopped_and_one_that_is_complete(run: Path, tmp_path: Path) -> None:
    described = lines(run)
    assert described[:2] == [str(run), "  started by hand, or by submit on this machine"]
    assert described[2].startswith("  step 12/12  loss ") and described[2].endswith("  complete")
    (tmp_path / "recipe.toml").write_bytes((run / "recipe.toml").read_bytes())
    (tmp_path / "stopped.json").write_text('{"step": 1234}')
    assert lines(tmp_path)[-1] == "  stopped after step 1,234; the same command resumes from there"


def test_a_corpus_and_an_empty_folder(corpus_folder: Path, tmp_path: Path) -> None:
    assert lines(corpus_folder) == [str(corpus_folder), "  the corpus is complete"]
    with pytest.raises(UserError, match=r"holds no run, and nothing was submitted for it"):
        lines(tmp_path)
    with pytest.raises(UserError, match=r"was not submitted to a cluster, so its output is where it was started"):
        newest_log(tmp_path, None)


@pytest.mark.parametrize(("count", "expected"), [(1, ["三"]), (2, ["two\n", "三"]), (9, ["one\n", "two\n", "三"])])
def test_the_last_lines_of_a_log(count: int, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "log").write_text("one\ntwo\n三", encoding="utf-8")
    assert list(tail(tmp_path / "log", count)) == expected


def test_the_object_of_a_run_for_scripts(run: Path, corpus_folder: Path) -> None:
    of_run, of_corpus = status(run).facts(), status(corpus_folder).facts()
    keys = ["folder", "corpus_is_complete", "machine", "submission", "jobs", "progress", "stopped_after", "health"]
    assert list(of_run) == list(of_corpus) == keys
    assert (of_run["folder"], of_run["progress"]["step"], of_run["jobs"]) == (str(run), 12, [])
    too_early = "too early at step 12 to judge whether the model learns"
    assert (of_run["health"]["summary"], of_run["health"]["is_ill"]) == (too_early, False)
    assert (of_corpus["corpus_is_complete"], of_corpus["progress"], of_corpus["health"]) == (True, None, None)


def test_the_findings_of_a_run_that_is_not_healthy(run: Path, tmp_path: Path) -> None:
    for name in ("recipe.toml", "provenance.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    assert status(tmp_path).verdict is None
    scores = {"mlm_loss": 5.0, "masked_accuracy": 0.3, "sampled_accuracy": 0.2, "auc": 0.5}
    line = {"kind": "evaluation", "step": 300, **scores}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    shown = status(tmp_path)
    assert shown.lines()[3] == "  1 problem at step 300"
    assert shown.lines()[4].startswith("  problem from step 300: the discriminator's AUC is 0.500, and .5 is chance; ")
    (finding,) = shown.facts()["health"]["findings"]
    assert list(finding) == ["rule", "severity", "step", "sentence", "help", "until"]
    assert (finding["rule"], finding["severity"], finding["until"]) == ("discriminator", "problem", None)
