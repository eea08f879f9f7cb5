"""From files as people have them to documents."""
