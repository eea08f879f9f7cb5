"""The parts of an adaptation, in order. Each is a command that a user can repeat by hand."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from configs.common.errors import UserError
from configs.folders import CORPUS_MANIFEST
from launch.adapt.order import Order


@dataclass(frozen=True)
class Part:
    name: str
    title: str  # what the command does, for people
    arguments: tuple[str, ...]  # of `electra`
    output: Path  # the folder or the file that it makes
    needs: tuple[str, ...] = ()  # the parts whose results it reads
    # This file exists once the output is complete. A run has none, because it evaluates after its last checkpoint.
    complete: Path | None = None
    check: Callable[[], None] = lambda: None  # raises UserError when the parts before have made the part useless
    repeats: bool = False  # whether it takes minutes at most, and is simply repeated when its arguments have changed

    @property
    def command(self) -> str:
        return shlex.join(["electra", *self.arguments])


def parts_of(order: Order, *, tests_with_model: bool, detects: bool) -> list[Part]:
    """List the parts.

    `tests_with_model`: the model has a generator, whose replacements test both discriminators. Otherwise they are
    tested with the replacements of the generator that the run trains. `detects`: the model has the head of a
    discriminator.
    """
    before = _evaluate(order, "before", tests_with_model=tests_with_model, detects=detects)
    return [
        *_corpora(order),
        *([before] if tests_with_model else []),
        _pretrain(order),
        *([] if tests_with_model else [before]),
        _evaluate(order, "after", tests_with_model=tests_with_model, detects=True),
        *([_own_generator(order)] if tests_with_model else []),
        *_tasks(order),
        Part(
            "export",
            "write the adapted model for transformers",
            ("export", str(order.run), "--out", str(order.models)),
            order.models,
            ("pretrain",),
            order.models,
            repeats=True,
        ),
    ]


def _corpora(order: Order) -> Iterator[Part]:
    yield _prepare(order, "domain", "turn the text of the domain into rows", order.domain_sources(), order.model)
    # An extended vocabulary is made once, from the text of the domain. The other corpora take it from there.
    extends = order.extends_vocabulary
    vocabulary, needs = (str(order.domain_corpus), ("domain",)) if extends else (order.model, ())
    if order.general and not order.general_is_prepared:
        yield _prepare(order, "general", "turn general text into rows", order.general_sources(), vocabulary, needs)
    if order.mix:
        title = f"mix the text of the domain with general text (weight {order.mix:g})"
        yield _prepare(order, "mixture", title, order.mixture_sources(), vocabulary, needs)


def _prepare(order: Order, name: str, title: str, sources: str, vocabulary: str, needs: tuple[str, ...] = ()) -> Part:
    out = order.out / name
    overrides = order.corpus_overrides(without_extension=bool(needs))
    arguments = ("prepare", order.recipe, "--out", str(out), sources, *overrides, "--init-from", vocabulary)
    return Part(name, title, arguments, out, needs, out / CORPUS_MANIFEST)


def _pretrain(order: Order) -> Part:
    corpus = order.mixture if order.mix else order.domain_corpus
    arguments = ["pretrain", order.recipe, "--corpus", str(corpus), "--run", str(order.run), "--init-from", order.model]
    if order.general_corpus:
        arguments += ["--general", str(order.general_corpus)]
    arguments += order.training_overrides()
    needs = (corpus.name, *_prepared_general(order))
    check = partial(refuse_few_rows, order.corpora)
    return Part("pretrain", "train the model on this text", tuple(arguments), order.run, needs, check=check)


def refuse_few_rows(corpora: Iterable[Path]) -> None:
    """Raise UserError when a corpus has too few held-out rows to be scored, which is known before the training."""
    from data_prep.shards import Corpus

    for folder in corpora:
        if (num_rows := Corpus(folder).num_rows("validation")) < 2:
            raise UserError(
                f"{folder}: {num_rows} rows are held out, and scores need two; give more text, or name another --out "
                "and a higher data.validation_share"
            )


def _evaluate(order: Order, name: str, *, tests_with_model: bool, detects: bool) -> Part:
    """Score a model on held-out rows. The other model's generator is named where its own would be taken otherwise."""
    model, other = (order.model, str(order.run)) if name == "before" else (str(order.run), order.model)
    brings_generator = (name == "before") == tests_with_model
    arguments = ["evaluate", model, *([] if brings_generator else ["--generator", other])]
    for corpus in order.corpora:
        arguments += ["--corpus", str(corpus)]
    arguments += ["--rows", str(order.rows), "--json", str(order.scores(name))]
    arguments += ["--tokens", str(order.tokens(name))] if detects else []
    needs_run = name == "after" or not tests_with_model
    return Part(
        name,
        f"score held-out rows {name} adaptation, with the same replacements",
        tuple(arguments),
        order.scores(name),
        ("domain", *_prepared_general(order), *(["pretrain"] if needs_run else [])),
        order.tokens(name) if detects else order.scores(name),  # the tokens are written last
        repeats=True,
    )


def _own_generator(order: Order) -> Part:
    arguments = ["evaluate", str(order.run)]
    for corpus in order.corpora:
        arguments += ["--corpus", str(corpus)]
    file = order.scores("own")
    return Part(
        "own",
        "score held-out rows after adaptation, with the replacements of the adapted generator",
        (*arguments, "--rows", str(order.rows), "--json", str(file)),
        file,
        ("domain", *_prepared_general(order), "pretrain"),
        file,
        repeats=True,
    )


def _tasks(order: Order) -> Iterator[Part]:
    for task in order.tasks:
        file = order.task_results(task)
        options = ["--against", order.model, "--seeds", str(order.seeds), "--json", str(file)]
        yield Part(
            f"task {file.stem}",
            f"fine-tune both models on {file.stem} by {order.seeds} paired seeds",
            ("evaluate", str(order.run), "--task", str(task), *options, *order.task_keys),
            file,
            ("pretrain",),
            file,
            repeats=True,
        )


def _prepared_general(order: Order) -> tuple[str, ...]:
    return ("general",) if order.general and not order.general_is_prepared else ()
