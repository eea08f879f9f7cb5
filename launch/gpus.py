"""GPUs, as their makers' data sheets state them: memory, dense rates of matrix products, memory bandwidth."""

from __future__ import annotations

from dataclasses import dataclass

from configs.common.errors import UserError, unknown
from configs.recipe import Recipe

# Of what the sheet states, the shares that large matrix products and copies reach: 790 of 989 TFLOP/s and 4.3 of
# 4.8 TB/s on an H200.
PRODUCTS, BANDWIDTH = 0.8, 0.9
# Of the memory, what is left to CUDA's context, NCCL, cuBLAS and fragmentation.
RESERVED = 0.1


@dataclass(frozen=True)
class Gpu:
    memory: float  # GiB
    bf16: float | None  # TFLOP/s, dense, added up in fp32; None: it does not compute in bf16
    fp32: float  # TFLOP/s outside the tensor cores, which fp32 does not use here
    bandwidth: float  # GB/s of its memory
    sheet: str

    def narrow(self, recipe: Recipe) -> int:
        """Bytes of what matrix products take, as `pretrain.step.world.precision` decides: 2 in bf16, 4 in fp32."""
        wanted = recipe.compute.precision
        return 2 if wanted == "bf16" or (wanted == "auto" and self.bf16) else 4

    def sheet_flops(self, narrow: int) -> float:
        """FLOP per second as stated; for bf16 where there are no units for it, those of fp32."""
        return 1e12 * (self.bf16 or self.fp32 if narrow == 2 else self.fp32)

    def flops(self, narrow: int) -> float:
        """FLOP per second that large matrix products reach."""
        return PRODUCTS * self.sheet_flops(narrow)

    @property
    def bytes_per_second(self) -> float:
        return BANDWIDTH * 1e9 * self.bandwidth

    @property
    def usable(self) -> int:
        """Bytes for training."""
        return int((1 - RESERVED) * self.memory * 2**30)


# Rates with sparsity are halved: 989 where a sheet says 1,979.
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
    """Raises UserError that lists those there are."""
    if name not in GPUS:
        raise UserError(f"--gpu: {unknown('GPU', name, GPUS)}")
    return GPUS[name]
