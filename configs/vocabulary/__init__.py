"""This package reads the files of WordPiece vocabularies, in the same way for all other packages."""
