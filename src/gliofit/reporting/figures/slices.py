"""Slices of brains in radiological convention (patient's right on the left), in mm, whatever the file's orientation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.grids import spacing_of
from gliofit.reporting.figures import style

PLANES = {"sagittal": 0, "coronal": 1, "axial": 2}
ISOLINES = (0.01, 0.1, 0.5)
"""Densities drawn as lines; 0.01 lies far outside what any scan shows."""


def canonical(data: Array, affine: Array) -> tuple[Array, Array]:
    """The volume [x, y, z] with its axes nearest to right, anterior, superior, and the affine that goes with it."""
    turn = nib.io_orientation(affine)
    turned = nib.apply_orientation(np.asarray(data), turn)
    return turned, affine @ nib.orientations.inv_ornt_aff(turn, np.shape(data))


def anatomy(tissue: Tissue) -> Array:
    """A T1-like picture of tissue fractions: white matter bright, CSF dark; [x, y, z] in [0, 1]."""
    return np.clip(0.85 * tissue.wm + 0.5 * tissue.gm + 0.15 * tissue.csf, 0, 1)


@dataclass(frozen=True)
class Plane:
    """
    A slice plane of a canonical (RAS) grid.

    Parameters
    ----------
    axis : int
        Normal: 0 sagittal, 1 coronal, 2 axial.
    index : int
        Voxel along the normal.
    spacing : ndarray (3,)
        mm.
    """

    axis: int
    index: int
    spacing: Array

    @classmethod
    def through(cls, weights: Array, affine: Array, name: str = "axial") -> Plane:
        """The plane that holds most of `weights` [x, y, z]."""
        axis = PLANES[name]
        profile = weights.sum(axis=tuple(a for a in range(3) if a != axis), dtype=np.float64)
        return cls(axis, int(profile.argmax()), spacing_of(affine))

    def of(self, data: Array) -> Array:
        """The slice as [row, column], rows upwards."""
        return np.take(data, self.index, self.axis).T

    def image(self, ax: Axes, data: Array, **kwargs: Any) -> AxesImage:
        """`imshow` of a volume's slice, or of an RGBA slice [row, column, 4]."""
        plane = data if data.ndim == 3 and data.shape[-1] == 4 else self.of(data)
        width, height = self._size(plane)
        shown = ax.imshow(plane, origin="lower", extent=(0, width, 0, height), **kwargs)
        ax.set_facecolor("black")  # where the window reaches beyond the grid
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        return shown

    def outline(self, ax: Axes, data: Array, levels: Sequence[float], halo: bool = False, **kwargs: Any) -> None:
        """Contours of a volume's slice; levels that the slice does not reach are left out."""
        plane = self.of(np.asarray(data, np.float32))
        levels = [level for level in levels if plane.min() < level < plane.max()]
        if levels:
            x, y = (h * (np.arange(n) + 0.5) for h, n in zip(self._steps(), plane.shape[::-1], strict=True))
            lines = ax.contour(x, y, plane, levels=levels, **kwargs)
            if halo:  # keeps bright lines apart from bright densities
                lines.set(path_effects=[withStroke(linewidth=1.6, foreground="#00000090")])

    def density(self, ax: Axes, c: Array) -> None:
        """The density as a colour wash that fades out where it vanishes."""
        plane = np.clip(self.of(c), 0, 1)
        rgba = colormaps[style.DENSITY_MAP](0.15 + 0.85 * plane)
        rgba[..., 3] = 0.85 * np.clip(plane / 0.1, 0, 1)
        self.image(ax, rgba, interpolation="nearest")

    def window(self, ax: Axes, mask: Array, margin: float = 4.0, square: bool = False) -> None:
        """Limit the axes to the mask's bounding box in this plane, plus `margin` mm."""
        box = []
        for n, h in zip((1, 0), self._steps(), strict=True):
            inside = np.flatnonzero(self.of(mask).any(axis=1 - n))
            low, high = (inside[0], inside[-1] + 1) if inside.size else (0, self.of(mask).shape[n])
            box.append((low * h - margin, high * h + margin))
        if square:
            side = max(high - low for low, high in box)
            box = [((low + high - side) / 2, (low + high + side) / 2) for low, high in box]
        (left, right), (low, high) = box
        ax.set_xlim((right, left) if self.axis != 0 else (left, right))
        ax.set_ylim(low, high)

    def scale_bar(self, ax: Axes, mm: float = 30.0) -> None:
        """A bar of `mm` in the lower right corner."""
        left, right = ax.get_xlim()
        low, high = ax.get_ylim()
        sign = np.sign(right - left)
        end = right - sign * 0.04 * abs(right - left)
        y = low + 0.04 * (high - low)
        ax.plot([end - sign * mm, end], [y, y], color="white", lw=1.5, solid_capstyle="butt")
        ax.annotate(
            f"{mm:.0f} mm",
            (end - sign * mm / 2, y),
            (0, 2),
            textcoords="offset points",
            ha="center",
            color="white",
            size=5.5,
        )

    def sides(self, ax: Axes) -> None:
        """R at the patient's right (axial and coronal) or A at the front (sagittal)."""
        text = "A" if self.axis == 0 else "R"
        place = (0.97, 0.5) if self.axis == 0 else (0.03, 0.5)
        mark = ax.text(*place, text, transform=ax.transAxes, color="white", size=6, ha="center", va="center")
        mark.set_path_effects([withStroke(linewidth=1.2, foreground="black")])

    def _steps(self) -> tuple[float, float]:
        horizontal, vertical = [a for a in range(3) if a != self.axis]
        return float(self.spacing[horizontal]), float(self.spacing[vertical])

    def _size(self, plane: Array) -> tuple[float, float]:
        (dx, dy), (rows, columns) = self._steps(), plane.shape[:2]
        return columns * dx, rows * dy
