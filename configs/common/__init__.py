"""What every room uses: errors, files, keyed randomness, the command line."""
