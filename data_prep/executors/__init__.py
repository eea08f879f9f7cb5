"""Where the tasks of a corpus run: a file each. All of them leave the same marks, and the same bytes."""
