"""Text to masked shards. Never imports torch."""
