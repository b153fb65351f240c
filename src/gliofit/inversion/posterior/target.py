"""The posterior of a problem, as a sampler sees it: likelihoods of points of the unit cube, where the prior is flat."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.inversion.finer import corrected_on
from gliofit.inversion.posterior.compared import extent
from gliofit.inversion.posterior.forward import Coarser, Forward, Solver, Surrogate
from gliofit.inversion.posterior.likelihood import OUTLINE_MM, STRIDE_MM, Likelihood
from gliofit.inversion.posterior.points import Points
from gliofit.inversion.posterior.unknowns import unknowns_of
from gliofit.inversion.problem import Problem

FORWARD = ("solver", "surrogate")

LONGEST_MM = 150.0
"""No tumour's front, 2·μ_D·μ_ρ, went further than 122 mm of 300 of the prior's (`gliofit.synthetic.prior`)."""

DRAWS = 10_000
"""A prior that holds none of so many points is empty."""


class Posterior:
    """
    Of [values, extras, noise] given a problem.

    The prior is that of `unknowns_of`, cut down to origins in tissue within the ball that the likelihood looks at, and
    to fronts that travel no further than a head is long.

    Parameters
    ----------
    problem : Problem
    parameters, prior, ranges
        See `unknowns_of`.
    forward : {"solver", "surrogate"}
    outline_mm, stride_mm, label_power : float
        See `gliofit.inversion.posterior.likelihood`.

    Attributes
    ----------
    names : tuple of str
        Of what a point stands for in a fit: values, extras, noise.
    likelihood : Likelihood
    """

    def __init__(
        self,
        problem: Problem,
        *,
        parameters: str = "unified",
        prior: str = "log_uniform",
        ranges: Mapping[str, Sequence[float]] | None = None,
        forward: str = "solver",
        outline_mm: float = OUTLINE_MM,
        stride_mm: float = STRIDE_MM,
        label_power: float = 1.0,
    ):
        if forward not in FORWARD:
            raise InputError(f"forward '{forward}' is unknown; there are: {', '.join(FORWARD)}")
        for name, value in (("outline_mm", outline_mm), ("stride_mm", stride_mm), ("label_power", label_power)):
            if not 0 < value < np.inf:
                raise InputError(f"{name} = {value!r} must be a positive number")
        self.problem = problem
        centre, self.radius = extent(problem.tissue, problem.target)
        self.forward: Forward = Solver(problem, centre, self.radius) if forward == "solver" else Surrogate(problem)
        tissue = self.forward.tissue
        compared = self.forward.target, centre, self.radius
        self.likelihood = Likelihood(tissue, *compared, outline_mm, stride_mm, label_power)
        self.unknowns = unknowns_of(problem, self.likelihood.noise, parameters, prior, ranges)
        self.names = self.unknowns.parameter_names
        self._of_model = problem.model.size
        self._centre = centre
        given = sorted((ranges or {}).items())
        self._settings = [parameters, prior, given, forward, outline_mm, stride_mm, label_power]
        self._about: dict[str, Any] = {"parameters": parameters, "prior": prior, "ranges": ranges, "forward": forward}
        self._about |= {"outline_mm": outline_mm, "stride_mm": stride_mm}

    @property
    def size(self) -> int:
        return self.unknowns.size

    def parameters(self, unit: Array) -> Array:
        """Values, extras and noise, ndarray (…, n), of points (…, d) of the unit cube."""
        return self.unknowns.parameters(self.unknowns.from_unit(unit))

    def supported(self, unit: Array) -> Array:
        """Where the prior is not 0, bool [B], of points [B, d]."""
        parameters = self.parameters(unit)
        model, tissue = self.problem.model, self.forward.tissue
        inside = np.all((unit >= 0) & (unit <= 1), axis=1)
        mu_D, mu_rho = (parameters[:, self.names.index(name)] for name in ("mu_D", "mu_rho"))
        inside &= 2 * mu_D * mu_rho <= LONGEST_MM
        for places in model.origins:
            points = parameters[:, places]
            voxel = np.round(tissue.to_voxel(points)).astype(int)
            on_grid = np.all((voxel >= 0) & (voxel < np.array(tissue.shape)), axis=1)
            voxel = np.where(on_grid[:, None], voxel, 0)
            near = ((points - self._centre) ** 2).sum(1) <= self.radius**2
            inside &= on_grid & near & tissue.mask[tuple(voxel.T)]
        return inside

    def draw(self, rng: np.random.Generator, number: int) -> Array:
        """Points [number, d] of the prior."""
        found: list[Array] = []
        missing, tried = number, 0
        while missing:
            drawn = rng.random((max(4 * missing, 64), self.size))
            kept = drawn[self.supported(drawn)][:missing]
            tried += len(drawn)
            if not len(kept) and tried >= DRAWS and not found:
                raise InputError("the prior is empty: no origin of it lies in tissue near the tumour")
            found.append(kept)
            missing -= len(kept)
        return np.concatenate(found)

    def coarser(self, times: int) -> Posterior:
        """The same, its densities by the solver on a grid of `times` the spacing."""
        other = copy(self)
        other.forward = Coarser(self.problem, self._centre, self.radius, times)
        return other

    def weighing_labels(self, power: float) -> Posterior:
        """The same with another power of the outlines' likelihood."""
        return Posterior(self.problem, **self._about, label_power=power)

    def finer(self, at: Array, *, roughly: bool = False) -> Posterior:
        """
        The same, with what half the spacing adds to the solver's densities at a point [d] of the unit cube.

        That makes up for longer time steps, too; where it is told `roughly`, by long steps on half the spacing, it does
        not.
        """
        if not isinstance(self.forward, Solver):
            raise InputError("only the solver's densities can be corrected for the grid, not a surrogate's")
        values, solver = self.parameters(at)[: self._of_model], self.forward
        quick = self.problem.with_long_steps().refine
        steps = {"refine": quick, "refine_finer": quick if roughly else 1.0}
        found = corrected_on(
            self.problem.model,
            solver.tissue,
            values,
            solver.offset,
            self.problem.tissue,
            self.problem.threads,
            **steps,
        )
        self.problem.runs.number += 2
        return self._with(replace(self.problem, correction=found, refine=quick))

    def quickly(self) -> Posterior:
        """The same by the solver with longer time steps, for a search that goes on without."""
        return self._with(self.problem.with_long_steps())

    def _with(self, problem: Problem) -> Posterior:
        """The same likelihood of a problem's densities by the solver, as they are now."""
        assert isinstance(self.forward, Solver)
        other = copy(self)
        other.problem, other.forward = problem, Solver(problem, self._centre, self.radius)
        return other

    def near(self, fitted: Array) -> Array:
        """
        A point [d] of the unit cube, within the support, near fitted [values, extras].

        The noise is the one of several for which the likelihood is highest. Where the fit is none of the prior's, it is
        the best of some of its points.
        """
        rng = np.random.default_rng(0)
        noise = self.unknowns.from_unit(np.linspace(0.05, 0.95, 7)[:, None] * np.ones(self.size))
        tried = np.array([self.unknowns.to_unit(self.unknowns.of_fit(fitted, row)) for row in noise])
        tried = np.clip(tried, 0.01, 0.99)
        tried = tried[self.supported(tried)]
        if not len(tried):
            tried = self.draw(rng, 64)
        found = self.evaluate(tried)
        return found.unit[int(found.log_likelihood.argmax())]

    def evaluate(self, unit: Array, linearised: bool = False) -> Points:
        """Likelihoods at points [B, d], with gradients and Gauss–Newton matrices or without."""
        parameters = self.parameters(unit)
        values = parameters[:, : self._of_model]
        if not linearised:
            found = self.forward.densities(values, lambda i, c: self.likelihood.value(c, self._imaging(parameters[i])))
            return Points(np.array(unit), np.array(found, float).reshape(len(unit)))
        unknowns = self.unknowns.from_unit(unit)
        chains = [self.unknowns.derivative(p) * self.unknowns.slope(p) for p in unknowns]

        def use(i: int, c: Array, jacobian: Array) -> tuple[float, Array, Array]:
            value, gradient, matrix = self.likelihood.linearised(
                c, jacobian, self._imaging(parameters[i]), list(self.names)
            )
            return value, chains[i].T @ gradient, chains[i].T @ matrix @ chains[i]

        terms = self.forward.jacobians(values, use)
        n, d = len(unit), self.size
        return Points(
            np.array(unit),
            np.array([t[0] for t in terms], float),
            np.array([t[1] for t in terms], float).reshape(n, d),
            np.array([t[2] for t in terms], float).reshape(n, d, d),
        )

    def of_density(self, c: Array, unit: Array) -> Array:
        """Log-likelihoods [B] of points [B, d] whose density is c [x, y, z], whatever their growth model's values."""
        return np.array([self.likelihood.value(c, self._imaging(p)) for p in self.parameters(unit)])

    def _imaging(self, parameters: Array) -> dict[str, float]:
        return dict(zip(self.names[self._of_model :], parameters[self._of_model :].tolist(), strict=True))

    def fingerprint(self) -> dict[str, Any]:
        """What the samples depend on, JSON-ready: a checkpoint of another is not taken up."""
        digest = hashlib.sha256()
        tissue = self.forward.tissue
        for data in (tissue.wm, tissue.gm, tissue.affine, *self.forward.target.arrays().values()):
            digest.update(np.ascontiguousarray(data).tobytes())
        for u in self.unknowns.unknowns:
            digest.update(repr((u.name, float(u.lower), float(u.upper), u.log)).encode())
        return {
            "model": self.problem.model.to_dict(),
            "posterior": [str(setting) for setting in self._settings],
            "data": digest.hexdigest()[:16],
        }
