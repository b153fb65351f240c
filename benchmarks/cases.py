"""The runs that are timed: crops of the default atlas, parameters as in published measurements of the peers."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from gliofit import Tissue
from gliofit.anatomy.atlas import download_sri24, load_sri24

FOLDER = Path(os.environ.get("GLIOFIT_BENCHMARKS", Path(__file__).parents[1] / "results" / "benchmarks"))
"""Where figures and json go; the atlas's wheel is kept there too."""

CASES = {
    # name: (voxels a side, mm, D mm²/day, ρ 1/day, days)
    "64³, 2 mm, 150 d": (64, 2.0, 0.4, 0.05, 150.0),
    "128³, 1 mm, 150 d": (128, 1.0, 0.4, 0.05, 150.0),
    "256³, 1 mm, 300 d": (256, 1.0, 0.13, 0.025, 300.0),
}


@lru_cache
def brain(spacing: float) -> Tissue:
    """SRI24 on its whole-brain working grid."""
    anatomy = load_sri24(download_sri24(FOLDER))
    return anatomy.tissue.working_grid(spacing)


@lru_cache
def case(name: str) -> tuple[Tissue, np.ndarray, float, float, float]:
    """Tissue, origin (mm, a voxel's centre in left frontal white matter), D, ρ, days."""
    side, spacing, diffusivity, growth, days = CASES[name]
    whole = brain(spacing)
    weights = whole.wm.copy()
    weights[: int(0.62 * whole.shape[0])] = 0
    origin = whole.to_world(np.round(whole.to_voxel(whole.centre_of_mass(weights))))
    tissue = whole.crop(whole.crop_offset(origin, (side,) * 3), (side,) * 3)
    return tissue, origin, diffusivity, growth, days
