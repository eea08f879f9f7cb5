"""How good a model is: on held-out rows, and fine-tuned on labelled tasks."""
