"""Released models that a run can begin with. Each format has its own module; all give weights by the same names."""
