"""Densities that are a method's own, not the solver's at its θ̂: kept on their own grid, beside θ̂."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from gliofit import grids
from gliofit.growth import simulate
from gliofit.theta import Theta
from gliofit.tissue import Tissue

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Field:
    """
    A density on a grid of its own.

    Parameters
    ----------
    values : ndarray [x, y, z]
        NaN where there is no tissue.
    affine : ndarray (4, 4)
        Voxel → mm, in the space of the tissue.
    """

    values: Array
    affine: Array

    def on(self, tissue: Tissue) -> Array:
        """
        The density on the grid of `tissue`, float32 [x, y, z].

        Interpolated between the voxels in tissue, so that a border is no slope; 0 outside tissue and beyond the grid.
        """
        known = np.isfinite(self.values)
        parts = np.where(known, self.values, 0), known
        total, share = (grids.resample(p, self.affine, tissue.shape, tissue.affine) for p in parts)
        return np.where(tissue.mask, np.clip(total / np.maximum(share, 1e-3), 0, 1), 0).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: three digits are kept (float16), compressed."""
        packed = base64.b64encode(zlib.compress(self.values.astype("<f2").tobytes())).decode()
        return {"shape": list(self.values.shape), "affine": np.asarray(self.affine).tolist(), "float16_zlib": packed}

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> Field:
        values = np.frombuffer(zlib.decompress(base64.b64decode(kept["float16_zlib"])), "<f2")
        return cls(values.reshape(kept["shape"]).astype(np.float32), np.array(kept["affine"]))


def density_of(fit: dict[str, Any], tissue: Tissue, threads: int | None = None) -> Array:
    """
    The density of a fit, as tables and figures take it.

    Parameters
    ----------
    fit : dict
        A `Fit.summary()`.
    tissue : Tissue
    threads : int, optional

    Returns
    -------
    ndarray [x, y, z]
        The method's own density if it has one, else θ̂ rerun through the numerical solver.
    """
    if fit.get("own"):
        return Field.from_dict(fit["own"]).on(tissue)
    return simulate(tissue, Theta.from_dict(fit["theta"]), threads=threads)
