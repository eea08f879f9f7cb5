"""Continue a BERT by masked language modelling with transformers, as its example run_mlm.py does.

    python -m benchmarks.mlm MODEL --corpus CORPUS --out FOLDER --steps 300 --rate 1e-4

The model is transformers' BertForMaskedLM, the masks are drawn by its DataCollatorForLanguageModeling, the optimizer is
torch's AdamW with a linear schedule, and the rows are the training rows of a corpus, so that RTD and MLM get the same
text. Unlike run_mlm.py the head is applied to the masked positions alone: the loss and its gradients are the same, and
a comparison for equal FLOPs gives MLM more steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import transformers
import typer
from torch import nn

from configs.common.files import whole_folder
from data_prep.shards import Corpus


def main(
    model: Annotated[Path, typer.Argument(help="A folder of transformers.")],
    corpus: Annotated[Path, typer.Option(help="Its training rows are used.")],
    out: Annotated[Path, typer.Option(help="A new folder for the model.")],
    steps: Annotated[int, typer.Option()],
    rate: Annotated[float, typer.Option(help="The highest learning rate.")],
    rows: Annotated[int, typer.Option(help="Of a batch.")] = 32,
    warmup: Annotated[float, typer.Option(help="The share of the steps in which the rate rises.")] = 0.1,
    bf16: bool = False,
    seed: int = 1,
) -> None:
    transformers.set_seed(seed)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    network = transformers.BertForMaskedLM.from_pretrained(model)
    train(network, batches(Corpus(corpus), tokenizer, rows, seed), steps, rate, warmup, bf16)
    with whole_folder(out) as folder:
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def batches(corpus: Corpus, tokenizer: Any, size: int, seed: int) -> Iterator[Any]:
    """Yield batches of rows without end, masked when they are drawn."""
    collator = transformers.DataCollatorForLanguageModeling(tokenizer)
    order = np.random.default_rng(seed)
    while True:
        numbers = order.permutation(corpus.num_rows("train"))
        for first in range(0, len(numbers) - size + 1, size):
            read = corpus.read("train", numbers[first : first + size])
            examples = [row["tokens"][: row["length"]].tolist() for row in read]
            yield collator([{"input_ids": tokens, "attention_mask": [1] * len(tokens)} for tokens in examples])


def train(network: Any, data: Iterator[Any], steps: int, rate: float, warmup: float, bf16: bool) -> None:
    optimizer = torch.optim.AdamW(_groups(network), lr=rate)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, int(warmup * steps), steps)
    network.train()
    for step in range(steps):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = masked_loss(network, next(data))
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 20 == 0 or step == steps - 1:
            print(f"step {step + 1}/{steps}  loss {loss.item():.4f}", flush=True)


def masked_loss(network: Any, batch: Any) -> torch.Tensor:
    """Return the loss of `network(**batch)`, with the head applied to the masked positions alone."""
    masked = batch["labels"] != -100
    states = network.bert(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    return nn.functional.cross_entropy(network.cls(states[masked]).float(), batch["labels"][masked])


def _groups(network: nn.Module) -> list[dict[str, Any]]:
    """Weight decay as the Trainer of transformers applies it: to all matrices, and not to biases and LayerNorms."""
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    vectors = [weight for weight in network.parameters() if weight.ndim == 1]
    return [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]


if __name__ == "__main__":
    typer.run(main)
