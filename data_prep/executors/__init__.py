"""The executors of a corpus's tasks, each in a file: on this machine, on Slurm and on Ray.

Every executor leaves the same marks of finished tasks, and writes the same bytes.
"""
