"""A labelled task is read: from the files of a folder to examples of one kind."""
