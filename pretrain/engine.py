"""DeepSpeed, and the only file that knows it: its configuration, a step, its checkpoints."""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from configs.errors import UserError
from configs.recipe import Recipe
from pretrain.batch import Batch
from pretrain.loader import micro_rows
from pretrain.optim import ElectraAdam, parameter_groups
from pretrain.pair import Counts, ElectraPair, Output
from pretrain.world import World, precision

# A checkpoint's tensors: for each of these a file, NAME.safetensors, of every parameter by its name, whole and in fp32.
WEIGHTS = "weights"
MOMENTS = ("exp_avg", "exp_avg_sq")
# Tables of DeepSpeed's that would silently replace what the recipe says of precision, optimizer and schedule.
_DECIDED_ELSEWHERE = ("bf16", "fp16", "amp", "optimizer", "scheduler", "data_types", "communication_data_type")


@dataclass(frozen=True)
class Measures:
    """Of one optimizer step over the whole batch."""

    losses: dict[str, float]  # each objective's mean, unweighted
    total: float  # the weighted sum
    gradient_norm: float  # before clipping
    masked_accuracy: float  # share of slots whose most likely token is the original
    sampled_accuracy: float  # share of slots whose sample is the original
    replaced_share: float  # share of tokens that the generator replaced


class Engine:
    """One module, one optimizer, one scalar loss, one DeepSpeed engine."""

    def __init__(self, pair: ElectraPair, recipe: Recipe, world: World):
        self._deepspeed = _import_deepspeed(world)
        self.recipe, self.world = recipe, world
        self._adam = ElectraAdam(parameter_groups(pair, recipe.optimizer.weight_decay), recipe.optimizer)
        self._engine, _, _, _ = self._deepspeed.initialize(
            model=pair.to(world.device),
            optimizer=self._adam,
            config=configuration(recipe, world),
            dist_init_required=False,
        )
        self._make_moments()

    @property
    def pair(self) -> ElectraPair:
        return self._engine.module

    @property
    def description(self) -> str:
        """Processes, device, precision and ZeRO stage, for people."""
        dtype = str(precision(self.recipe.compute.precision, self.world.device)).removeprefix("torch.")
        processes = "1 process" if self.world.size == 1 else f"{self.world.size} processes"
        return f"{processes}, {self.world.device.type}, {dtype}, ZeRO {self.recipe.compute.zero_stage}"

    def step(self, batches: list[Batch], rate: float, *, measure: bool) -> Measures | None:
        """One optimizer step over this process's micro-batches of the batch, and what it measured if that is wanted.

        Only measuring waits for the device.
        """
        pair = self.pair.train()
        counts = self._counts(batches)
        sums: list[Tensor] = []
        norm: Tensor | None = None
        for batch in batches:
            output = self._engine(batch.to(self.world.device), counts)
            self._last_loss = output.loss.detach()
            # DeepSpeed takes the mean over processes, and the counts already cover all of them.
            self._engine.backward(output.loss * self.world.size, scale_wrt_gas=False)
            if measure:
                sums.append(_sums_of(output))
            if batch is batches[-1]:
                norm = self._clip()
                self._set_rate(rate)
            self._engine.step()
        if not measure:
            return None
        gradient_norm = float(self._engine.get_global_grad_norm() if norm is None else norm)
        return _measures(list(pair.objectives), counts, self.world.sum(torch.stack(sums).sum(0)), gradient_norm)

    def _counts(self, batches: list[Batch]) -> Counts:
        """The predictions of the whole step, over all processes."""
        counts = self.pair.counts(batches)
        shared = self.world.sum_on_hosts(torch.tensor(list(counts.values()), dtype=torch.float64))
        return dict(zip(counts, shared.tolist(), strict=True))

    def _clip(self) -> Tensor | None:
        """Clip over all parameters. ZeRO does it itself; without ZeRO DeepSpeed would clip but not tell the norm."""
        if self.recipe.compute.zero_stage:
            return None
        return torch.nn.utils.clip_grad_norm_(self.pair.parameters(), self.recipe.optimizer.clip_norm)

    def _set_rate(self, rate: float) -> None:
        for group in self._engine.optimizer.param_groups:
            group["lr"] = rate

    def is_finite(self) -> bool:
        """Whether the last loss and every weight are numbers, in all processes."""
        values = [self._last_loss, *self.pair.parameters()]
        return not self.world.any(not torch.stack([value.isfinite().all() for value in values]).all())

    def save(self, folder: Path) -> None:
        """Write weights and moments below `folder`: the same files for any layout. All processes call it."""
        for part in (WEIGHTS, *MOMENTS):
            whole: dict[str, Tensor] = {}
            for name, parameter in self.pair.named_parameters():
                tensor = self._whole(parameter, part)
                if self.world.is_main:
                    whole[name] = tensor.detach().to("cpu", torch.float32, copy=True)
            if self.world.is_main:
                tensors_file(folder, part).write_bytes(save(whole))

    def load(self, folder: Path, updates: int) -> None:
        """Read what `save` wrote after so many updates, in whatever layout. The caller has verified the files."""
        self.pair.load_state_dict(load_file(tensors_file(folder, WEIGHTS)))
        for state in self._adam.state.values():
            state["step"].fill_(updates)
        if self.recipe.compute.zero_stage:
            # It updates a fragment of the weights that is its own.
            self._engine.optimizer.refresh_fp32_params()
        for part in MOMENTS:
            with safe_open(tensors_file(folder, part), framework="pt") as tensors:
                for name, parameter in self.pair.named_parameters():
                    self._put(parameter, part, tensors.get_tensor(name))

    def _make_moments(self) -> None:
        """Before the first step, so that a checkpoint can be read into them.

        ZeRO links them to the parameters after it has updated its first group, when other groups had none yet.
        """
        for group in self._adam.param_groups:
            for parameter in group["params"]:
                self._adam.state_of(parameter)
        if self.recipe.compute.zero_stage:
            self._engine.optimizer._lazy_init_hp_params_optimizer_state()

    def _whole(self, parameter: nn.Parameter, part: str) -> Tensor:
        """A weight, or one of its moments; under ZeRO those lie in fragments, which all processes bring together."""
        if part == WEIGHTS:
            return parameter
        if self.recipe.compute.zero_stage:
            return self._deepspeed.utils.safe_get_full_optimizer_state(parameter, part)
        return self._adam.state_of(parameter)[part]

    def _put(self, parameter: nn.Parameter, part: str, moment: Tensor) -> None:
        """Take over a moment, or under ZeRO the fragment of it that is this process's."""
        if self.recipe.compute.zero_stage:
            self._deepspeed.utils.safe_set_full_optimizer_state(parameter, moment, part)
        else:
            self._adam.state_of(parameter)[part].copy_(moment)


def _sums_of(output: Output) -> Tensor:
    """[objectives + 4]: each loss, the weighted total, slots, slots predicted right, slots sampled right."""
    return torch.stack([*output.sums.values(), output.loss.detach(), *output.forward.slot_counts()]).double()


def _measures(names: list[str], counts: Counts, sums: Tensor, norm: float) -> Measures:
    *losses, total, slots, correct, original = sums.tolist()
    return Measures(
        losses={name: value / max(1.0, counts[name]) for name, value in zip(names, losses, strict=True)},
        total=total,
        gradient_norm=norm,
        masked_accuracy=correct / max(1.0, slots),
        sampled_accuracy=original / max(1.0, slots),
        replaced_share=(slots - original) / counts["rtd"] if "rtd" in counts else 0.0,
    )


def tensors_file(folder: Path, part: str) -> Path:
    return folder / f"{part}.safetensors"


def configuration(recipe: Recipe, world: World) -> dict[str, Any]:
    """DeepSpeed's dictionary, from the recipe alone; raises UserError when `[deepspeed]` contradicts it."""
    micro = micro_rows(recipe, world.size)
    dtype = precision(recipe.compute.precision, world.device)
    ours: dict[str, Any] = {
        "train_batch_size": recipe.batch.rows,
        "train_micro_batch_size_per_gpu": micro,
        "gradient_accumulation_steps": recipe.batch.rows // (micro * world.size),
        "zero_optimization": {"stage": recipe.compute.zero_stage},
        "zero_allow_untested_optimizer": True,
        "gradient_clipping": recipe.optimizer.clip_norm if recipe.compute.zero_stage else 0.0,
        # Weights stay fp32, and matrix products run in bf16: what a checkpoint holds is exact either way.
        # No module is called safe for lower precision, so that ZeRO adds gradients up in fp32 too.
        "torch_autocast": {
            "enabled": dtype == torch.bfloat16,
            "dtype": "bfloat16",
            "lower_precision_safe_modules": [],
        },
        "steps_per_print": None,
    }
    return _add(ours, recipe.deepspeed, f"{recipe.name}: deepspeed.")


def _add(ours: dict[str, Any], more: dict[str, Any], where: str) -> dict[str, Any]:
    """`more` beside what the recipe decides; raises UserError for a key of it that the recipe decides."""
    merged = dict(ours)
    for key, value in more.items():
        mine = ours.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            merged[key] = _add(mine, value, f"{where}{key}.")
        elif mine not in (None, value) or key in _DECIDED_ELSEWHERE:
            raise UserError(f"{where}{key}: the recipe's own tables decide this; leave it out")
        else:
            merged[key] = value
    return merged


def _import_deepspeed(world: World) -> Any:
    """Import it late, because it takes seconds, and quiet: it reports by the page what the recipe already says."""
    os.environ.setdefault("DS_ACCELERATOR", world.device.type)
    os.environ.setdefault("LOCAL_RANK", "0")
    warnings.filterwarnings("ignore", category=FutureWarning, module="torch.distributed")
    logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    import deepspeed
    import deepspeed.ops

    # Importing it sets the level anew.
    logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    # An all-reduce through shared memory that would be compiled at the first start on a CPU.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    return deepspeed
