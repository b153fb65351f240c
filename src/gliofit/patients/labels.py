"""Numbers of a segmentation and what they stand for."""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array

NECROTIC, EDEMA, ENHANCING = 1, 2, 3
"""Labels as everything after this module has them (BraTS 2023)."""


LABELLINGS = {
    "brats": {1: NECROTIC, 2: EDEMA, 3: ENHANCING, 4: ENHANCING},
    "gliodil": {1: ENHANCING, 3: EDEMA, 4: NECROTIC},
    "gliomasolver": {1: ENHANCING, 2: ENHANCING, 4: NECROTIC},
}
"""
BraTS calls enhancing tumour 4 (until 2020) or 3 (since 2021), never both; GliODIL's data has 1, 3 and 4. GliomaSolver's
example (tumT1c) comes without a key: 1 is a rim that takes up FET, 4 what it encloses, 2 eleven voxels within the rim.
"""


def pet_region(pet: Array, labels: Array) -> Array:
    """
    Where FET-PET counts: enhancing core and edema (GliODIL, Sec. 4.3).

    Where most of that has no uptake at all, zeros are taken as cut away: some data sets keep PET in the core alone.

    Parameters
    ----------
    pet : ndarray [x, y, z]
    labels : ndarray [x, y, z]
        1 necrotic core, 2 edema, 3 enhancing core.

    Returns
    -------
    ndarray of bool [x, y, z]
    """
    region = np.isin(labels, (EDEMA, ENHANCING))
    taken_up = region & (np.asarray(pet) != 0)
    return taken_up if 2 * np.count_nonzero(taken_up) < np.count_nonzero(region) else region
