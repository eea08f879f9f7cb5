"""Finished fine-tunings beside the file of `--json`: kept seed by seed, so that the same command goes on.

FILE.partial holds what FILE will, as far as it is known, and goes when FILE appears. A finished FILE is gone on from
as well, with more seeds, another task, or another model to compare with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from configs.common.files import make_folder, read_json, write_json
from pretrain.evaluation.tasks.metrics import names_of
from pretrain.evaluation.tasks.results import Result

_HELP = "name another file with --json, or remove this one"


class Kept:
    def __init__(self, file: Path | None):
        self._file = file
        self._partial = file and file.with_name(f"{file.name}.partial")
        if file:
            make_folder(file.absolute().parent)

    def take_over(self, results: Sequence[Result], num_seeds: int) -> None:
        """Fill in the seeds that are finished. Raises UserError where they are of something else, and would be lost."""
        if not self._file or not self._partial:
            return
        file = self._partial if self._partial.exists() else self._file
        if not file.exists():
            return
        expected = {result.task.name: result for result in results}
        try:
            for table in read_json(file)["tasks"]:
                if table["task"] not in expected:
                    raise UserError(
                        f"{file}: holds results of the task {table['task']}, which is not asked for; {_HELP}"
                    )
                _take_over(table, expected[table["task"]], num_seeds, file)
        except UserError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError):
            raise UserError(f"{file}: holds no results of --task; {_HELP}") from None

    def keep(self, results: Sequence[Result], num_seeds: int) -> None:
        if self._partial:
            write_json(self._partial, _tables(results, num_seeds))

    def finish(self, results: Sequence[Result], num_seeds: int) -> None:
        if self._file and self._partial:
            write_json(self._file, _tables(results, num_seeds))
            self._partial.unlink(missing_ok=True)

    def remark(self) -> str:
        """What becomes of the seeds that are finished."""
        if not self._partial:
            return "nothing is kept; with --json FILE the same command would go on"
        return f"what is finished is in {self._partial}, and the same command goes on"


def _tables(results: Sequence[Result], num_seeds: int) -> dict[str, Any]:
    return {"seeds": num_seeds, "tasks": [result.table() for result in results]}


def _take_over(table: dict[str, Any], result: Result, num_seeds: int, file: Path) -> None:
    known = result.known()
    for model, metrics in table["models"].items():
        if model not in result.seeds:
            raise UserError(f"{file}: holds results of the model {model}, which is not asked for; {_HELP}")
        what = f"{file}: holds results of {model} on {result.task.name}"
        theirs, ours = table["settings"][model], known["settings"][model]
        others = ", ".join(key for key in ours if theirs.get(key) != ours[key])
        for name, same in (
            ("another content of the task", table["sha256"]["task"] == known["sha256"]["task"]),
            (
                "other weights or another tokenizer",
                table["sha256"]["models"][model] == known["sha256"]["models"][model],
            ),
            (f"other settings ({others})", not others),
            ("other metrics", [*metrics] == names_of(result.task)),
        ):
            if not same:
                raise UserError(f"{what} with {name}; {_HELP}")
        by_seed = zip(*(map(float, spread["values"]) for spread in metrics.values()), strict=True)
        seeds = [dict(zip(metrics, values, strict=True)) for values in by_seed]
        if len(seeds) > num_seeds:
            raise UserError(f"{what} by {len(seeds)} seeds, and --seeds is {num_seeds}; ask for as many, or {_HELP}")
        result.seeds[model] += seeds
