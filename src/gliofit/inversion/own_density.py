"""Densities that are a method's own, not the solver's at its θ̂: kept on their own grid, beside θ̂."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.growth import growth_model
from gliofit.growth.leading_edge import continued


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
    visible, width : float, optional
        Lower densities are not the method's: they are the leading edge of a front of this width (mm) about the part
        that is at least as dense (`gliofit.growth.leading_edge.continued`), beyond the grid, too.
    """

    values: Array
    affine: Array
    visible: float | None = None
    width: float | None = None

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
        return c if self.visible is None else continued(c, c >= self.visible, tissue, self.visible, self.width)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: three digits are kept (float16), compressed."""
        packed = base64.b64encode(zlib.compress(self.values.astype("<f2").tobytes())).decode()
        kept = {"shape": list(self.values.shape), "affine": np.asarray(self.affine).tolist(), "float16_zlib": packed}
        return kept | {name: v for name in ("visible", "width") if (v := getattr(self, name)) is not None}

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> Field:
        values = np.frombuffer(zlib.decompress(base64.b64decode(kept["float16_zlib"])), "<f2")
        values = values.reshape(kept["shape"]).astype(np.float32)
        return cls(values, np.array(kept["affine"]), kept.get("visible"), kept.get("width"))


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
    model = growth_model(fit["model"])
    return model.simulate(tissue, model.values_of(fit["parameters"]), threads=threads)
