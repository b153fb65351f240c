"""
Scans of a density that are drawn from the likelihood of Bayesian calibration (Ezhov 2021, Eqs. 5–7).

Each voxel of tissue is labelled by chance, by the double logistic of its density, and has an uptake with normal noise.
A posterior of such a scan can be held against the truth: its intervals should hold it as often as they say.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget
from gliofit.observation.thresholds import FITTED

IMAGING = {
    "threshold_core": FITTED.core,
    "threshold_whole": (0.15, 0.5),
    "pet_scale": (0.8, 1.02),
    "pet_background": (0.0, 0.3),
    "sigma_alpha": (0.05, 0.12),
    "sigma": (0.05, 0.1),
}
"""
Ranges; uniform in the logarithm, but for the background, which may be 0. Labels far from the tumour are rare, and no
uptake is far above 1.
"""


def draw_imaging(rng: np.random.Generator, ranges: Mapping[str, tuple[float, float]] = IMAGING) -> dict[str, float]:
    """Thresholds, uptake and noise by name."""
    return {
        name: float(rng.uniform(*ends) if ends[0] == 0 else np.exp(rng.uniform(*np.log(ends))))
        for name, ends in ranges.items()
    }


def draw_scan(density: Array, tissue: Tissue, imaging: Mapping[str, float], rng: np.random.Generator) -> JointTarget:
    """
    Outlines and a PET of a density.

    Parameters
    ----------
    density : ndarray [x, y, z]
    tissue : Tissue
        Whose voxels have labels and an uptake.
    imaging : mapping
        See `IMAGING`.
    rng : Generator

    Returns
    -------
    JointTarget
        Labels of 0 and 1; an uptake that noise may take below 0.
    """
    labels = []
    for name in ("threshold_core", "threshold_whole"):
        away = (density - imaging[name]) / imaging["sigma_alpha"]
        alpha = 0.5 - 0.5 * np.sign(away) * np.expm1(-away * away)
        labels.append(((rng.random(density.shape) < alpha) & tissue.mask).astype(np.float32))
    mean = imaging["pet_background"] + density / imaging["pet_scale"]
    uptake = np.where(tissue.mask, mean + imaging["sigma"] * rng.normal(size=density.shape), 0)
    region = tissue.mask.astype(np.float32)
    return JointTarget((SegmentationTarget(*labels), PETTarget(uptake.astype(np.float32), region)), (1.0, 1.0))
