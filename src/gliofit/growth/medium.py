"""What the kernels read of a tissue, made once for each."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from gliofit.anatomy.tissue import GREY_MATTER_RATIO, TISSUE_THRESHOLD, Tissue
from gliofit.base.arrays import Array
from gliofit.growth.cpu import sweep as kernels
from gliofit.growth.cpu.stepper import zeros


@dataclass(frozen=True, eq=False)
class Medium:
    """
    What of a tissue the kernels read; θ has no part in it.

    Parameters
    ----------
    diffusivity : ndarray [nx + 2, ny + 2, nz + 2]
        D / D_w, `kernels_cpu.OUTSIDE` where no tumour can be.
    radius : float
        Bound of the spectral radius of the diffusion operator for D_w = 1, 1/mm².
    """

    diffusivity: Array
    radius: float


_media: WeakKeyDictionary[Tissue, dict] = WeakKeyDictionary()


def medium(tissue: Tissue, dtype=np.float32) -> Medium:
    """The kernels' view of a tissue, made once."""
    known = _media.setdefault(tissue, {})
    dtype = np.dtype(dtype)
    if dtype not in known:
        nx, ny, nz = tissue.shape
        padded = nx + 2, ny + 2, -(-(nz + 2) // kernels.LANES) * kernels.LANES
        field = zeros(1, [int(np.prod(padded))], dtype)[0][0, : np.prod(padded)].reshape(padded)
        limits = np.float32(GREY_MATTER_RATIO), np.float32(TISSUE_THRESHOLD)
        largest = kernels.diffusivity_field(tissue.wm, tissue.gm, *limits, field).max()
        radius = 4 * float((1 / tissue.spacing**2).sum()) * max(float(largest), 1e-6)
        known[dtype] = Medium(field, radius)
    return known[dtype]
