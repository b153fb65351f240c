"""Reading and writing NIfTI with errors a user can act on, and files that are whole or absent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import DTypeLike

from gliofit.base.errors import InputError
from gliofit.base.files import whole_file


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3-D image: `data` [x, y, z] and `affine` (4, 4), mm."""

    data: np.ndarray
    affine: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.data.shape


def load_volume(path: str | Path, dtype: DTypeLike = np.float32) -> Volume:
    """
    Load a 3-D volume (trailing axes of length one are dropped).

    Raises
    ------
    InputError
        Naming the file, if it is missing, unreadable, not 3-D or not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        image: Any = nib.load(path)
        data = np.asarray(image.dataobj)
    except Exception as error:
        raise InputError(f"{path}: cannot be read as NIfTI ({type(error).__name__}: {error})") from error
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim != 3:
        raise InputError(f"{path}: has {data.ndim} dimensions, not 3")
    if not np.isfinite(data).all():
        raise InputError(
            f"{path}: holds {int((~np.isfinite(data)).sum())} voxels that are not finite (NaN or infinite)"
        )
    return Volume(data.astype(dtype, copy=False), np.asarray(image.affine, float))


def save_volume(path: str | Path, data: np.ndarray, affine: np.ndarray) -> None:
    """Write a NIfTI-1 volume, whole or not at all."""
    with whole_file(path) as part:
        nib.save(nib.Nifti1Image(data, affine), part)
