"""Searches that methods share: Levenberg–Marquardt, L-BFGS, CMA-ES."""
