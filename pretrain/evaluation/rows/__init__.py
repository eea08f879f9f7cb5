"""How good a model of any kind is on the held-out rows of corpora, each score with its interval."""
