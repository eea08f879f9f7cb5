"""`electra evaluate`: scores of a model on held-out rows, or after fine-tuning on labelled tasks."""
