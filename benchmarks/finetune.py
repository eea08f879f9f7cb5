"""Compare `electra evaluate --task` with transformers' Trainer: the same model, data, seeds, settings and metric.

    electra export RUN --part discriminator --out model
    python -m benchmarks.finetune model/discriminator my_task --seeds 3

The task must have classes. Every measurement is a process of its own, whose clock starts when the examples are read and
the libraries imported: it tokenizes and trains, then tokenizes and predicts the held-out examples. Trainer pads every
batch to its longest example; with `group_by_length` its batches are examples of about the same length, so their
composition is not random. All ways use Adam with the same rate for every layer, because Trainer has no layer decay.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import isolation
from benchmarks.machine import packages_and_date, processor
from configs.common.cli import Overrides

OURS, GROUPED = "ours", "Trainer, group_by_length"
WAYS = (OURS, "Trainer", GROUPED)
# The settings in which the two would differ otherwise.
ALIKE = ("layer_decay=1.0", "bias_correction=true")


@dataclass(frozen=True)
class Measured:
    training: float  # seconds
    prediction: float  # seconds
    score: float


@dataclass(frozen=True)
class Work:
    """A model, a task of classes, and how the model is fine-tuned."""

    model: str
    folder: Path
    num_train: int
    num_held_out: int
    overrides: tuple[str, ...]

    def open(self) -> tuple[Any, Any, Any]:
        """Return the model, the task and the settings."""
        from pretrain.evaluation.tasks.backbone import open_backbone
        from pretrain.evaluation.tasks.reading.folders import read_task
        from pretrain.evaluation.tasks.settings import reading_options, settings_for

        overrides = (*ALIKE, *self.overrides)
        task, backbone = read_task(self.folder, reading_options(overrides)), open_backbone(self.model)
        assert task.kind == "classes", "the head of the other way is the one for classes"
        train, held_out = task.train[: self.num_train], task.held_out[: self.num_held_out]
        shape = backbone.network.shape
        settings = settings_for(task, shape["hidden"], shape["max_positions"], overrides)
        return backbone, dataclasses.replace(task, train=train, held_out=held_out), settings

    def measure(self, way: str, seed: int) -> Measured:
        return self._ours(seed) if way == OURS else self._trainer(seed, grouped=way == GROUPED)

    def _ours(self, seed: int) -> Measured:
        import torch

        from pretrain.evaluation.tasks.kinds import task_reader
        from pretrain.evaluation.tasks.train import predict, train
        from pretrain.step.allocator import keep_freed_memory

        backbone, task, settings = self.open()
        keep_freed_memory()
        torch.manual_seed(seed)
        device, network = torch.device("cpu"), backbone.with_head(task)
        began = time.perf_counter()
        reader = task_reader(task, backbone.tokenizer, settings)
        train(network, reader.training_features(task.train), backbone, settings, device, lambda: None)
        trained = time.perf_counter()
        features = reader.features(task.held_out)
        outputs = predict(network, reader, features, backbone.pad, device, lambda: None)
        predicted = time.perf_counter()
        score = reader.score(task.held_out, features, outputs)["accuracy"]
        return Measured(trained - began, predicted - trained, score)

    def _trainer(self, seed: int, *, grouped: bool) -> Measured:
        from transformers import (
            AutoModelForSequenceClassification,
            AutoTokenizer,
            DataCollatorWithPadding,
            Trainer,
            TrainingArguments,
            set_seed,
        )

        _, task, settings = self.open()
        set_seed(seed)
        tokenizer: Any = AutoTokenizer.from_pretrained(self.model)
        network = AutoModelForSequenceClassification.from_pretrained(self.model, num_labels=len(task.labels))
        encoded = partial(_encoded, tokenizer, task.labels, settings.length)
        with tempfile.TemporaryDirectory() as scratch:
            arguments = TrainingArguments(
                scratch,
                num_train_epochs=settings.epochs,
                per_device_train_batch_size=settings.batch,
                per_device_eval_batch_size=settings.batch,
                learning_rate=settings.learning_rate,
                warmup_steps=settings.warmup_share,
                adam_epsilon=1e-6,
                weight_decay=settings.weight_decay,
                max_grad_norm=settings.clip_norm,
                bf16=settings.precision == "bf16",
                train_sampling_strategy="group_by_length" if grouped else "random",
                seed=seed,
                use_cpu=True,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
            )
            began = time.perf_counter()
            collator = DataCollatorWithPadding(tokenizer)
            trainer = Trainer(network, arguments, collator, train_dataset=encoded(task.train))  # type: ignore[arg-type]  a list is a dataset
            trainer.train()
            trained = time.perf_counter()
            predictions: Any = trainer.predict(encoded(task.held_out))  # type: ignore[arg-type]  as above
            predicted = time.perf_counter()
        correct = predictions.predictions.argmax(-1) == predictions.label_ids
        return Measured(trained - began, predicted - trained, float(correct.mean()))


def _encoded(tokenizer: Any, labels: Sequence[str], length: int, examples: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the examples as Trainer reads them, with the lengths by which it can group them."""
    pairs = None if examples[0].pair is None else [example.pair for example in examples]
    texts = tokenizer([example.text for example in examples], pairs, truncation=True, max_length=length)
    targets = [labels.index(example.target) for example in examples]
    columns = {**texts, "label": targets, "length": [len(ids) for ids in texts["input_ids"]]}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def table(measured: dict[str, list[Measured]]) -> str:
    """The medians of seconds over the seeds, and the scores with their standard deviation."""
    lines = ["| | training, s | ours is | prediction, s | ours is | accuracy |", "|---|---:|---:|---:|---:|---:|"]
    middle = {
        way: [statistics.median(getattr(one, name) for one in seeds) for name in ("training", "prediction")]
        for way, seeds in measured.items()
    }
    for way, seeds in measured.items():
        scores = [one.score for one in seeds]
        spread = f" ± {statistics.stdev(scores):.3f}" if len(scores) > 1 else ""
        cells = [
            f"{seconds:.1f} | {'' if way == OURS else f'{seconds / ours:.2f}x'}"
            for seconds, ours in zip(middle[way], middle[OURS], strict=True)
        ]
        lines.append(f"| {way} | {' | '.join(cells)} | {statistics.mean(scores):.3f}{spread} |")
    return "\n".join(lines)


def main(
    model: Annotated[str, typer.Argument(help="An export for transformers.")],
    task: Annotated[Path, typer.Argument(help="The folder of a task of classes.")],
    overrides: Overrides = None,
    *,
    seeds: Annotated[int, typer.Option(help="How often each way is measured.")] = 3,
    train: Annotated[int, typer.Option(help="The first examples to train on.")] = 1000,
    held_out: Annotated[int, typer.Option(help="The first held-out examples.")] = 800,
    threads: Annotated[int, typer.Option(help="Of each process.")] = os.cpu_count() or 1,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    work = Work(model, task, train, held_out, tuple(overrides or ()))
    if only:
        print(*dataclasses.astuple(work.measure(only, seeds)))
        return
    measured: dict[str, list[Measured]] = {way: [] for way in WAYS}
    options = ("--train", train, "--held-out", held_out)
    for seed in range(seeds):
        for way, values in measured.items():
            one = isolation.module("benchmarks.finetune", model, task, *work.overrides, *options)
            values.append(Measured(*isolation.numbers([*one, "--seeds", seed, "--only", way], threads)))
    print(
        f"{task.name}, {seeds} seeds; {processor()}, {threads} threads; {packages_and_date('torch', 'transformers')}\n"
    )
    print(table(measured))


if __name__ == "__main__":
    typer.run(main)
