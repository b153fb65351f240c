"""Reading and writing NIfTI with errors a user can act on, and files that are whole or absent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from isal import igzip
from numpy.typing import DTypeLike
from scipy import ndimage

from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file, whole_file

INTENTS = {"fraction": 1001, "density": 1001, "deviation": 1001, "label": 1002, "mask": 1002, "image": 0}
"""What a volume is → NIfTI's intent code: 1001 an estimate, 1002 labels."""

SCANNER = 1
"""NIfTI's code of a space that is a scanner's own (`NIFTI_XFORM_SCANNER_ANAT`)."""


@dataclass(frozen=True, eq=False)
class Volume:
    """
    A 3-D image: `data` [x, y, z] and `affine` (4, 4), mm.

    `blank` voxels around the head had no number in the file and are 0 here (see `load_scan`).
    """

    data: np.ndarray
    affine: np.ndarray
    blank: int = 0

    def said(self, path: str | Path) -> list[str]:
        """What a user should know of how it was read."""
        if not self.blank:
            return []
        return [f"{path}: {self.blank} voxels around the head are not finite (NaN), and are taken as 0"]

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.data.shape


def open_image(path: str | Path) -> Any:
    """
    A NIfTI image of numbers, its voxels not yet read.

    Raises
    ------
    InputError
        Naming the file, if it is unreadable or its voxels are colours, vectors or complex numbers.
    """
    try:
        image: Any = nib.load(path)
        kind = np.dtype(image.get_data_dtype())
    except Exception as error:
        raise InputError(f"{path}: cannot be read as NIfTI ({type(error).__name__}: {error})") from error
    if kind.names:
        raise InputError(f"{path}: holds colours ({''.join(kind.names)}), one number a voxel is needed")
    if kind.kind not in "iufb":
        raise InputError(f"{path}: holds voxels of type {kind}, real numbers are needed")
    return image


def _read(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels [x, y, z], as the file's scaling says, and affine (4, 4) of a file."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: {no_such_file(path)}")
    image = open_image(path)
    try:
        # nibabel unpacks by zlib, which takes twice as long
        packed = path.suffix == ".gz" and hasattr(image, "from_bytes")
        data = np.asarray((type(image).from_bytes(_unpacked(path, image)) if packed else image).dataobj)
    except Exception as error:
        raise InputError(f"{path}: cannot be read as NIfTI ({type(error).__name__}: {error})") from error
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim != 3:
        raise InputError(f"{path}: has {data.ndim} dimensions, not 3")
    return data, np.asarray(image.affine, float)


def _unpacked(path: Path, image: Any) -> bytes:
    """What a gzip file holds, up to the last voxel that its header speaks of: more may be more than there is memory."""
    size = image.dataobj.offset + math.prod(image.shape) * image.get_data_dtype().itemsize
    with igzip.open(path) as file:
        data = file.read(size)
        file.read(1)  # where the file ends here, its checksum is compared
    return data


def packed(data: bytes) -> bytes:
    """
    The gzip file that holds `data`.

    Without name and time, so that equal data are equal files on one kind of processor (another may pack otherwise). At
    this level files are as large as by zlib at its first, in a sixth of the time.
    """
    return igzip.compress(data, 1, mtime=0)


def _check_finite(path: str | Path, data: np.ndarray) -> None:
    wrong = data.size - int(np.isfinite(data).sum())
    if wrong:
        raise InputError(f"{path}: holds {wrong} voxels that are not finite (NaN or infinite)")


def load_volume(path: str | Path, dtype: DTypeLike = np.float32) -> Volume:
    """
    Load a 3-D volume (trailing axes of length one are dropped).

    Raises
    ------
    InputError
        Naming the file, if it is missing, unreadable, not 3-D, not of real numbers or not finite.
    """
    data, affine = _read(path)
    _check_finite(path, data)
    return Volume(data.astype(dtype, copy=False), affine)


def load_scan(path: str | Path, dtype: DTypeLike = np.float32) -> Volume:
    """
    `load_volume` of what a user has: NaN around the head, which some tools write there, becomes 0.

    Raises
    ------
    InputError
        As `load_volume`; also if voxels that are not finite are enclosed by ones that are.
    """
    data, affine = _read(path)
    wrong = ~np.isfinite(data) if data.dtype.kind == "f" else np.zeros(0, bool)
    if wrong.any():
        pieces, number = ndimage.label(wrong)
        faces = [np.moveaxis(pieces, axis, 0)[end] for axis in range(3) for end in (0, -1)]
        outer = np.unique(np.concatenate([face.ravel() for face in faces]))
        if np.count_nonzero(outer) < number:
            _check_finite(path, np.where(np.isin(pieces, outer[outer > 0]), 0, data))
        data = np.where(wrong, 0, data)
        if not data.any():
            number = np.count_nonzero(wrong)
            raise InputError(f"{path}: holds {number} voxels that are not finite, and nothing else but 0")
    return Volume(data.astype(dtype, copy=False), affine, int(np.count_nonzero(wrong)))


def save_volume(path: str | Path, data: np.ndarray, affine: np.ndarray, kind: str = "image", about: str = "") -> None:
    """
    Write a NIfTI-1 volume, whole or not at all, that says what it is.

    Units are mm, sform and qform are the affine, both with the code of scanner space.

    Parameters
    ----------
    path : path
    data : ndarray [x, y, z]
    affine : ndarray (4, 4)
        Voxel → mm.
    kind : str
        A key of `INTENTS`.
    about : str
        What it shows, in the header's description (79 bytes at most); the file's name if absent.
    """
    path = Path(path)
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units(xyz="mm")
    image.set_sform(affine, SCANNER)
    image.set_qform(affine, SCANNER)
    image.header.set_intent(INTENTS[kind], name="" if kind == "image" else kind)
    about = about or path.name.split(".nii")[0].replace("_", " ")
    image.header["descrip"] = f"GlioFit: {about}".encode("ascii", "replace")[:79]
    with whole_file(path) as part:
        if path.suffix == ".gz":
            part.write_bytes(packed(image.to_bytes()))
        else:
            nib.save(image, part)
