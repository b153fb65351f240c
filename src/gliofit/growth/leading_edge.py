"""
What lies beyond the part of a tumour that is known: the leading edge of its front.

Where cells are few, growth is exponential, and a front that travels in a steady state falls off as exp(−s·√(ρ/D)) along
its way s (Fisher 1937). With local D, that is the solution of ∇·(D∇c) = ρc, which follows the anatomy as the growth
equation does: grey matter is entered a third as far as white matter, CSF not at all.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import cg

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.growth.ranges import relative_diffusivity

REACH_MM = 60.0
"""Farther from the known part there are no cells."""

NEGLIGIBLE = 1e-8
"""Densities below this are no cells: fewer than one in a voxel of 100 mm³."""


def continued(density: Array, known: Array, tissue: Tissue, edge: float, width: float) -> Array:
    """
    A density continued beyond its known part.

    Parameters
    ----------
    density : ndarray [x, y, z]
        On the grid of `tissue`.
    known : ndarray of bool [x, y, z]
        Where it is to be kept.
    tissue : Tissue
    edge : float
        Density at the edge of the known part: it begins there however dense the nearest known voxel is.
    width : float
        √(D/ρ) = μ_D/μ_ρ in white matter, mm.

    Returns
    -------
    ndarray [x, y, z], float32
        `density` in the known part of tissue, ∇·(D∇c) = ρc with no flux out of tissue elsewhere, nowhere above `edge`;
        0 outside tissue.
    """
    known = known & tissue.mask
    kept = np.where(known, density, 0).astype(np.float32)
    if not known.any():
        return kept
    reach = np.ceil(REACH_MM / tissue.spacing).astype(int)
    index = np.argwhere(known)
    box = tuple(slice(max(a - r, 0), b + r + 1) for a, b, r in zip(index.min(0), index.max(0), reach, strict=True))
    known, inside, c = known[box], tissue.mask[box], kept[box].astype(np.float64)
    diffusivity = relative_diffusivity(tissue)[box].astype(np.float64)
    free = inside & ~known
    number = np.cumsum(free).reshape(free.shape) - 1
    diagonal, source = np.where(free, 1 / width**2, 0), np.zeros(free.shape)
    rows, columns, values = [], [], []
    for axis, h in enumerate(tissue.spacing):
        low, high = (tuple(s if a == axis else slice(None) for a in range(3)) for s in (slice(-1), slice(1, None)))
        face = np.where(inside[low] & inside[high], (diffusivity[low] + diffusivity[high]) / 2, 0) / h**2
        for here, there in ((low, high), (high, low)):
            diagonal[here] += face
            source[here] += np.where(known[there], face * np.minimum(c[there], edge), 0)
            both = free[here] & free[there] & (face > 0)
            rows.append(number[here][both])
            columns.append(number[there][both])
            values.append(-face[both])
    count = int(free.sum())
    own = np.arange(count)
    entries = np.concatenate([*values, diagonal[free]]), (np.concatenate([*rows, own]), np.concatenate([*columns, own]))
    found, fault = cg(
        sparse.csr_array(entries, shape=(count, count)),
        source[free],
        rtol=1e-12,
        maxiter=2000,
        M=sparse.diags_array(1 / diagonal[free]),
    )
    if fault:
        raise RuntimeError(f"the density beyond the known part was not found in {fault} iterations")
    c[free] = np.where(found > NEGLIGIBLE, found, 0)
    kept[box] = c
    return kept
