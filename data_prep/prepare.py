"""`electra prepare`: plan, vocabulary, tasks, manifest. Killed at any moment, the same command goes on."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from configs import keyed
from configs.errors import Unfinished, UserError
from configs.files import make_folder, read_json, write_json, write_text
from configs.recipe import CORPUS_TABLES, Recipe, differences
from data_prep import cleaning, report, vocabulary, words
from data_prep.counts import TaskReport
from data_prep.executor import LocalExecutor
from data_prep.extension import Addition, extended
from data_prep.manifest import MANIFEST, SCHEMA_VERSION, SPLITS, CorpusTables, Manifest, Shard, SourceFacts
from data_prep.normalize import normalizer
from data_prep.plan import Range, plan
from data_prep.progress import watch
from data_prep.readers import ReadRanges, document_key, lines, weighted
from data_prep.steps import WriteShards

# What is not part of the corpus: the plan, datatrove's marks of finished tasks, and their reports.
WORK = ".prepare"
# The words that a taken vocabulary was extended with.
ADDED = "vocab_added.tsv"


def prepare(recipe: Recipe, out: Path, workers: int) -> TaskReport:
    """Write the corpus `out`. Raises UserError for bad input, and then leaves nothing of it behind."""
    # What is missing is said before anything is made.
    words.segmenter_of(recipe.masking)
    normalizer(recipe.data.normalize)
    cleaning.build(recipe.data)
    tasks = plan(recipe.data.sources)
    work = out / WORK
    with _claimed(out, _plan_of(recipe, tasks)):
        try:
            _make_vocabulary(recipe, tasks, out)
            words.check_terms(recipe, vocabulary.load(out))
            _run_tasks(recipe, tasks, out, workers)
            total = _add_up(work, len(tasks))
            if not total.shards["train"]:
                raise UserError(
                    "data.sources: no training rows; the text is empty or all of it is held out (data.validation_share)"
                )
        except KeyboardInterrupt:
            raise Unfinished(f"{out}: interrupted; the same command goes on from the finished tasks") from None
        except Unfinished:
            raise
        except UserError:
            shutil.rmtree(out)  # everything in a claimed folder is ours
            raise
        report.write(out, recipe, total)
        write_json(out / MANIFEST, _manifest(recipe, out, total).model_dump(mode="json"))
        shutil.rmtree(work)
    return total


def _plan_of(recipe: Recipe, tasks: list[list[Range]]) -> dict[str, Any]:
    """What an unfinished corpus must agree with to be continued: the recipe's tables, the seed and the input."""
    tables = recipe.model_dump(mode="json", include={*CORPUS_TABLES})
    files = {piece.path: {"bytes": 0} for task in tasks for piece in task}
    for piece in (piece for task in tasks for piece in task):
        files[piece.path]["bytes"] += piece.size
    return {"seed": recipe.seed, "recipe": tables, "input": files}


@contextmanager
def _claimed(out: Path, wanted: dict[str, Any]) -> Iterator[None]:
    """Hold the output folder: new, empty, or ours and unfinished with the same plan. One process at a time."""
    if (out / MANIFEST).exists():
        raise UserError(f"{out}: already holds a complete corpus; name another folder, or delete it")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / WORK).is_dir():
        raise UserError(f"{out}: is not empty and holds no unfinished corpus; name a new folder")
    make_folder(out)
    make_folder(out / WORK)
    with open(out / WORK / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{out}: another process is preparing it") from None
        plan_file = out / WORK / "plan.json"
        if plan_file.exists():
            for key, theirs, ours in differences(read_json(plan_file), wanted):
                raise UserError(
                    f"{out}: holds an unfinished corpus with {key} = {theirs!r}, and now it is {ours!r}; "
                    "name another folder, or delete it"
                )
        else:
            write_json(plan_file, wanted)
        yield


def _make_vocabulary(recipe: Recipe, tasks: list[list[Range]], out: Path) -> None:
    if (out / vocabulary.TOKENIZER).exists():
        return
    if recipe.vocabulary.source == "train":
        print(f"training a vocabulary of {recipe.vocabulary.size:,} entries", file=sys.stderr, flush=True)
        tokenizer = vocabulary.train(recipe.vocabulary, lambda: _sample(recipe, tasks))
    else:
        tokenizer = vocabulary.take(recipe.vocabulary)
    if recipe.vocabulary.extend:
        entries, additions = extended(tokenizer, recipe.vocabulary, _sample(recipe, tasks))
        table = {entry: number for number, entry in enumerate(entries)}
        tokenizer = vocabulary.of_entries(table, recipe.vocabulary, Path(recipe.vocabulary.source))
        lines_of = ("\t".join(map(str, addition)) for addition in additions)
        write_text(out / ADDED, "\n".join(["\t".join(Addition._fields), *lines_of]) + "\n")
    vocabulary.save(tokenizer, out)


def _sample(recipe: Recipe, tasks: list[list[Range]]) -> Iterator[str]:
    """About `vocabulary.sample_bytes` of the text: each document by a draw that depends on its words alone."""
    pieces = [piece for task in tasks for piece in task]
    share = recipe.vocabulary.sample_bytes / sum(piece.text_bytes for piece in pieces)
    for piece in pieces:
        for document in weighted(piece, recipe.data, recipe.seed):
            drawn = keyed.uniform(recipe.seed, "vocabulary sample", document_key(document))
            if drawn < share:
                yield from lines(document.text)


def _run_tasks(recipe: Recipe, tasks: list[list[Range]], out: Path, workers: int) -> None:
    # Worker processes are the parallelism; threads of the tokenizer beside them would only get in their way.
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if workers == 1 else "false"
    work = out / WORK
    pipeline = [
        ReadRanges(tasks, recipe.data, recipe.seed),
        cleaning.Clean(recipe.data),
        WriteShards(out, work / "tasks", recipe.data, recipe.masking, recipe.seed),
    ]
    make_folder(work / "tasks")
    executor = LocalExecutor(pipeline, len(tasks), workers, work)
    with watch(work / "completions", [sum(piece.size for piece in task) for task in tasks]):
        try:
            executor.run()
        except BrokenProcessPool:
            raise Unfinished(
                f"{out}: a worker was killed, most often for memory; the same command goes on, with fewer --workers"
            ) from None


def _add_up(work: Path, num_tasks: int) -> TaskReport:
    total = TaskReport()
    for number in range(num_tasks):
        total.add(TaskReport.of(read_json(work / "tasks" / f"{number:05d}.json")))
    return total


def _manifest(recipe: Recipe, out: Path, total: TaskReport) -> Manifest:
    sources = [
        SourceFacts(**source.model_dump(), documents=total.documents[str(number)], bytes=total.bytes[str(number)])
        for number, source in enumerate(recipe.data.sources)
    ]
    return Manifest(
        schema_version=SCHEMA_VERSION,
        seed=recipe.seed,
        recipe=CorpusTables(data=recipe.data, vocabulary=recipe.vocabulary, masking=recipe.masking),
        vocabulary=vocabulary.describe(out),
        sources=tuple(sources),
        rows=total.num_rows,
        tokens={split: total.tokens[split] for split in SPLITS},
        shards={split: tuple(Shard(**shard) for shard in total.shards[split]) for split in SPLITS},
    )
