"""`make demo` runs every stage on real text, on the CPU, in minutes. It fails when the models did not learn."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from launch.demo_text import collect

FOLDER = Path("demo")
# The generator must learn at least this. One that says the most frequent token everywhere reaches .04 to .07.
_LOWEST_MASKED_ACCURACY = 0.10
_SENTENCES = 6
ON_THE_CPU = os.environ | {"CUDA_VISIBLE_DEVICES": ""}

console = Console(highlight=False)


def main() -> None:
    began = time.monotonic()
    _clear()
    corpus, run, models = FOLDER / "corpus", FOLDER / "run", FOLDER / "models"
    _title("1. Text: the documentation inside Python's library and the installed packages")
    console.print(f"{collect(FOLDER / 'text') / 1e6:.1f} MB in {FOLDER / 'text'}")
    _title("2. Prepare: a vocabulary, and masked rows")
    _electra("prepare", "tiny", "--out", corpus, f"data.sources={FOLDER / 'text'}")
    _title("3. Pretrain: generator and discriminator together, through DeepSpeed")
    _electra("pretrain", "tiny", "--corpus", corpus, "--run", run)
    _check_learning(run)
    _title("4. Export: two models for transformers")
    _electra("export", run, "--out", models)
    _title("5. Load them in transformers")
    _show(models, FOLDER / "text" / "python-topics.txt")
    _goodbye(time.monotonic() - began)


def _clear() -> None:
    """Remove the results of an earlier demo. Refuse a folder of the same name that holds anything else."""
    if FOLDER.exists() and {path.name for path in FOLDER.iterdir()} - {"text", "corpus", "run", "models"}:
        raise SystemExit(f"{FOLDER.absolute()}: is not an earlier demo; move it away, or go to another folder")
    shutil.rmtree(FOLDER, ignore_errors=True)


def _electra(*arguments: Any) -> None:
    command = ["electra", *map(str, arguments)]
    console.print(Text("$ " + " ".join(command), style="bold"))
    subprocess.run([sys.executable, "-m", "launch.cli", *command[1:]], check=True, env=ON_THE_CPU)


def _check_learning(run: Path) -> None:
    """Raise SystemExit unless both networks have clearly learned, by their scores on held-out rows.

    The text is that of the installed packages, and with it the scores change. So the AUC is compared with the highest
    that chance gives.
    """
    from pretrain.run.logs import read_metrics
    from pretrain.watch.learning import LOWEST_AUC

    *_, last = (line for line in read_metrics(run) if line["kind"] == "evaluation")
    for name, lowest in {"masked_accuracy": _LOWEST_MASKED_ACCURACY, "auc": LOWEST_AUC}.items():
        console.print(f"{name.replace('_', ' ')} on held-out rows: {last[name]:.3f} (at least {lowest})")
        if last[name] < lowest:
            raise SystemExit(f"the pair did not learn: {name} must be at least {lowest}")


def _show(models: Path, text: Path) -> None:
    """Print a few sentences, and mark the tokens that the generator replaced or the discriminator suspects."""
    import torch
    from transformers import AutoModelForMaskedLM, AutoModelForPreTraining, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(models / "discriminator")
    generator = AutoModelForMaskedLM.from_pretrained(models / "generator").eval()
    discriminator = AutoModelForPreTraining.from_pretrained(models / "discriminator").eval()
    torch.manual_seed(0)
    console.print("\n[green]replaced and suspected[/], [red]replaced and missed[/], [yellow]suspected wrongly[/]\n")
    for sentence in _sentences(text):
        original = tokenizer(sentence, return_tensors="pt", truncation=True, max_length=48)["input_ids"]
        slots = torch.rand(original.shape) < 0.2
        slots[:, [0, -1]] = False
        with torch.no_grad():
            logits = generator(original.masked_fill(slots, tokenizer.mask_token_id)).logits
            sampled = torch.distributions.Categorical(logits=logits).sample()
            corrupted = torch.where(slots, sampled, original)
            suspicion = discriminator(corrupted).logits[0]
        _print_sentence(tokenizer, original[0], corrupted[0], suspicion)


def _sentences(text: Path) -> list[str]:
    lines = [line for line in text.read_text(encoding="utf-8").split("\n") if 120 < len(line) < 240]
    return lines[:: len(lines) // _SENTENCES][:_SENTENCES]


def _print_sentence(tokenizer: Any, original: Any, corrupted: Any, suspicion: Any) -> None:
    """Print a sentence in colours.

    As many tokens count as suspected as were replaced: after little training the discriminator ranks tokens well, but
    gives few of them a probability above one half.
    """
    replaced = corrupted != original
    suspected = suspicion >= suspicion.topk(max(1, int(replaced.sum()))).values[-1]
    line = Text()
    for was, now, is_replaced, is_suspected in zip(original, corrupted, replaced, suspected, strict=True):
        style = {(True, True): "bold green", (True, False): "bold red", (False, True): "yellow"}
        word = tokenizer.convert_ids_to_tokens(int(now))
        if word in tokenizer.all_special_tokens and not is_replaced:
            continue
        shown = f"{word} ({tokenizer.convert_ids_to_tokens(int(was))})" if is_replaced else word
        continues = word.startswith("##") and not is_replaced
        line.append(
            shown.removeprefix("##") if continues else f" {shown}" if line else shown,
            style.get((bool(is_replaced), bool(is_suspected)), ""),
        )
    console.print(line, end="\n\n")


def _title(text: str) -> None:
    console.print(f"\n[bold cyan]{text}[/]")


def _goodbye(seconds: float) -> None:
    _title(f"Done in {seconds:.0f} s. To continue:")
    console.print(
        "the curves:               .venv/bin/tensorboard --logdir demo/run/tensorboard\n"
        "rows with their masks:    .venv/bin/electra inspect demo/corpus\n"
        "a report of the corpus:   demo/corpus/report.html\n"
        "your own text:            .venv/bin/electra prepare small --out CORPUS data.sources=DIR\n"
        "                          .venv/bin/electra pretrain small --corpus CORPUS --run RUN\n"
        "with the vocabulary of a\n"
        "released checkpoint:      add vocabulary.source=FOLDER to prepare",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
