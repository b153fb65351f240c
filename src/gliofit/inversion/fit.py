"""What every inversion method returns."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.theta import Theta
from gliofit.inversion.own_density import Field
from gliofit.inversion.problem import Problem


@dataclass(eq=False)
class Fit:
    """
    What a method found.

    Parameters
    ----------
    theta : Theta
        θ̂; of several foci, that of the one with the most cells.
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
    parameters : dict of str → float
        All of the growth model's parameters by name.
    model : dict
        Name and options of the growth model, as `growth_model` takes them.
    extras : dict of str → float
        Imaging parameters (thresholds) that were fitted along.
    covariance : ndarray (n, n), optional
        Laplace posterior covariance of [parameters, extras].
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
    parameters: dict[str, float] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
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
        of_model, extras = problem.split(parameters)
        return cls(
            theta=problem.model.theta(of_model, problem.tissue, density),
            density=density,
            loss=problem.target.loss(density, extras),
            seconds=seconds,
            parameters=dict(zip(problem.model.names, of_model.tolist(), strict=True)),
            model=problem.model.to_dict(),
            extras=dict(zip(problem.target.extra_names, extras.tolist(), strict=True)),
            own=own,
            **values,
        )

    def summary(self) -> dict[str, Any]:
        """Everything but the voxel maps on the problem's grid, JSON-ready."""
        return {
            "method": self.method,
            "model": self.model,
            "parameters": self.parameters,
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
