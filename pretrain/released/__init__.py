"""Models that others trained, or we, as what a run begins with: a file for each format, all read to the same names."""
