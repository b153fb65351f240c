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


def ball() -> Tissue:
    """A 24³ head at 4 mm: a ball of white matter in a grey shell, with a ventricle and CSF around; smooth borders."""
    n, h = 24, 4.0
    axis = (np.arange(n) - (n - 1) / 2) * h
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    r = np.sqrt(x**2 + (y / 1.1) ** 2 + z**2)
    step = lambda edge: 1 / (1 + np.exp((r - edge) / 1.5))  # noqa: E731
    ventricle = 1 / (1 + np.exp((np.sqrt(x**2 + (y / 2) ** 2 + z**2) - 7) / 1.5))
    wm = step(30) * (1 - ventricle)
    gm = (step(38) - step(30)) * (1 - ventricle)
    csf = (step(42) - step(38)) + step(42) * ventricle
    affine = np.diag([h, h, h, 1.0])
    affine[:3, 3] = axis[0]
    return Tissue(wm, gm, np.clip(csf, 0, 1), affine)
