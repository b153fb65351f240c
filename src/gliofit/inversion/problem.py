"""What every inversion method is given, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth import simulate
from gliofit.growth.ranges import MU_D_BOUNDS, MU_RHO_BOUNDS, ORIGIN_RADIUS_MM, START_MU
from gliofit.growth.theta import Theta


@dataclass(eq=False)
class Problem:
    """
    One case to invert.

    Parameters
    ----------
    tissue : Tissue
        Whole brain on the working grid.
    target : DensityTarget or SegmentationTarget
        The observation, on the same grid.
    networks : dict of str → path
        Weights by role ("surrogate", "inverse", …), for methods that need them.
    seed : int
        Of whatever is random in a method.
    threads : int
        CPU threads a method may use.
    morph : gliofit.anatomy.morph.Morph, optional
        The way to the atlas and back; None: the tissue is the atlas itself, or is taken for it.
    """

    tissue: Tissue
    target: Any
    networks: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    threads: int = 1
    morph: Any = None

    def __post_init__(self):
        if self.target.shape != self.tissue.shape:
            raise InputError(f"the target has shape {self.target.shape}, the tissue {self.tissue.shape}")

    @cached_property
    def centre(self) -> Array:
        """Centre of mass (3,) in mm of the visible tumour."""
        return self.tissue.centre_of_mass(self.target.visible)

    @cached_property
    def box(self) -> Box:
        """Bounds of [x, y, z, μ_D, μ_ρ, extras…]; origins stay on the grid, as the solver asks."""
        corners = self.tissue.to_world(np.array([(0, 0, 0), np.array(self.tissue.shape) - 1]))
        low = np.maximum(self.centre - ORIGIN_RADIUS_MM, corners.min(0))
        high = np.minimum(self.centre + ORIGIN_RADIUS_MM, corners.max(0))
        lower, upper = [*low, MU_D_BOUNDS[0], MU_RHO_BOUNDS[0]], [*high, MU_D_BOUNDS[1], MU_RHO_BOUNDS[1]]
        extra = self.target.extra_box
        if extra is not None:
            lower, upper = [*lower, *extra.lower], [*upper, *extra.upper]
        return Box(np.array(lower), np.array(upper))

    @cached_property
    def start(self) -> Array:
        """[centre of mass, mean μ_D and μ_ρ of the paper's training set, extras' defaults]."""
        return np.array([*self.centre, *START_MU, *self.target.extra_start])

    def density(self, parameters: Array) -> Array:
        """The numerical solver's density for `parameters` = [θ, extras…]."""
        return simulate(self.tissue, Theta.from_array(parameters[:5]), threads=self.threads)

    def loss(self, parameters: Array) -> float:
        """Loss of `parameters` = [θ, extras…] under the numerical solver."""
        return self.target.loss(self.density(parameters), parameters[5:])

    def resampled(self, spacing: float) -> Problem:
        """The same problem on a grid of another spacing."""
        shape, affine = grids.aligned_grid(self.tissue.affine, self.tissue.brain, spacing)
        return Problem(
            self.tissue.resample_to(shape, affine),
            self.target.map(lambda a: grids.resample(a, self.tissue.affine, shape, affine)),
            self.networks,
            self.seed,
            self.threads,
            self.morph,
        )

    def crop(self, shape: tuple) -> tuple[Tissue, Any, Array]:
        """Tissue, target and voxel offset of a window of `shape` around the visible tumour's centre of mass."""
        offset = self.tissue.crop_offset(self.centre, shape)
        return self.tissue.crop(offset, shape), self.target.map(lambda a: grids.take(a, offset, shape)), offset
