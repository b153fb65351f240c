"""
What the network methods share: a problem as a network sees it.

Networks look at a crop of fixed shape and spacing about the visible tumour and speak of origins relative to the
crop's centre; problems live on a whole brain and in world millimetres. The walls between the two are here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.threads import torch_threads
from gliofit.growth.theta import NAMES, ORIGIN
from gliofit.inversion.checks import no_weights
from gliofit.inversion.legal import legal
from gliofit.inversion.problem import Problem

# torch takes seconds to import and the registry loads every method, so it is imported where it is used


def network(problem: Problem, role: str) -> Any:
    """
    The problem's network for `role` (surrogate, inverse, inverse_segmentation, lmi).

    It is loaded if a path was given.

    Raises
    ------
    InputError
        If the problem has no network of that role, or the file is not a sound one.
    """
    if role not in problem.networks:
        raise no_weights("this method", [role])
    found = problem.networks[role]
    if not isinstance(found, str | Path):
        return found
    from gliofit.networks.weights import load_network

    return load_network(found, role)


def loaded(problem: Problem, role: str) -> Problem:
    """The problem with its network for `role` loaded."""
    return replace(problem, networks={**problem.networks, role: network(problem, role)})


class Crop:
    """
    A problem on a network's grid.

    Parameters
    ----------
    problem : Problem
        Resampled to the network's spacing (RAS-aligned, as in training) if it is on another grid.
    model : network
        With `shape` (voxels) and `spacing` (mm).

    Attributes
    ----------
    whole : Problem
        On the network's grid, before it was cropped.
    tissue : Tissue
    target : Observation
        Zero outside tissue, where no model can put tumour.
    centre : ndarray (3,)
        World point (mm) of the crop's centre, voxel (n − 1)/2: the origin of the network's coordinates.
    """

    def __init__(self, problem: Problem, model: Any):
        same_grid = np.allclose(problem.tissue.affine[:3, :3], np.eye(3) * model.spacing, atol=1e-3)
        self.problem, self.whole = problem, problem if same_grid else problem.resampled(model.spacing)
        self.tissue, target, self._offset = self.whole.crop(tuple(model.shape))
        self.target = target.map(lambda a: a * self.tissue.mask)
        self.centre = self.tissue.to_world((np.array(model.shape) - 1) / 2)

    def solved(self, parameters: Array) -> Array:
        """The numerical solver's density of `parameters` = [values, extras] on the crop."""
        return grids.take(self.whole.density(legal(self.whole, parameters)), self._offset, self.tissue.shape)

    def cut(self, density: Array) -> Array:
        """The crop of a density on the problem's own grid."""
        if self.whole is self.problem:
            return grids.take(density, self._offset, self.tissue.shape)
        return grids.resample(density, self.problem.tissue.affine, self.tissue.shape, self.tissue.affine)

    def to_network(self, values: Any) -> Any:
        """θ [..., foci, 5], as the network has it, of the growth model's values [..., n] (ndarray or tensor)."""
        shift = self.shift
        return values[..., self.whole.model.theta_places] - (
            shift if isinstance(values, np.ndarray) else values.new_tensor(shift)
        )

    def from_network(self, theta: Array) -> Array:
        """The growth model's values (n,) for one θ (5,) of the network: every focus is there."""
        return self.whole.model.from_theta(theta + self.shift)

    @property
    def shift(self) -> Array:
        """From the crop's centre to the world's, of [origin, μ_D, μ_ρ]."""
        shift = np.zeros(len(NAMES))
        shift[ORIGIN] = self.centre
        return shift


def joined(network: Any, run: Callable, static: Any, theta: Any) -> Any:
    """
    Densities [B, x, y, z] of θ [B, foci, 5] by `run`, the network itself or a part of it.

    Several foci are run at once by a network that can, else each alone and joined as 1 − ∏(1 − c).
    """
    batch, foci, size = theta.shape
    if foci > 1 and getattr(network, "several_foci", False):
        return run(static, theta)
    alone = run(static, theta.reshape(batch * foci, size))
    return alone if foci == 1 else 1 - (1 - alone.reshape(batch, foci, *alone.shape[1:])).prod(1)


class SurrogateLoss:
    """
    The target's loss on the crop under the surrogate, on unit-scaled parameters; differentiable.

    Parameters
    ----------
    problem : Problem
        With a network "surrogate".

    Attributes
    ----------
    evaluations : int
        Forward runs of the surrogate so far.
    error : float or Tensor [x, y, z]
        Added to the surrogate's densities; see `correct`.
    """

    def __init__(self, problem: Problem):
        import torch

        self.network = network(problem, "surrogate")
        self.crop = crop = Crop(problem, self.network)
        self.static = self.network.prepare(crop.tissue)
        self.target = crop.target
        self.arrays = {k: torch.as_tensor(a, device=self.static.device) for k, a in crop.target.arrays().items()}
        self.lower = torch.as_tensor(problem.box.lower)
        self.width = torch.as_tensor(problem.box.upper - problem.box.lower)
        self.evaluations = 0
        self.error: Any = 0.0

    def correct(self, parameters: Array, solved: Array | None = None) -> None:
        """
        From now on, add what the surrogate lacks of the solver's density at `parameters` = [values, extras].

        That is `solved` on the crop; run here if not given.
        """
        import torch

        # before torch is told its number of threads, which it may share with the solver
        known = self.crop.solved(parameters) if solved is None else solved
        density = torch.as_tensor(known, device=self.static.device)
        values, _ = self.crop.whole.split(torch.as_tensor(parameters)[None])
        with torch.no_grad(), torch_threads(self.crop.whole.threads):
            self.error = density - self.densities(values)[0]
        self.evaluations += 1

    def densities(self, values: Any) -> Any:
        """Of the growth model's values [B, n]."""
        theta = self.crop.to_network(values).float().to(self.static.device)
        return joined(self.network, self.network, self.static, theta)

    def density(self, parameters: Array) -> Array:
        """The surrogate's density [x, y, z] on the crop, of [values, extras]."""
        import torch

        values, _ = self.crop.whole.split(torch.as_tensor(parameters)[None])
        with torch.no_grad(), torch_threads(self.crop.whole.threads):
            density = (self.densities(values)[0] + self.error).cpu().numpy()
        self.evaluations += 1
        return density

    def with_best_extras(self, parameters: Array) -> tuple[Array, float]:
        """`parameters` with the extras that suit their density best, and the loss with them."""
        density = self.density(parameters)
        extras = self.target.best_extras(density)
        found = np.concatenate([self.crop.whole.split(parameters)[0], extras])
        return found, self.target.loss(density, extras)

    def __call__(self, unit: Any) -> Any:
        """Losses [B] (float32 tensor) of unit-scaled parameters [B, n + extras] (float64 tensor)."""
        import torch

        parameters = self.lower + unit * self.width
        values, extras = self.crop.whole.split(parameters)
        densities = self.densities(values) + self.error
        self.evaluations += len(unit)
        extras = extras.float().to(self.static.device)
        losses = [self.target.torch_loss(c, self.arrays, e) for c, e in zip(densities, extras, strict=True)]
        return torch.stack(losses)
