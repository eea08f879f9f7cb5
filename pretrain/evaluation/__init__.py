"""What a model is worth: on held-out rows, and on labelled tasks."""
