"""Where searches look for θ, and where they start."""

from __future__ import annotations

START_MU = (12.8, 3.8)
"""Mean (μ_D, μ_ρ) of the paper's training set, where its searches start."""


MU_D_BOUNDS = (1.0, 40.0)


MU_RHO_BOUNDS = (1.0, 8.0)


ORIGIN_RADIUS_MM = 40.0
"""The origin is sought within this distance (per axis) of the visible tumour's centre of mass."""
