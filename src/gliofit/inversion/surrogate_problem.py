"""A problem whose densities are a surrogate's, with their Jacobian: what searches on the solver do, on the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.threads import torch_threads
from gliofit.inversion.crops import Crop, joined, network
from gliofit.inversion.problem import Problem, Runs

STEP = 1e-3
"""Of a parameter's range: single precision's error is a thousandth of what a density changes by."""


@dataclass(eq=False, kw_only=True)
class SurrogateProblem(Problem):
    """
    A problem on a network's crop, for any number of foci. `runs` counts the surrogate's.

    Parameters
    ----------
    window : Crop
        Of the whole problem.
    surrogate : network
    static : Tensor [C, x, y, z]
        The anatomy as the network sees it.
    corrected : bool
        False: by the coarse run that a surrogate corrects, if it has one, for what need not be exact.
    error : ndarray [x, y, z] or float
        Added to the surrogate's densities.
    """

    window: Crop
    surrogate: Any
    static: Any
    corrected: bool = True
    error: Array | float = 0.0

    @classmethod
    def of(cls, problem: Problem) -> SurrogateProblem:
        """Of a problem with a network "surrogate", with one focus."""
        one = replace(problem, model=problem.model.with_one_focus())
        surrogate = network(problem, "surrogate")
        crop = Crop(one, surrogate)
        known: dict[str, Any] = {
            "networks": {**problem.networks, "surrogate": surrogate},
            "seed": problem.seed,
            "threads": problem.threads,
        }
        known |= {"model": one.model, "around": one.centre, "runs": Runs()}
        return cls(
            crop.tissue, crop.target, **known, window=crop, surrogate=surrogate, static=surrogate.prepare(crop.tissue)
        )

    def density(self, parameters: Array) -> Array:
        return self._densities(self.split(parameters)[0][None])[0]

    def density_and_jacobian(self, parameters: Array) -> tuple[Array, Array]:
        """By the surrogate's own tangents if it has them, else by differences."""
        values = self.split(parameters)[0]
        if not hasattr(self.surrogate, "with_jacobian"):
            return self._differences(values)
        self.runs.number += 1
        with torch_threads(self.threads):
            theta = self._theta(values)
            density, jacobian = self.surrogate.with_jacobian(self.static, theta, corrected=self.corrected)
        by_value = np.empty((self.model.size, *self.tissue.shape), np.float32)
        by_value[[*self.model.origins.ravel(), *self.model.theta_places[0, 3:]]] = jacobian.cpu().numpy()
        return self._without_error(density.cpu().numpy()), by_value

    def without(self, density: Array, parameters: Array) -> SurrogateProblem:
        """The same with the surrogate's error at `parameters` taken off, where `density` [x, y, z] is the true one."""
        plain = replace(self, error=0.0)
        return replace(self, error=density - plain.density(parameters))

    def _theta(self, values: Array) -> Any:
        """θ [..., foci, 5] (tensor) as the network has it, of the growth model's values [..., n]."""
        import torch

        theta = values[..., self.model.theta_places] - self.window.shift
        return torch.as_tensor(theta, dtype=torch.float32, device=self.static.device)

    def _densities(self, values: Array) -> Array:
        """[B, x, y, z] of values [B, n]."""
        import torch

        self.runs.number += len(values)
        alone = self.corrected or not hasattr(self.surrogate, "with_jacobian")
        run = self.surrogate if alone else self.surrogate.uncorrected
        with torch.no_grad(), torch_threads(self.threads):
            found = joined(self.surrogate, run, self.static, self._theta(values))
        return self._without_error(found.cpu().numpy())

    def _without_error(self, density: Array) -> Array:
        return np.clip(density + self.error, 0, 1) if np.ndim(self.error) else density

    def _differences(self, values: Array) -> tuple[Array, Array]:
        """One-sided, towards the middle of the range."""
        size = self.model.size
        lower, upper = self.box.lower[:size], self.box.upper[:size]
        steps = STEP * (upper - lower) * np.where(values > (lower + upper) / 2, -1, 1)
        here, *moved = self._densities(np.concatenate([values[None], values + np.diag(steps)]))
        return here, np.stack([(m - here) / step for m, step in zip(moved, steps, strict=True)])
