"""Shards to checkpoints to exported models."""
