"""The measuring stick of `benchmarks.record`: tracks, levers, runs, and what the reference needs for the same score."""
