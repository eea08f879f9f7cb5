"""The reading of a labelled task: the files of a folder become examples of one kind."""
