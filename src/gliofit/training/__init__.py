"""Training and release of the networks."""
