"""The box around a tumour that a discrete loss lives on, and the way there and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gliofit.anatomy.tissue import EDGE_MM, Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.inversion.problem import Problem
from gliofit.observation.observation import Observation
from gliofit.observation.thresholds import GLIODIL_START

ROOM_MM = 12.0
"""A box leaves at least this on every side: small tumours would leave a seed and a margin no room."""


@dataclass(frozen=True, eq=False)
class Observed:
    """
    What is known of the tumour, as fractions of the voxels of a grid [x, y, z].

    Parameters
    ----------
    core, whole : ndarray
        Outlines; of an observed density, its super-level sets at `GLIODIL_START` of its maximum.
    density : ndarray, optional
        The cell density itself.
    pet, region : ndarray, optional
        FET-PET, and where it counts.
    has_core : bool
        Whether there is a core; without one (low grade) the whole outline is all that is explained. A core that a
        coarse grid loses is still there.
    """

    core: Array
    whole: Array
    density: Array | None = None
    pet: Array | None = None
    region: Array | None = None
    has_core: bool = True

    @classmethod
    def of(cls, target: Observation) -> Observed:
        """Of a problem's target; InputError if it has neither outlines nor a density, or nothing is there."""
        known = {name: a for part in target.parts for name, a in part.arrays().items()}
        if "core" not in known:
            if "density" not in known:
                raise InputError("gliodil needs a segmentation or a density among the observations")
            peak = float(known["density"].max())
            outlines = [(known["density"] > max(peak, 1e-6) * t).astype(np.float32) for t in GLIODIL_START]
            known |= dict(zip(("core", "whole"), outlines, strict=True))
        if not (known["whole"] >= 0.5).any():
            raise InputError("gliodil starts from the visible tumour, but nothing is visible")
        given = {name: known[name] for name in ("core", "whole", "density", "pet", "region") if name in known}
        return cls(**given, has_core="density" in known or "threshold_core" in target.extra_names)

    def maps(self) -> dict[str, Array]:
        """Those that are known, by name."""
        names = ("core", "whole", "density", "pet", "region")
        return {name: a for name in names if (a := getattr(self, name)) is not None}


@dataclass(frozen=True, eq=False)
class Domain:
    """
    A problem on the grid of a box around its tumour.

    Parameters
    ----------
    tissue : Tissue
        Of the box; its spacing differs between axes.
    observed : Observed
        On the same grid.
    """

    tissue: Tissue
    observed: Observed

    @classmethod
    def around(cls, problem: Problem, cells: int, margin: float) -> Domain:
        """
        The bounding box of the visible tumour, `margin` times as long, cut into `cells` voxels per axis.

        Parameters
        ----------
        problem : Problem
        cells : int
        margin : float
            At least 1; a box leaves `ROOM_MM` on every side in any case.

        Raises
        ------
        InputError
            If so few cells are too coarse for tissue.
        """
        observed, whole_grid = Observed.of(problem.target), problem.tissue
        index = np.argwhere(np.maximum(observed.whole, observed.core) >= 0.5)
        low, high = index.min(0) - 0.5, index.max(0) + 0.5
        length = np.maximum(margin * (high - low), high - low + 2 * ROOM_MM / whole_grid.spacing)
        step = length / cells
        edges = step * whole_grid.spacing
        if edges.max() > EDGE_MM[1]:
            raise InputError(
                f"gliodil: {cells} cells on its coarsest grid are voxels of {edges.max():.0f} mm in the box around "
                f"this tumour ({edges.max() * cells:.0f} mm long), {EDGE_MM[1]:g} at most; set cells higher, or "
                "shorten iterations, which has an entry for each grid"
            )
        affine = whole_grid.affine @ np.diag([*step, 1.0])
        affine[:3, 3] = whole_grid.to_world((low + high - length + step) / 2)
        shape = (cells,) * 3

        def here(a: Array) -> Array:
            return grids.resample(a, whole_grid.affine, shape, affine)

        values = {name: here(a) for name, a in observed.maps().items()}
        if (
            observed.pet is not None and observed.region is not None
        ):  # of what lies in the region only: elsewhere PET may be cut away
            values["pet"] = here(observed.pet * observed.region) / np.maximum(values["region"], 1e-3)
        return cls(whole_grid.resample_to(shape, affine), Observed(**values, has_core=observed.has_core))

    @cached_property
    def inside(self) -> Array:
        """Tissue, bool [x, y, z]."""
        return self.tissue.mask
