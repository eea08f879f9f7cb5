"""Scores of any model on the held-out rows of corpora, each with its interval."""
