"""Checks of a patient's files that need no voxels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.patients.sample_sheet import Patient


def check_headers(patient: Patient) -> None:
    """Check that a patient's files exist and share one grid, without reading voxels; raises InputError."""
    first: tuple[Path, tuple, Array] | None = None
    for path in patient.files.values():
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        try:
            image: Any = nib.load(path)
        except Exception as error:
            raise InputError(f"{path}: cannot be read as NIfTI ({type(error).__name__}: {error})") from error
        shape = tuple(image.shape)
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        if first is None:
            first = (path, shape, image.affine)
        if shape != first[1]:
            raise InputError(f"{path}: shape {shape} differs from {first[1]} of {first[0]}")
        if not _same_place(image.affine, first[2], shape):
            raise InputError(f"{path}: affine differs from that of {first[0]}")


def _same_place(affine: Array, other: Array, shape: tuple) -> bool:
    """Whether two affines put every corner within a tenth of a voxel."""
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in shape], indexing="ij")).reshape(len(shape), -1).T
    apart = np.abs(grids.to_world(affine, corners) - grids.to_world(other, corners)).max()
    return bool(apart < 0.1 * grids.spacing_of(other).min())
