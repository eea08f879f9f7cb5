"""What a run is: recipes, and the few things that every room shares. Never imports torch."""
