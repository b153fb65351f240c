"""A head whose tissue is a formula: the same at any spacing, for convergence in space."""

from __future__ import annotations

import numpy as np

from gliofit import Tissue


def phantom(spacing: float) -> Tissue:
    """A smooth head of 80 mm that can be sampled at any spacing: white matter, a grey rim and CSF in between."""
    n = round(80 / spacing)
    axis = (np.arange(n) + 0.5) * spacing - 40
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    grey = 0.5 + 0.5 * np.sin(x / 9) * np.cos(y / 11) * np.sin(z / 8 + 1)
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = axis[0]
    return Tissue(1 - grey, grey, 0 * grey, affine)
