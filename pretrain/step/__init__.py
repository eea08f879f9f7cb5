"""How a step is computed: processes, batches, DeepSpeed, the optimizer, its cost."""
