"""
What the network methods share: a problem as a network sees it.

Networks look at a crop of fixed shape and spacing about the visible tumour and speak of origins relative to the
crop's centre; problems live on a whole brain and in world millimetres. The walls between the two are here.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from gliofit import grids
from gliofit.errors import InputError
from gliofit.inversion.problem import Fit, Problem
from gliofit.tissue import Tissue
from gliofit.vector_math import prepare_vector_math

Array = np.ndarray

# torch takes seconds to import and the registry loads every method, so it is imported where it is used


def network(problem: Problem, role: str):
    """
    The problem's network for `role` (surrogate, inverse, inverse_segmentation, lmi).

    It is loaded if a path was given.

    Raises
    ------
    InputError
        If the problem has no network of that role, or the file is not a sound one.
    """
    if role not in problem.networks:
        raise InputError(f"this method needs trained weights for: {role}")
    found = problem.networks[role]
    if not isinstance(found, str | Path):
        return found
    from gliofit.networks.io import load_network

    return load_network(found, role)


def require_positive(**settings: float) -> None:
    """Raise an InputError for the first setting that is not a positive, finite number."""
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise InputError(f"setting {name} = {value!r} must be a positive number")


def into_tissue(tissue: Tissue, origin: Array) -> Array:
    """
    The point (3,) in mm nearest to `origin` where a tumour can begin.

    Origins in tissue are returned as they are; others (a centre of mass in a ventricle, a candidate in the CSF or
    beyond the grid) would leave the solver without a seed and move to the centre of the nearest tissue voxel.
    """
    voxel = tissue.to_voxel(origin)
    index = np.round(voxel).astype(int)
    if np.all(index >= 0) and np.all(index < tissue.shape) and tissue.mask[tuple(index)]:
        return np.asarray(origin, float)
    places = np.argwhere(tissue.mask)
    nearest = (((places - voxel) * tissue.spacing) ** 2).sum(1).argmin()
    return tissue.to_world(places[nearest])


def legal(problem: Problem, parameters: Array) -> Array:
    """`parameters` = [θ, extras…] inside the problem's box and with the origin in tissue."""
    parameters = problem.box.clip(parameters)
    parameters[:3] = into_tissue(problem.tissue, parameters[:3])
    return parameters


def finish(problem: Problem, parameters: Array, started: float, **values) -> Fit:
    """`Fit.of` for parameters that a network proposed: legal first, then rerun through the numerical solver."""
    return Fit.of(problem, legal(problem, parameters), started, **values)


@contextmanager
def torch_threads(count: int):
    """Let torch use `count` CPU threads, and put its former number back."""
    import torch

    prepare_vector_math()
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
    target : DensityTarget or SegmentationTarget
        Zero outside tissue, where no model can put tumour.
    centre : ndarray (3,)
        World point (mm) of the crop's centre, voxel (n − 1)/2: the origin of the network's coordinates.
    """

    def __init__(self, problem: Problem, model):
        same_grid = np.allclose(problem.tissue.affine[:3, :3], np.eye(3) * model.spacing, atol=1e-3)
        self.whole = problem if same_grid else problem.resampled(model.spacing)
        self.tissue, target, self._offset = self.whole.crop(tuple(model.shape))
        self.target = target.map(lambda a: a * self.tissue.mask)
        self.centre = self.tissue.to_world((np.array(model.shape) - 1) / 2)

    def solved(self, parameters: Array) -> Array:
        """The numerical solver's density of `parameters` = [θ, extras…] on the crop."""
        return grids.take(self.whole.density(legal(self.whole, parameters)), self._offset, self.tissue.shape)

    def to_network(self, theta: Array) -> Array:
        """θ (…, 5) with the origin in world mm → relative to the crop's centre."""
        return np.asarray(theta, float) - np.array([*self.centre, 0.0, 0.0])

    def from_network(self, theta: Array) -> Array:
        """The inverse of `to_network`."""
        return np.asarray(theta, float) + np.array([*self.centre, 0.0, 0.0])


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
        self.centre = torch.as_tensor([*crop.centre, 0.0, 0.0])
        self.evaluations = 0
        self.error = 0.0

    def correct(self, parameters: Array) -> None:
        """From now on, add what the surrogate lacks of the solver's density at `parameters` = [θ, extras…]."""
        import torch

        # before torch is told its number of threads, which it may share with the solver
        solved = torch.as_tensor(self.crop.solved(parameters), device=self.static.device)
        theta = torch.as_tensor(self.crop.to_network(parameters[:5]))[None].float().to(self.static.device)
        with torch.no_grad(), torch_threads(self.crop.whole.threads):
            self.error = solved - self.network(self.static, theta)[0]
        self.evaluations += 1

    def __call__(self, unit):
        """Losses [B] (float32 tensor) of unit-scaled parameters [B, 5 + extras] (float64 tensor)."""
        import torch

        parameters = self.lower + unit * self.width
        theta = (parameters[:, :5] - self.centre).float().to(self.static.device)
        densities = self.network(self.static, theta) + self.error
        self.evaluations += len(unit)
        extras = parameters[:, 5:].float().to(self.static.device)
        losses = [self.target.torch_loss(c, self.arrays, e) for c, e in zip(densities, extras, strict=True)]
        return torch.stack(losses)


def clock() -> float:
    """Start of a search, for `Fit.of`."""
    return time.perf_counter()
