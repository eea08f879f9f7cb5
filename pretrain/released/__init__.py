"""Models that a run can begin with: a file for each format, and the same names of weights for all of them."""
