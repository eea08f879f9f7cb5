"""The words of the options of `electra export`. This file imports nothing heavy, because every command reads it."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    both = "both"
    discriminator = "discriminator"
    generator = "generator"


class Weights(StrEnum):
    raw = "raw"
    average = "average"


class Format(StrEnum):
    huggingface = "huggingface"
    bert = "bert"
    tensorflow = "tensorflow"
    paddle = "paddle"
    onnx = "onnx"


class Quantization(StrEnum):
    int8 = "int8"
