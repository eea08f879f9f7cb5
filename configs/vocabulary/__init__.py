"""WordPiece vocabularies as people have them: the files that every room reads in the same way."""
