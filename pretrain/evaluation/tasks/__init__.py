"""Discriminators fine-tuned on labelled tasks, over several seeds, and compared with each other."""
