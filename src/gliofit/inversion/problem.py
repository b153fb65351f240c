"""What every inversion method is given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from gliofit.anatomy.morph import Morph
from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth import GrowthModel, growth_model
from gliofit.inversion.finer import Correction
from gliofit.observation.observation import Observation

COARSELY = 1 / 3
"""
`refine` of a search, where its last digits are not asked for: on the way through a coarse grid, or for imaging.

Time steps three times as long change a density by 0.4 % of its mass in the median and 1.1 % at most on 2 mm (24 tumours
of the prior, SRI24), and 0.2 % and 0.8 % on 4 mm; 1 mm in place of 2 mm changes its mass by 5 % in the median.
"""


@dataclass
class Runs:
    """Runs of the numerical solver so far, with or without its Jacobian; a problem shares it with what it derives."""

    number: int = 0


@dataclass(eq=False)
class Problem:
    """
    One case to invert.

    Parameters of a search are one vector [values of the growth model, extras of the observation].

    Parameters
    ----------
    tissue : Tissue
        Whole brain on the working grid.
    target : Observation
        On the same grid.
    networks : dict of str → path
        Weights by role ("surrogate", "inverse", …), for methods that need them.
    seed : int
        Of whatever is random in a method.
    threads : int
        CPU threads a method may use.
    morph : Morph, optional
        The way to the atlas and back; None: the tissue is the atlas itself, or is taken for it.
    model : GrowthModel
    around : ndarray (3,), optional
        Centre (mm) about which origins are sought; that of mass of the visible tumour if not given.
    runs : Runs
        Counts the solver's runs.
    correction : Correction, optional
        What a finer grid would add to densities near a θ (`gliofit.inversion.finer`).
    refine : float
        Divides the time steps of the solver's runs (`GrowthModel.grow`).
    """

    tissue: Tissue
    target: Observation
    networks: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    threads: int = 1
    morph: Morph | None = None
    model: GrowthModel = field(default_factory=growth_model)
    around: Array | None = None
    runs: Runs = field(default_factory=Runs)
    correction: Correction | None = None
    refine: float = 1.0

    def __post_init__(self) -> None:
        if self.target.shape != self.tissue.shape:
            raise InputError(f"the target has shape {self.target.shape}, the tissue {self.tissue.shape}")

    @cached_property
    def centre(self) -> Array:
        """Centre (3,) in mm about which origins are sought."""
        return self.tissue.centre_of_mass(self.target.visible) if self.around is None else self.around

    @cached_property
    def box(self) -> Box:
        """Bounds of [values, extras]; origins stay on the grid, as the solver asks."""
        corners = self.tissue.to_world(np.array([(0, 0, 0), np.array(self.tissue.shape) - 1]))
        values, extras = self.model.box(self.centre, corners), self.target.extra_box
        if extras is None:
            return values
        return Box(np.concatenate([values.lower, extras.lower]), np.concatenate([values.upper, extras.upper]))

    @cached_property
    def start(self) -> Array:
        """[the model's start with its origins at `centre`, the extras' starts]."""
        return np.concatenate([self.model.begin(self.centre), self.target.extra_start])

    def split(self, parameters: Any) -> tuple[Any, Any]:
        """(values of the growth model, extras of the observation), of parameters [..., n + k]."""
        return parameters[..., : self.model.size], parameters[..., self.model.size :]

    def density(self, parameters: Array) -> Array:
        """The numerical solver's density [x, y, z] for [values, extras]."""
        self.runs.number += 1
        return self.grown(self.split(parameters)[0], self.threads)

    def density_and_jacobian(self, parameters: Array) -> tuple[Array, Array]:
        """The density and its derivatives [n, x, y, z] by the model's n values."""
        self.runs.number += 1
        values = self.split(parameters)[0]
        c, jacobian = self.model.grow(self.tissue, values, jacobian=True, threads=self.threads, refine=self.refine)
        return (c, jacobian) if self.correction is None else self.correction.with_jacobian(values, c, jacobian)

    def grown(self, values: Array, threads: int) -> Array:
        """The density [x, y, z] of the model's `values`; such runs are not counted."""
        c = self.model.grow(self.tissue, values, threads=threads, refine=self.refine)
        return c if self.correction is None else self.correction.density(values, c)

    def loss(self, parameters: Array) -> float:
        """Loss of [values, extras] under the numerical solver."""
        c = self.density(parameters)
        index, seen = self.target.near(c)
        return seen.loss(c if index is None else c.ravel()[index], self.split(parameters)[1])

    def resampled(self, spacing: float) -> Problem:
        """The same problem on a grid of another spacing."""
        shape, affine = grids.aligned_grid(self.tissue.affine, self.tissue.brain, spacing)
        return replace(
            self,
            tissue=self.tissue.resample_to(shape, affine),
            target=self.target.map(lambda a: grids.resample(a, self.tissue.affine, shape, affine)),
            correction=None,
        )

    def coarser(self, spacing: float) -> Problem:
        """The same on a grid that a search only passes through: with longer time steps, and about the same centre."""
        return replace(self.resampled(spacing), around=self.centre, refine=COARSELY)

    def with_long_steps(self) -> Problem:
        """
        The same with the time steps of a search, but for a density, which is known to the last digit.

        Imaging has errors that are larger by far than what longer steps change.
        """
        return self if self.target.complete else replace(self, refine=COARSELY)

    def crop(self, shape: tuple) -> tuple[Tissue, Observation, Array]:
        """Tissue, target and voxel offset of a window of `shape` around the visible tumour's centre of mass."""
        offset = self.tissue.crop_offset(self.centre, shape)
        return self.tissue.crop(offset, shape), self.target.map(lambda a: grids.take(a, offset, shape)), offset
