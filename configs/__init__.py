"""This package defines recipes, and holds the code that all packages share. It never imports torch."""
