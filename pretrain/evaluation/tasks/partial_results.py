"""Results are saved after every seed beside the file of `--json`, so that the same command can resume.

FILE.partial holds the results so far, and is removed when FILE appears. A finished FILE is extended in the same way
when more seeds, another task, or another model is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from configs.common.files import make_folder, read_json, write_json
from pretrain.evaluation.tasks.metric_names import metric_names
from pretrain.evaluation.tasks.results import TaskResult

_REMEDY = "name another file with --json, or remove this one"


class PartialResults:
    def __init__(self, file: Path | None):
        self._file = file
        self._partial = file and file.with_name(f"{file.name}.partial")
        if file:
            make_folder(file.absolute().parent)

    def restore(self, results: Sequence[TaskResult], num_seeds: int) -> None:
        """Fill in the finished seeds. Raises UserError when the file holds other results, which would be lost."""
        if not self._file or not self._partial:
            return
        file = self._partial if self._partial.exists() else self._file
        if not file.exists():
            return
        by_task = {result.task.name: result for result in results}
        try:
            for stored in read_json(file)["tasks"]:
                if stored["task"] not in by_task:
                    raise UserError(
                        f"{file}: holds results of the task {stored['task']}, which is not asked for; {_REMEDY}"
                    )
                _restore_task(stored, by_task[stored["task"]], num_seeds, file)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise UserError(f"{file}: holds no results of --task; {_REMEDY}") from None

    def save(self, results: Sequence[TaskResult], num_seeds: int) -> None:
        if self._partial:
            write_json(self._partial, _content(results, num_seeds))

    def finish(self, results: Sequence[TaskResult], num_seeds: int) -> None:
        if self._file and self._partial:
            write_json(self._file, _content(results, num_seeds))
            self._partial.unlink(missing_ok=True)

    def remark(self) -> str:
        """A sentence that tells a user who interrupts where the finished seeds are."""
        if not self._partial:
            return "no result is saved; with --json FILE the same command would resume"
        return f"the finished results are in {self._partial}, and the same command resumes"


def _content(results: Sequence[TaskResult], num_seeds: int) -> dict[str, Any]:
    return {"seeds": num_seeds, "tasks": [result.to_dict() for result in results]}


def _restore_task(stored: dict[str, Any], result: TaskResult, num_seeds: int, file: Path) -> None:
    for model, metrics in stored["models"].items():
        if model not in result.seeds:
            raise UserError(f"{file}: holds results of the model {model}, which is not asked for; {_REMEDY}")
        place = f"{file}: holds results of {model} on {result.task.name}"
        if difference := _difference(stored, result, model):
            raise UserError(f"{place} with {difference}; {_REMEDY}")
        by_seed = zip(*(map(float, spread["values"]) for spread in metrics.values()), strict=True)
        seeds = [dict(zip(metrics, values, strict=True)) for values in by_seed]
        if len(seeds) > num_seeds:
            raise UserError(f"{place} by {len(seeds)} seeds, and --seeds is {num_seeds}; ask for as many, or {_REMEDY}")
        result.seeds[model] += seeds


def _difference(stored: dict[str, Any], result: TaskResult, model: str) -> str | None:
    """Return the reason why the stored metrics of a model do not belong to this command. None if they do."""
    current = result.identity()
    if stored["sha256"]["task"] != current["sha256"]["task"]:
        return "another content of the task"
    if stored["sha256"]["models"][model] != current["sha256"]["models"][model]:
        return "other weights or another tokenizer"
    settings, stored_settings = current["settings"][model], stored["settings"][model]
    if changed := [key for key in settings if stored_settings.get(key) != settings[key]]:
        return f"other settings ({', '.join(changed)})"
    return None if [*stored["models"][model]] == metric_names(result.task) else "other metrics"
