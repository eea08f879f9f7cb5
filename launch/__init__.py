"""This package holds the `electra` command and starts jobs on clusters. Importing it does not import torch."""
