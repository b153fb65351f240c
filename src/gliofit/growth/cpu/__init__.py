"""The solver on a CPU."""
