"""What every inversion method is given, and what it returns."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gliofit import grids
from gliofit.errors import InputError
from gliofit.field import Field
from gliofit.growth import simulate
from gliofit.theta import Box, Theta
from gliofit.tissue import Tissue

Array = np.ndarray

ORIGIN_RADIUS_MM = 40.0
"""The origin is sought within this distance (per axis) of the visible tumour's centre of mass."""

MU_D_BOUNDS = (1.0, 40.0)
MU_RHO_BOUNDS = (1.0, 8.0)
START_MU = (12.8, 3.8)
"""Mean (μ_D, μ_ρ) of the paper's training set, where its searches start."""


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
    morph : gliofit.morph.Morph, optional
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


@dataclass(eq=False)
class Fit:
    """
    What a method found.

    Parameters
    ----------
    theta : Theta
        θ̂.
    density : ndarray [x, y, z]
        The numerical solver's density at θ̂ on the problem's grid, or that of `own`.
    loss : float
        The target's loss of `density`, comparable between methods.
    history : list of float
        The method's own loss per iteration (surrogate methods: the surrogate's loss).
    evaluations : int
        Forward runs (solver or surrogate, gradients counted once each).
    seconds : float
        Wall time of the search, without the final solver run.
    converged : bool
    reason : str
        Why it stopped.
    extras : dict of str → float
        Imaging parameters (thresholds) that were fitted along.
    covariance : ndarray (n, n), optional
        Laplace posterior covariance of [θ, extras].
    deviation : ndarray [x, y, z], optional
        Posterior standard deviation of the density.
    own : Field, optional
        The density of a method whose result is not a solver run, on the method's own grid.
    details : dict
        Anything else worth keeping, JSON-ready.
    """

    theta: Theta
    density: Array
    loss: float
    history: list[float]
    evaluations: int
    seconds: float
    converged: bool
    reason: str
    method: str = ""
    extras: dict[str, float] = field(default_factory=dict)
    covariance: Array | None = None
    deviation: Array | None = None
    own: Field | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem, parameters: Array, started: float, own: Field | None = None, **values) -> Fit:
        """
        Finish a search that began at `time.perf_counter()` = `started`.

        θ̂ is rerun through the solver, unless the method has a density of its `own`.
        """
        seconds = time.perf_counter() - started
        parameters = np.asarray(parameters, float)
        density = problem.density(parameters) if own is None else own.on(problem.tissue)
        extras = dict(zip(problem.target.extra_names, map(float, parameters[5:]), strict=True))
        return cls(
            theta=Theta.from_array(parameters[:5]),
            density=density,
            loss=problem.target.loss(density, parameters[5:]),
            seconds=seconds,
            extras=extras,
            own=own,
            **values,
        )

    def summary(self) -> dict[str, Any]:
        """Everything but the voxel maps on the problem's grid, JSON-ready."""
        return {
            "method": self.method,
            "theta": self.theta.to_dict(),
            "extras": self.extras,
            "loss": self.loss,
            "history": [float(v) for v in self.history],
            "evaluations": int(self.evaluations),
            "seconds": self.seconds,
            "converged": bool(self.converged),
            "reason": self.reason,
            "own": None if self.own is None else self.own.to_dict(),
            "covariance": None if self.covariance is None else np.asarray(self.covariance).tolist(),
            "details": self.details,
        }
