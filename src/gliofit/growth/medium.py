"""What the kernels read of a tissue, made once for each."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import DTypeLike

from gliofit.anatomy.tissue import TISSUE_THRESHOLD, Tissue
from gliofit.base.arrays import Array
from gliofit.growth.cpu.crew import share
from gliofit.growth.cpu.llvm_rows import LANES
from gliofit.growth.cpu.padded import diffusivity_field, zeros
from gliofit.growth.ranges import GREY_MATTER_RATIO


@dataclass(frozen=True, eq=False)
class Medium:
    """
    What of a tissue the kernels read; θ has no part in it.

    Parameters
    ----------
    diffusivity : ndarray [nx + 2, ny + 2, nz + 2]
        D / D_w, `padded.OUTSIDE` where no tumour can be.
    radius : float
        Bound of the spectral radius of the diffusion operator for D_w = 1, 1/mm².
    """

    diffusivity: Array
    radius: float


_media: WeakKeyDictionary[Tissue, dict[tuple, Medium]] = WeakKeyDictionary()

KEPT = 3
"""Media of one tissue that are kept: a search over R asks for another with each run."""


def medium(tissue: Tissue, dtype: DTypeLike = np.float32, ratio: float = GREY_MATTER_RATIO, threads: int = 1) -> Medium:
    """The kernels' view of a tissue whose D_w/D_g is `ratio`, made once."""
    known = _media.setdefault(tissue, {})
    key = np.dtype(dtype), float(ratio)
    if key not in known:
        nx, ny, nz = tissue.shape
        padded = nx + 2, ny + 2, -(-(nz + 2) // LANES) * LANES
        field = zeros(1, [int(np.prod(padded))], key[0])[0][0, : np.prod(padded)].reshape(padded)
        limits = np.float32(ratio), np.float32(TISSUE_THRESHOLD)
        largest = np.zeros(padded[0], key[0])
        share(threads, diffusivity_field, tissue.wm, tissue.gm, *limits, field, largest)
        radius = 4 * float((1 / tissue.spacing**2).sum()) * max(float(largest.max()), 1e-6)
        while len(known) >= KEPT:
            known.pop(next(iter(known)), None)
        known[key] = Medium(field, radius)
    return known[key]
