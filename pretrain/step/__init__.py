"""The computation of a training step: its processes, batches, DeepSpeed, the optimizer, and the cost of a step."""
