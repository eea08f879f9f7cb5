"""Count the operators, FLOPs and bytes of a step, without a GPU and without memory for its tensors.

    python -m benchmarks.operators

The step runs on torch's "meta" device, where tensors have shapes and no values. It takes the branches that a GPU takes
with the masked attention. An operator that would make the CPU wait for a value, such as `.item()`, raises an error
there. On a GPU in eager mode, every operator that is not a view launches at least one kernel, so its number is the
lower bound of the launches of a step. FLOPs are those of the matrix products as executed: with the attention over whole
rows, and with the padding of the vocabulary. Bytes are those that the operators read and write, if none of them are
fused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from configs.load import load
from configs.recipe import Recipe
from pretrain.model.batch import Batch
from pretrain.model.pair import ElectraPair
from pretrain.step.engine import only_finite
from pretrain.step.measures import sums_of
from pretrain.step.optim import ElectraAdam
from pretrain.step.parameter_groups import pair_groups

RECIPES = ("tiny", "small", "base", "large", "zh_small_ex")


@dataclass
class Counts:
    """The totals of a part of a step."""

    operators: Counter[str] = field(default_factory=Counter)  # the number of calls that are not views, by name
    bytes: int = 0
    flops: int = 0


class _Counting(TorchDispatchMode):
    def __init__(self, counts: Counts):
        super().__init__()
        self.counts = counts

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        # A view and an operator that only allocates launch no kernel.
        if not func.is_view and not func.name().startswith(("aten::detach", "aten::empty", "aten::_unsafe_view")):
            self.counts.operators[func.name()] += 1
            tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)]
            self.counts.bytes += sum(tensor.numel() * tensor.itemsize for tensor in tensors)
        return result


def count(recipe: Recipe, rows: int) -> dict[str, Counts]:
    """Count the parts of a step of `rows` rows on the meta device, by their names."""
    parts: dict[str, Counts] = {}
    with torch.device("meta"):
        for name, run in step_of(recipe, rows):
            parts[name] = counts = Counts()
            with FlopCounterMode(display=False) as flops, _Counting(counts):
                run()
            counts.flops = flops.get_total_flops()
    return parts


def step_of(recipe: Recipe, rows: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Make a pair, its optimizer and a batch on the default device, and yield the parts of a step to be called.

    The step is that of the engine in fp32 without ZeRO, by the same functions, but without DeepSpeed around it. The
    gradients are clipped between two parts, because torch clips them with few operators on a GPU and with many on the
    meta device.
    """
    pair, batch = ElectraPair(recipe).train(), empty_batch(recipe, rows)
    adam = ElectraAdam(pair_groups(pair, recipe.optimizer, recipe.initial), recipe.optimizer)
    for group in adam.param_groups:
        for parameter in group["params"]:
            adam.state_of(parameter, group)
    losses: list[Tensor] = []

    def forward() -> None:
        output = pair(batch, {name: 1.0 for name, _ in pair.named_objectives()})
        sums_of(output)
        losses.append(only_finite(output.loss))

    yield "forward", forward
    yield "backward", lambda: losses[0].backward()
    norm = torch.nn.utils.clip_grad_norm_(pair.parameters(), recipe.optimizer.clip_norm)
    adam.found_inf = (~norm.isfinite()).float()
    yield "update", adam.step


def empty_batch(recipe: Recipe, rows: int) -> Batch:
    """Return a batch of zeros in the shapes of a training batch, with each row filled by a single example."""
    length, candidates = recipe.data.row_length, recipe.corruption.candidates
    slots = recipe.masking.slots(length)
    tokens, at_slots = torch.zeros(rows, length, dtype=torch.long), torch.zeros(rows, slots, dtype=torch.long)
    return Batch(
        tokens=tokens,
        segments=tokens,
        positions=tokens,
        examples=tokens,
        borders=torch.zeros(rows + 1, dtype=torch.int32),
        slots=at_slots,
        filled=torch.zeros(rows, slots, dtype=torch.bool),
        shown=at_slots,
        uniforms=torch.zeros(rows, slots, 2, dtype=torch.float64),
        candidate_uniforms=torch.zeros(rows, slots, candidates, 2, dtype=torch.float64),
    )


def main() -> None:
    print(f"torch {torch.__version__}, fp32, masked attention, 32 rows")
    print(
        "| recipe | row length | forward | backward | update | GFLOP | GB moved | most frequent in the forward pass |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---|")
    for name in RECIPES:
        recipe = load(name)
        parts = count(recipe, rows=32)
        operators = " | ".join(f"{counts.operators.total():,}" for counts in parts.values())
        flops, moved = (sum(getattr(counts, what) for counts in parts.values()) / 1e9 for what in ("flops", "bytes"))
        most = ", ".join(f"{key.removeprefix('aten::')} {n}" for key, n in parts["forward"].operators.most_common(3))
        print(f"| `{name}` | {recipe.data.row_length} | {operators} | {flops:,.0f} | {moved:,.1f} | {most} |")


if __name__ == "__main__":
    main()
