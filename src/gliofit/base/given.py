"""What callers give in place of an array: lists, tensors, images, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError


def given_array(value: Any, name: str) -> tuple[Array, Array | None]:
    """
    A volume from what a caller has, in the machine's own byte order, and its affine if it says one.

    Parameters
    ----------
    value : array_like, torch tensor on the CPU, nibabel image or path
        Three-dimensional after trailing axes of length one are dropped.
    name : str
        What to call it in an error.

    Returns
    -------
    data : ndarray [x, y, z]
    affine : ndarray (4, 4) or None

    Raises
    ------
    InputError
        If it holds no real numbers, is not three-dimensional or not finite, or a tensor is on another device.
    """
    affine = None
    if isinstance(value, str | Path):
        from gliofit.base.nifti import load_volume

        volume = load_volume(value)
        value, affine = volume.data, volume.affine
    elif hasattr(value, "dataobj") and hasattr(value, "affine"):  # a nibabel image
        value, affine = np.asarray(value.dataobj), np.asarray(value.affine, float)
    elif hasattr(value, "detach"):  # a torch tensor
        if getattr(value, "is_cuda", False):
            raise InputError(f"{name} is a tensor on {value.device}; move it to the CPU first (.cpu())")
        try:
            # numpy has no type for some of torch's
            value = value.detach().cpu()
            value = (value.float() if str(value.dtype) in ("torch.bfloat16", "torch.float16") else value).numpy()
        except (TypeError, RuntimeError, NotImplementedError):
            raise InputError(f"{name} is a tensor that numpy cannot read ({value.layout}, {value.device})") from None
    if np.ma.is_masked(value):
        raise InputError(f"{name} has masked voxels: say what they hold first (.filled(0))")
    try:
        data = np.asarray(value)
    except ValueError:
        raise InputError(f"{name} is no array: its rows differ in length") from None
    if data.dtype.kind not in "biuf":
        raise InputError(f"{name} is no array of real numbers but {type(value).__name__} ({data.dtype})")
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim != 3:
        raise InputError(f"{name} has {data.ndim} dimensions, not 3")
    if not data.size:
        raise InputError(f"{name} is empty: its shape is {data.shape}")
    if not np.isfinite(data).all():
        raise InputError(f"{name} holds values that are not finite (NaN or infinite)")
    return np.asarray(data, data.dtype.newbyteorder("=")), affine
