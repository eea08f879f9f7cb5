"""All calls of DeepSpeed are made here: they compute optimizer steps, and save and load the tensors of checkpoints."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from configs.recipe import Recipe
from pretrain.model.batch import Batch
from pretrain.model.pair import Counts, ElectraPair
from pretrain.step import compilation
from pretrain.step.average import WeightAverage
from pretrain.step.deepspeed_config import configuration, refused
from pretrain.step.deepspeed_import import import_deepspeed
from pretrain.step.gradient_norms import GradientNorms
from pretrain.step.measures import Measures, measures_of, sums_of
from pretrain.step.muon import MuonWithAdam
from pretrain.step.optim import MOMENTS, ElectraAdam
from pretrain.step.parameter_groups import pair_groups
from pretrain.step.skip_count import SkipCount
from pretrain.step.world import World, precision

# A checkpoint has a file NAME.safetensors for each of these names. It holds every parameter, whole and in fp32.
WEIGHTS = "weights"
# The file of the average of the weights, if the recipe asks for one.
AVERAGE = "average"


class Engine:
    """A DeepSpeed engine with a single module, a single optimizer and a scalar loss."""

    def __init__(self, pair: ElectraPair, recipe: Recipe, world: World):
        self._deepspeed = import_deepspeed(world)
        self.recipe, self.world = recipe, world
        pair = pair.to(world.device)
        compilation.compile_layers(pair, recipe.compute.compile, world)
        self._adam = _optimizer(pair, recipe, world)
        self._moments = {
            parameter: group["moments"] for group in self._adam.param_groups for parameter in group["params"]
        }
        self.skips = SkipCount(world.device)
        self.num_parameters = sum(weight.numel() for weight in pair.parameters())
        config = configuration(recipe, world, sum(weight.numel() for weight in self._moments))
        try:
            if recipe.deepspeed:
                self._deepspeed.init_distributed(dist_init_required=False)  # else it counts no processes
                self._deepspeed.DeepSpeedConfig(config)
            self._engine, _, _, _ = self._deepspeed.initialize(
                model=pair, optimizer=self._adam, config=config, dist_init_required=False
            )
        except Exception as error:  # for a value that DeepSpeed does not check, any exception is possible
            if not recipe.deepspeed:
                raise
            raise refused(recipe, error) from error
        if world.size == 1 and not recipe.compute.zero_stage:
            # DeepSpeed would copy all gradients into a buffer, sum them over a single process, and copy them back.
            self._engine.enable_backward_allreduce = False
        if isinstance(self._adam, MuonWithAdam) and recipe.compute.zero_stage:
            self._adam.take_layout(self._engine.optimizer, world)
        self._make_moments()
        self._norms = GradientNorms(self._trained())
        decay = recipe.optimizer.average_decay
        self.average = WeightAverage(self.pair, decay) if decay else None

    @property
    def pair(self) -> ElectraPair:
        return self._engine.module

    @property
    def description(self) -> str:
        """A readable description of the processes, the device, the precision and the ZeRO stage."""
        dtype = str(precision(self.recipe.compute.precision, self.world.device)).removeprefix("torch.")
        processes = "1 process" if self.world.size == 1 else f"{self.world.size} processes"
        return f"{processes}, {self.world.device.type}, {dtype}, ZeRO {self.recipe.compute.zero_stage}"

    def step(
        self,
        batches: list[Batch],
        rate: float,
        *,
        measure: bool,
        generator_alone: bool = False,
        temperature: float | None = None,
    ) -> Measures | None:
        """Take one optimizer step over this process's micro-batches, and return its measures if `measure` is true.

        If the loss or the gradient is not finite on any process, the step changes neither weights nor moments. The CPU
        waits for the device only to measure.
        """
        self.pair.train()
        counts, num_tokens = self._counts(batches)
        self._set_rate(rate, generator_alone)
        sums: list[Tensor] = []
        for batch in batches:
            # Steps of a growing batch have different numbers of micro-batches, and DeepSpeed would count to one number.
            self._engine.set_gradient_accumulation_boundary(batch is batches[-1])
            compilation.begin_batch(self.recipe.compute.compile)
            output = self._engine(batch.to(self.world.device), counts, temperature)
            # DeepSpeed divides by the number of processes, but `counts` already covers all processes.
            self._engine.backward(only_finite(output.loss) * self.world.size, scale_wrt_gas=False)
            if measure:
                sums.append(sums_of(output))
            if batch is not batches[-1]:
                self._engine.step()
        part_norms = self._part_norms() if measure else {}
        norm = self._update()
        if self.average:
            self.average.update(norm)
        if not measure:
            return None
        sums_of_step = self.world.sum(torch.stack(sums).sum(0))
        return measures_of(counts, num_tokens, sums_of_step, norm, part_norms, self.skips.total)

    def _counts(self, batches: list[Batch]) -> tuple[Counts, float]:
        """The number of predictions of each objective, and of tokens, in the whole step, over all processes."""
        counts, num_tokens = self.pair.counts(batches), sum(int(batch.real.sum()) for batch in batches)
        shared = self.world.sum_on_hosts(torch.tensor([*counts.values(), num_tokens], dtype=torch.float64))
        *predictions, tokens = shared.tolist()
        return dict(zip(counts, predictions, strict=True)), tokens

    def _update(self) -> Tensor:
        """Clip the gradients and update the weights. Return the norm before clipping, which all processes share.

        ZeRO clips gradients and skips steps by itself. Without ZeRO, DeepSpeed would clip without telling the norm, and
        it would never skip a step.
        """
        if self.recipe.compute.zero_stage:
            self._engine.step()
            norm = torch.as_tensor(self._engine.get_global_grad_norm(), device=self.world.device)
        else:
            self._fill_gradients()
            norm = torch.nn.utils.clip_grad_norm_(self.pair.parameters(), self.recipe.optimizer.clip_norm)
            self._adam.found_inf = (~norm.isfinite()).float()
            self._engine.step()
        self.skips.add(norm)
        return norm

    def _part_norms(self) -> dict[str, Tensor]:
        """The norm of the gradient of each part, over all processes. If ZeRO offloads gradients, there are none."""
        if not self.recipe.compute.zero_stage:
            gradients = ((weight, weight.grad) for _, weight in self._trained() if weight.grad is not None)
            squares = self._norms.squares(gradients, self.world.device)
        elif not any((fragments := self._engine.optimizer.averaged_gradients).values()):
            return {}
        else:
            # Each process has fragments of gradients, which may end with padding.
            weights = self._engine.optimizer.params_in_partition
            pairs = (pair for group in fragments for pair in zip(weights[group], fragments[group], strict=False))
            squares = self.world.sum(self._norms.squares(pairs, self.world.device))
        return dict(zip(self._norms.parts, squares.sqrt(), strict=True))

    def _fill_gradients(self) -> None:
        """Give a weight that no objective uses a gradient of 0, as DeepSpeed does where it sums over processes."""
        for _, weight in self._trained():
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)

    def _set_rate(self, rate: float, generator_alone: bool) -> None:
        for group in self._engine.optimizer.param_groups:
            group["lr"] = 0.0 if generator_alone and group["waits"] else rate * group["scale"]

    def weights_are_finite(self) -> bool:
        """Whether all weights are finite in all processes. Too high a learning rate can make them infinite."""
        return not self.world.any(not torch.stack([weight.isfinite().all() for weight in self.pair.parameters()]).all())

    @property
    def checkpoint_bytes(self) -> int:
        """The approximate size of a checkpoint in bytes.

        It holds the weights and their average, and the moments of each weight that is trained, all in fp32.
        """
        moments = sum(len(moments) * weight.numel() for weight, moments in self._moments.items())
        return (8 if self.average else 4) * self.num_parameters + 4 * moments

    def save(self, folder: Path) -> None:
        """Write weights and moments below `folder`. All processes call this method.

        The files are the same for any number of processes and any ZeRO stage.
        """
        for part in (WEIGHTS, *MOMENTS):
            tensors: dict[str, Tensor] = {}
            for name, parameter in self.pair.named_parameters() if part == WEIGHTS else self._with_moment(part):
                tensor = self._gather(parameter, part)
                if self.world.is_main:
                    tensors[name] = tensor.detach().to("cpu", torch.float32, copy=True)
            if self.world.is_main:
                tensors_file(folder, part).write_bytes(save(tensors))
        if self.average and self.world.is_main:
            averages = {name: tensor.cpu() for name, tensor in self.average.tensors.items()}
            tensors_file(folder, AVERAGE).write_bytes(save(averages))

    def load(self, folder: Path, *, updates: int, skipped: int) -> None:
        """Read the files that `save` wrote with any number of processes and any ZeRO stage.

        The caller has verified the files. `updates` counts the updates of the weights so far, and `skipped` counts the
        steps of this run that changed nothing.
        """
        self.pair.load_state_dict(load_file(tensors_file(folder, WEIGHTS)))
        self.skips.restore(skipped)
        if self.average:
            path = tensors_file(folder, AVERAGE)
            self.average.restore(load_file(path) if path.is_file() else None, updates)
        for state in self._adam.state.values():
            state["step"].fill_(updates)
        if self.recipe.compute.zero_stage:
            # Under ZeRO each process updates an fp32 copy of its fragment of the weights, so the copy is refreshed.
            self._engine.optimizer.refresh_fp32_params()
        for part in MOMENTS:
            with safe_open(tensors_file(folder, part), framework="pt") as tensors:
                for name, parameter in self._with_moment(part):
                    self._put(parameter, part, tensors.get_tensor(name))

    def _trained(self) -> list[tuple[str, nn.Parameter]]:
        """The parameters that are trained, by name: all but those of a frozen generator."""
        return [(name, parameter) for name, parameter in self.pair.named_parameters() if parameter.requires_grad]

    def _with_moment(self, moment: str) -> list[tuple[str, nn.Parameter]]:
        """The parameters that have this moment, by name. Muon has only the first."""
        return [(name, parameter) for name, parameter in self._trained() if moment in self._moments[parameter]]

    def _make_moments(self) -> None:
        """Make the moments before the first step, so that a checkpoint can be read into them.

        By default, ZeRO links moments to parameters after it has updated its first group. At that time the other groups
        have no moments.
        """
        for group in self._adam.param_groups:
            for parameter in group["params"]:
                self._adam.state_of(parameter, group)
        if self.recipe.compute.zero_stage:
            self._engine.optimizer._lazy_init_hp_params_optimizer_state()

    def _gather(self, parameter: nn.Parameter, part: str) -> Tensor:
        """A weight or one of its moments, whole. Under ZeRO the fragments of a moment come from all processes."""
        if part == WEIGHTS:
            return parameter
        if self.recipe.compute.zero_stage:
            return self._deepspeed.utils.safe_get_full_optimizer_state(parameter, part)
        return self._adam.state[parameter][part]

    def _put(self, parameter: nn.Parameter, part: str, moment: Tensor) -> None:
        """Copy a moment into the optimizer. Under ZeRO, copy this process's fragment of the moment."""
        if self.recipe.compute.zero_stage:
            self._deepspeed.utils.safe_set_full_optimizer_state(parameter, moment, part)
        else:
            self._adam.state[parameter][part].copy_(moment)


def _optimizer(pair: ElectraPair, recipe: Recipe, world: World) -> ElectraAdam:
    groups = pair_groups(pair, recipe.optimizer, recipe.initial)
    if recipe.optimizer.matrices == "adam":
        return ElectraAdam(groups, recipe.optimizer)
    return MuonWithAdam(groups, recipe.optimizer, precision(recipe.compute.precision, world.device))


def only_finite(loss: Tensor) -> Tensor:
    """The loss. If it is not finite, its gradient is made NaN, so that the norm of the gradients tells all processes.

    The gradient of an infinite loss may be finite: the gradient of a cross-entropy never exceeds 1.
    """
    return loss * torch.where(loss.detach().isfinite(), 1.0, torch.nan)


def tensors_file(folder: Path, part: str) -> Path:
    return folder / f"{part}.safetensors"
