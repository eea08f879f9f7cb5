"""Measure how much adaptation helps in a domain and what it costs elsewhere, for a model trained for this comparison.

    python -m benchmarks.adaptation --out work --general english/ --domain medical/ --task qtype/ --steps 4000

The model `base` is pretrained on general text. Three models start from it and train for a share of its steps with the
recipe `adapt`: `adapted` on domain text, `mixed` on domain text with a share of general text, and `further` on general
text. All models are scored on the same held-out rows of domain text and of general text, with their own generator and
with the generator of `base`, and they are fine-tuned on the tasks with the same seeds. Every stage leaves a folder or a
file, so the same command resumes after the last finished stage. With another domain, the command starts from the same
`base`.

    python -m benchmarks.adaptation --out work --model MiniLM/ --general english/ --domain legal/ --steps 200

With `--model` there is no base: a released BERT is adapted in several ways (benchmarks/released_adaptation.py).
"""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.released_adaptation import ALL_WAYS, Released, spread_of_score
from benchmarks.stages import Work
from configs.common.files import read_json
from configs.load import load

SCORES = ("masked_accuracy", "pseudo_perplexity", "auc", "auc by base's generator")


def main(
    out: Annotated[Path, typer.Option(help="Where everything goes; the same command goes on there.")],
    general: Annotated[str, typer.Option(help="General text, as data.sources takes it.")],
    domain: Annotated[str, typer.Option(help="Domain text.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="Of the base's recipe: table.key=value ...")] = None,
    model: Annotated[Path | None, typer.Option(help="A released BERT, which is adapted in several ways.")] = None,
    way: Annotated[list[str] | None, typer.Option(help=f"With --model, some of {', '.join(ALL_WAYS)}.")] = None,
    task: Annotated[list[Path] | None, typer.Option(help="A labelled task; as often as needed.")] = None,
    recipe: Annotated[str, typer.Option(help="Of the base.")] = "tiny",
    steps: Annotated[int, typer.Option(help="Of the base, or with --model of each adaptation.")] = 4000,
    share: Annotated[float, typer.Option(help="Of these steps, for what comes behind.")] = 0.1,
    rate: Annotated[
        float, typer.Option(help="The learning rate of what comes behind, as a share of the base's.")
    ] = 0.1,
    mix: Annotated[float, typer.Option(help="The weight of general text in the mix; of domain text it is 1.")] = 0.2,
    rows: Annotated[int, typer.Option(help="Held-out rows that are scored, of each text.")] = 1000,
    seeds: int = 5,
    task_key: Annotated[list[str] | None, typer.Option(help="Of fine-tuning: key=value.")] = None,
    threads: int = 1,
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    work, given, keys = Work(out.absolute(), threads), overrides or [], task_key or []
    if model:
        released = Released(work, model.absolute(), domain, general, steps, given, way or ALL_WAYS)
        released.compare(task or [], keys, seeds, rows)
        return
    work.prepare("general", recipe, [f"data.sources={general}", *given])
    work.pretrain("base", recipe, "general", steps, given)
    adapt(work, general, domain, recipe, given, steps=round(share * steps), rate=rate, mix=mix)
    name = Path(domain).name
    for trained in models_of(name):
        corpora = ("--corpus", work.out / name, "--corpus", work.out / "check", "--rows", rows)
        for scored, options in ((f"{trained}-on-{name}", ()), (f"{trained}-on-{name}-by-base", by_base(work.out))):
            file = work.out / f"{scored}.json"
            work.electra(scored, file, "evaluate", work.out / trained, *corpora, *options, "--json", file)
        for folder in task or ():
            work.fine_tune(trained, work.out / trained, folder, seeds, keys)
    report(work.out, name, [folder.name for folder in task or ()])


def models_of(domain: str) -> tuple[str, ...]:
    return ("base", f"{domain}-adapted", f"{domain}-mixed", "further")


def by_base(out: Path) -> tuple[object, ...]:
    """The option that takes replacements from the generator of `base`, so that every model faces the same test."""
    return ("--generator", out / "base")


def adapt(
    work: Work, general: str, domain: str, recipe: str, given: Sequence[str], *, steps: int, rate: float, mix: float
) -> None:
    """Prepare the corpora and train the three models that start from `base`.

    The corpus `check` is general text, prepared with the recipe `adapt`. The model `further` trains on it, and all
    models are scored on its held-out rows.
    """
    base, model, in_domain = load(recipe, given), ("--init-from", work.out / "base"), Path(domain).name
    rows = [f"data.row_length={base.data.row_length}"]
    mixture = f'[{{path="{domain}"}}, {{path="{general}", weight={mix}}}]'
    corpora = {in_domain: domain, f"{in_domain}-mixture": mixture, "check": general}
    for name, sources in corpora.items():
        work.prepare(name, "adapt", [f"data.sources={sources}", *rows], *model)
    numbers = [
        *rows,
        f"batch.rows={base.batch.rows}",
        f"batch.micro_rows={base.batch.micro_rows}",
        f"optimizer.learning_rate={rate * base.optimizer.learning_rate}",
        f"schedule.warmup_steps={steps // 10}",
        f"model.dropout={base.model.dropout}",
        f"model.attention_dropout={base.model.attention_dropout}",
        f"compute.precision={base.compute.precision}",
        f"run.evaluate_every={max(1, steps // 5)}",
        f"run.save_every={max(1, steps // 5)}",
    ]
    for name, corpus in zip(models_of(in_domain)[1:], corpora, strict=True):
        work.pretrain(name, "adapt", corpus, steps, numbers, *model, "--general", work.out / "check")


def report(out: Path, domain: str, tasks: Sequence[str]) -> None:
    models = models_of(domain)
    print(f"\n{datetime.date.today()}\n")
    print(f"| | | {' | '.join(models)} |\n|---|---|{'---:|' * len(models)}")
    for corpus, title in ((domain, f"{domain} rows"), ("check", "general rows")):
        for score in SCORES:
            cells = [_score(out, f"{model}-on-{domain}", corpus, score) for model in models]
            print(f"| {title} | {score.replace('_', ' ')} | {' | '.join(cells)} |")
    for task in tasks:
        print(f"| {task} | {' | '.join(_of_task(out, models, task))} |")


def _score(out: Path, scored: str, corpus: str, score: str) -> str:
    name, _, other = score.partition(" ")
    scores = read_json(out / f"{scored}{'-by-base' if other else ''}.json")["corpora"][str(out / corpus)]["scores"]
    return spread_of_score(scores[name])


def _of_task(out: Path, models: Sequence[str], task: str) -> list[str]:
    """Return the metric, and for each model its mean and deviation, with the difference to `base` seed by seed."""
    results: dict[str, Any] = {model: read_json(out / f"{model}-{task}.json")["tasks"][0] for model in models}
    metric = results["base"]["metric"]
    values = {model: next(iter(result["models"].values()))[metric]["values"] for model, result in results.items()}
    cells = [metric.replace("_", " ")]
    for model in models:
        cell = _spread(values[model])
        if model != "base":
            cell += f" ({_spread([ours - theirs for ours, theirs in zip(values[model], values['base'], strict=True)])})"
        cells.append(cell)
    return cells


def _spread(values: Sequence[float]) -> str:
    """Return the mean and the standard deviation over the seeds."""
    return f"{statistics.fmean(values):.3f} ± {statistics.stdev(values) if len(values) > 1 else 0.0:.3f}"


if __name__ == "__main__":
    typer.run(main)
