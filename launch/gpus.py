"""The table GPUS holds the memory, dense matrix rates and bandwidth that the makers' data sheets state for GPUs."""

from __future__ import annotations

from dataclasses import dataclass

from configs.common.errors import UserError, unknown
from configs.recipe import Recipe

# Large matrix products and copies reach these shares of the rates on the data sheet: 790 of 989 TFLOP/s and 4.3 of
# 4.8 TB/s on an H200.
PRODUCTS, BANDWIDTH = 0.8, 0.9
# This share of the memory is left for CUDA's context, NCCL, cuBLAS and fragmentation.
RESERVED = 0.1


@dataclass(frozen=True)
class Gpu:
    memory: float  # GiB
    bf16: float | None  # TFLOP/s of dense products summed in fp32; None if the GPU has no bf16 units
    fp32: float  # TFLOP/s without tensor cores; our fp32 products do not use them
    bandwidth: float  # GB/s between the GPU and its memory
    sheet: str

    def narrow(self, recipe: Recipe) -> int:
        """Return the bytes of each number that enters a matrix product: 2 in bf16, 4 in fp32.

        The choice is the same as in `pretrain.step.world.precision`.
        """
        wanted = recipe.compute.precision
        return 2 if wanted == "bf16" or (wanted == "auto" and self.bf16) else 4

    def sheet_flops(self, narrow: int) -> float:
        """Return the FLOP per second on the data sheet. A GPU without bf16 units gets its fp32 rate for bf16."""
        return 1e12 * (self.bf16 or self.fp32 if narrow == 2 else self.fp32)

    def flops(self, narrow: int) -> float:
        """Return the FLOP per second that large matrix products reach."""
        return PRODUCTS * self.sheet_flops(narrow)

    @property
    def bytes_per_second(self) -> float:
        return BANDWIDTH * 1e9 * self.bandwidth

    @property
    def usable(self) -> int:
        """Return the bytes of memory that training can use."""
        return int((1 - RESERVED) * self.memory * 2**30)


# Where a sheet states a rate with sparsity, we halve it: if the sheet says 1,979, the table says 989.
GPUS = {
    "h200": Gpu(141, 989, 67, 4800, "NVIDIA H200 Tensor Core GPU, SXM"),
    "h100": Gpu(80, 989, 67, 3350, "NVIDIA H100 Tensor Core GPU, SXM"),
    "h100-pcie": Gpu(80, 756, 51, 2000, "NVIDIA H100 Tensor Core GPU, PCIe"),
    "a100": Gpu(80, 312, 19.5, 2039, "NVIDIA A100 Tensor Core GPU, 80 GB SXM"),
    "a100-40": Gpu(40, 312, 19.5, 1555, "NVIDIA A100 Tensor Core GPU, 40 GB SXM"),
    "l40s": Gpu(48, 362, 91.6, 864, "NVIDIA L40S"),
    "l4": Gpu(24, 121, 30.3, 300, "NVIDIA L4"),
    "a10": Gpu(24, 125, 31.2, 600, "NVIDIA A10"),
    "rtx4090": Gpu(24, 165, 82.6, 1008, "NVIDIA Ada GPU Architecture, GeForce RTX 4090"),
    "rtx3090": Gpu(24, 71, 35.6, 936, "NVIDIA Ampere GA102 GPU Architecture, GeForce RTX 3090"),
    "v100": Gpu(32, None, 15.7, 900, "NVIDIA V100, 32 GB SXM2"),
    "v100-16": Gpu(16, None, 15.7, 900, "NVIDIA V100, 16 GB SXM2"),
    "t4": Gpu(16, None, 8.1, 300, "NVIDIA T4"),
}


def gpu_of(name: str) -> Gpu:
    """Return the GPU of this name. Raises UserError, which lists the known names, if there is none."""
    if name not in GPUS:
        raise UserError(f"--gpu: {unknown('GPU', name, GPUS)}")
    return GPUS[name]
