"""Numbers of the Fisher–Kolmogorov models that searches, priors and networks share, each in this one place."""

from __future__ import annotations

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array

GREY_MATTER_RATIO = 10.0
"""R = D_w / D_g: cells spread ten times slower in grey matter (Weidner 2026, Sec. 2.1)."""

MU_D_BOUNDS = (1.0, 40.0)
"""μ_D (mm) that searches try: below, fronts are thinner than any working grid's voxel; above, as wide as a lobe."""

MU_RHO_BOUNDS = (1.0, 8.0)
"""μ_ρ that searches try: exp(μ_ρ²) is how many times free cells multiply, from 3 to 10²⁸."""

START_MU = (12.8, 3.8)
"""Mean (μ_D, μ_ρ) of the paper's training set, where its searches start."""

PRIOR_MU_D = (2.0, 25.0)
"""μ_D (mm) of simulated tumours. Above 25 mm hardly any has a volume that is seen."""

PRIOR_MU_RHO = (1.5, 6.0)
"""μ_ρ of simulated tumours. Below 1.5 a seed hardly grows; above 6 tumours of a seen volume have μ_D < 5 mm only."""


def relative_diffusivity(tissue: Tissue, ratio: float = GREY_MATTER_RATIO) -> Array:
    """D / D_w = p_WM + p_GM / R inside tissue, 0 outside; float32 [x, y, z]."""
    return np.where(tissue.mask, tissue.wm + tissue.gm / np.float32(ratio), np.float32(0))
