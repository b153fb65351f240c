"""Simulated tumours: the prior, shards of training samples, and made patients."""
