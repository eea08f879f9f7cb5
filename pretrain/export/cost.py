"""What a quantized network costs, for people: quality, size and speed beside those of the same network in fp32."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a network scores and takes in fp32 and in int8."""

    measure: str
    full: float
    quantized: float
    origin: str  # the examples that it was measured on, for people
    megabytes: tuple[float, float]  # of the files in fp32 and in int8
    seconds: tuple[float, float]  # of a text of `length` tokens on one thread of this machine
    length: int

    @property
    def lost(self) -> float:
        return self.full - self.quantized

    def __str__(self) -> str:
        scores = f"{self.measure} {self.full:.4f} in fp32 and {self.quantized:.4f} in int8 on {self.origin}"
        return f"int8: {scores}; {self.megabytes[0]:.1f} MB become {self.megabytes[1]:.1f} MB"

    @property
    def speed(self) -> str:
        full, quantized = (1000 * seconds for seconds in self.seconds)
        return f"int8: {full:.1f} ms become {quantized:.1f} ms for {self.length} tokens on one thread of this machine"
