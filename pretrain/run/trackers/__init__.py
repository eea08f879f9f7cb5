"""Trackers show a run in other programs: one file for each program, which is imported when a recipe names it."""
