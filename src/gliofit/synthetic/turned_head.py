"""What a tumour of the cohort grew from, and the grid that it grows on: turned, and stretched along its tensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.growth import simulate
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.growth.seed import initial_density
from gliofit.growth.theta import Theta


@dataclass(frozen=True)
class Truth:
    """
    What a patient was made with.

    Parameters
    ----------
    foci : tuple of (x, y, z)
        mm.
    weights : tuple of float
        Seed of each focus relative to the first's.
    mu_D, mu_rho : float
        mm, and without unit.
    ratio : float
        R.
    elongation : float
        Diffusivity along the first axis of `axes` over that across; 1: no tensor.
    axes : tuple
        Rotation (3, 3) whose columns are the directions of the grid that the tumour is grown on.
    threshold_core, threshold_whole : float
    core_ml, whole_ml : float
        Volumes before outlines are made rough.
    """

    foci: tuple[tuple[float, float, float], ...]
    weights: tuple[float, ...]
    mu_D: float
    mu_rho: float
    ratio: float
    elongation: float
    axes: tuple[tuple[float, float, float], ...]
    threshold_core: float
    threshold_whole: float
    core_ml: float
    whole_ml: float

    @property
    def apart(self) -> float:
        """Smallest distance (mm) between two foci; infinite for one."""
        points = np.array(self.foci)
        gaps = np.linalg.norm(points[:, None] - points, axis=-1)[np.triu_indices(len(points), 1)]
        return float(gaps.min(initial=np.inf))

    @property
    def other_tensor(self) -> bool:
        """Whether cells spread otherwise than fits assume."""
        return self.elongation != 1 or self.ratio != GREY_MATTER_RATIO


@dataclass(frozen=True, eq=False)
class TurnedHead:
    """
    A head on a grid along given axes, stretched so that a tensor of diffusion becomes a number.

    Coordinates q = diag(a)^(−1/2)·axesᵀ·x turn ∇·(axes·diag(a)·axesᵀ ∇c) into the Laplacian.

    Parameters
    ----------
    tissue : Tissue
        On the stretched grid.
    affine : ndarray (4, 4)
        Voxel → mm of the head, without the stretch.
    to_stretched : ndarray (3, 3)
        mm of the head → mm of `tissue`.
    """

    tissue: Tissue
    affine: Array
    to_stretched: Array

    @classmethod
    def of(cls, head: Tissue, truth: Truth, spacing: float) -> TurnedHead:
        """Turned and stretched as a truth says, with voxels of `spacing` mm in the head's space."""
        axes = np.array(truth.axes)
        e = truth.elongation
        stretch = np.sqrt([e ** (2 / 3), e ** (-1 / 3), e ** (-1 / 3)])  # of determinant 1
        index = np.argwhere(head.brain)
        corners = np.stack(np.meshgrid(*zip(index.min(0), index.max(0), strict=True), indexing="ij"), -1).reshape(-1, 3)
        along = head.to_world(corners) @ axes
        low, high = along.min(0) - 4, along.max(0) + 4
        shape = tuple(int(n) for n in np.ceil((high - low) / spacing))
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = axes * spacing, axes @ low
        wm, gm, csf = (grids.resample(m, head.affine, shape, affine) for m in (head.wm, head.gm, head.csf))
        inverse = np.eye(4)
        inverse[:3, :3] = np.diag(1 / stretch) @ axes.T
        return cls(Tissue(wm, gm, csf, inverse @ affine), affine, inverse[:3, :3])

    def grow(self, truth: Truth, threads: int = 1) -> Array:
        """Density [x, y, z] on this grid."""
        foci = np.array(truth.foci) @ self.to_stretched.T
        begin = np.zeros(self.tissue.shape)
        for focus, weight in zip(foci, truth.weights, strict=True):
            corner, seed, _ = initial_density(self.tissue, focus)
            window = tuple(slice(c, c + n) for c, n in zip(corner, seed.shape, strict=True))
            begin[window] = 1 - (1 - begin[window]) * (1 - weight * seed)
        theta = Theta(tuple(foci[0]), truth.mu_D, truth.mu_rho)
        return simulate(self.tissue, theta, ratio=truth.ratio, initial=begin, threads=threads)
