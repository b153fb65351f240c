"""Coils brighten what is near them: N4 takes that slow trend out."""

from __future__ import annotations

import os

import numpy as np

from gliofit.base.arrays import Array

SHRINK_MM = 6.0
"""Grid that the trend is fitted on; it varies over 100 mm."""

LEAST = 0.02
"""Of the brain's median: N4 works on logarithms, which zeros and noise have none of."""


def corrected(scan: Array, spacing: Array, brain: Array) -> Array:
    """
    A scan without its bias field, as N4 sees it in the brain; its median there is kept.

    Parameters
    ----------
    scan : ndarray [x, y, z]
    spacing : ndarray (3,)
        mm.
    brain : ndarray of bool [x, y, z]

    Returns
    -------
    ndarray [x, y, z], float32

    Notes
    -----
    Source: N. J. Tustison, B. B. Avants, P. A. Cook, et al., IEEE Trans. Med. Imaging 29(6):1310–1320, 2010.
    """
    os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")
    import ants

    median = float(np.median(scan[brain]))
    counts = brain & (scan > LEAST * median)
    step = tuple(slice(None, None, max(1, round(SHRINK_MM / edge))) for edge in spacing)
    edges = [float(edge) * s.step for edge, s in zip(spacing, step, strict=True)]
    small = ants.from_numpy(np.maximum(scan[step], LEAST * median).astype(np.float32), spacing=edges)
    inside = ants.from_numpy(counts[step].astype(np.float32), spacing=edges)
    found = ants.n4_bias_field_correction(
        small,
        mask=inside,
        shrink_factor=1,
        convergence={"iters": [30, 30, 20], "tol": 1e-6},
        spline_param=100,
        return_bias_field=True,
    )
    field = _spread(found.numpy(), counts[step], scan.shape, step)
    out = (scan / np.maximum(field, np.float32(1e-3))).astype(np.float32)
    out *= np.float32(median / float(np.median(out[brain])))
    return out


def _spread(field: Array, inside: Array, shape: tuple, step: tuple[slice, ...]) -> Array:
    """The field on the scan's own grid, held constant outside the brain."""
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(~inside, return_indices=True, return_distances=False)
    field = ndimage.gaussian_filter(field[tuple(nearest)], 1.0)
    out = np.empty(shape, np.float32)
    across = [np.arange(n) / s.step for n, s in zip(shape, step, strict=True)]
    for plane, x in enumerate(across[0]):  # one at a time, as places of all voxels take 24 bytes each
        index = np.broadcast_arrays(*np.meshgrid(x, *across[1:], indexing="ij", sparse=True))
        out[plane] = ndimage.map_coordinates(field, np.array(index), order=1, mode="nearest")[0]
    return out
