"""The folder of a run: checkpoints, logs, provenance, and what stops a run."""
