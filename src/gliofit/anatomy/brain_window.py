"""A window around the brain: the grid that Learn-Morph-Infer's network sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array

MARGIN_MM = 4.0


def window_shape(tissue: Tissue, spacing: float) -> tuple[int, int, int]:
    """Voxels of the smallest window of `spacing` mm that is centred on the brain and holds it and 4 mm around it."""
    low, high = (tissue.to_world(bound(np.argwhere(tissue.brain), axis=0)) for bound in (np.min, np.max))
    centre = brain_centre(tissue)
    reach = np.maximum(np.abs(low - centre), np.abs(high - centre)) + MARGIN_MM
    nx, ny, nz = (int(n) for n in np.ceil(2 * reach / spacing))
    return nx, ny, nz


def window_affine(tissue: Tissue, shape: Sequence[int], spacing: float) -> Array:
    """
    The window's voxel → mm (4, 4), RAS: centred on the brain.

    Its faces lie on those of the tissue's own voxels when that grid is RAS, so that grids of 4, 2 and 1 mm nest.
    """
    corner = brain_centre(tissue) - np.array(shape) * spacing / 2
    corner = tissue.to_world(np.round(tissue.to_voxel(corner) + 0.5) - 0.5)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = corner + spacing / 2
    return affine


def window_maps(tissue: Tissue, shape: Sequence[int], spacing: float) -> Array:
    """Fractions of WM, GM and CSF [3, x, y, z] in the window, float32."""
    seen = tissue.resample_to(tuple(shape), window_affine(tissue, shape, spacing))
    return np.stack([seen.wm, seen.gm, seen.csf]).astype(np.float32)


def brain_centre(tissue: Tissue) -> Array:
    """Centre of mass (3,) of the brain, mm."""
    return tissue.centre_of_mass(tissue.brain.astype(np.float32))
