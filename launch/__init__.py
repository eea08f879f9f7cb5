"""The `electra` command, and jobs on clusters. Never imports torch when it is imported."""
