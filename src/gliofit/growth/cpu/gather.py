"""Values of a run's fields in some voxels."""

from __future__ import annotations

import numba as nb
import numpy as np

from gliofit.base.arrays import Array


@nb.njit(cache=True, nogil=True)
def gathered(fields: Array, index: Array) -> Array:
    """
    Values [n, voxels] of fields [n, x, y, z] at flat indices [voxels].

    Fields of a run are a window of padded ones, of which NumPy would make a copy, or a mask as large, first.
    """
    n, _, ny, nz = fields.shape
    found = np.empty((n, index.size), fields.dtype)
    for voxel, flat in enumerate(index):
        x, y, z = flat // (ny * nz), flat // nz % ny, flat % nz
        for field in range(n):
            found[field, voxel] = fields[field, x, y, z]
    return found
