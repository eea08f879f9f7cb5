"""Weights of the pair in the forms that other software loads."""
