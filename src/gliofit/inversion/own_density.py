"""Densities that are a method's own, not the solver's at its θ̂: kept on their own grid, beside θ̂."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.leading_edge import continued


class Field:
    """
    A density on a grid of its own.

    Parameters
    ----------
    values : ndarray [x, y, z], or a function that returns it
        NaN where there is no tissue. A function is called when the values are first asked for.
    affine : ndarray (4, 4)
        Voxel → mm, in the space of the tissue.
    visible, width : float, optional
        Lower densities are not the method's: they are the leading edge of a front of this width (mm) about the part
        that is at least as dense (`gliofit.growth.leading_edge.continued`), beyond the grid, too.
    """

    def __init__(
        self,
        values: Array | Callable[[], Array],
        affine: Array,
        visible: float | None = None,
        width: float | None = None,
    ):
        self._values, self.affine, self.visible, self.width = values, affine, visible, width

    @cached_property
    def values(self) -> Array:
        return self._values() if callable(self._values) else self._values

    def on(self, tissue: Tissue) -> Array:
        """
        The density on the grid of `tissue`, float32 [x, y, z].

        Interpolated between the voxels in tissue, so that a border is no slope; 0 outside tissue and, unless continued,
        beyond the grid.
        """
        known = np.isfinite(self.values)
        parts = np.where(known, self.values, 0), known
        total, share = (grids.resample(p, self.affine, tissue.shape, tissue.affine) for p in parts)
        c = np.where(tissue.mask, np.clip(total / np.maximum(share, 1e-3), 0, 1), 0).astype(np.float32)
        if self.visible is None or self.width is None:
            return c
        return continued(c, c >= self.visible, tissue, self.visible, self.width)

    def to_dict(self) -> dict[str, Any]:
        """All but the values, for JSON."""
        return {"affine": np.asarray(self.affine).tolist(), "visible": self.visible, "width": self.width}


def stored_field(path: Path, array: str, affine: Array, visible: float | None, width: float | None) -> Field:
    """
    The `Field` whose values an npz keeps: three digits (float16), read when they are first asked for.

    Raises
    ------
    InputError
        Then, if the file is missing or does not hold the array.
    """

    def read() -> Array:
        try:
            with np.load(path, allow_pickle=False) as volumes:
                return volumes[array].astype(np.float32)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; the fit beside it has its density there") from None
        except (KeyError, ValueError, EOFError, OSError, zipfile.BadZipFile):
            raise InputError(
                f"{path}: holds no density {array} that can be read, which the fit beside it has"
            ) from None

    return Field(read, affine, visible, width)
