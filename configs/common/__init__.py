"""All packages use these modules: errors, files, keyed randomness, the command line."""
