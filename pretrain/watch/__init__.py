"""Whether a run is healthy: held-out scores, warnings, skipped steps."""
