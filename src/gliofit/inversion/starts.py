"""Where searches on the solver begin: fronts of different width that reach as far as the visible tumour."""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.problem import Problem

FRONT_WIDTHS = (1.5, 3.0, 6.0)
"""μ_D/μ_ρ in mm that starts have if nothing else is asked for."""

FOLLOWED = 3
"""Starts that searches for outlines begin from, those that explain most: from most of them they end in one valley."""


class Starts:
    """
    Where to begin on a grid: rounds of starts, the first at the centre of mass.

    Parameters
    ----------
    problem : Problem
    front_widths : tuple of float
        mm.
    rng : numpy Generator
        Of the further rounds' origins.
    """

    def __init__(self, problem: Problem, front_widths: tuple[float, ...], rng: np.random.Generator):
        self.problem, self.front_widths, self.rng = problem, front_widths, rng

    def round(self, number: int) -> list[Array]:
        """Those at the centre of mass, then at places that are drawn."""
        return self.at([self.problem.centre] if number == 0 else self._origins(2))

    def at(self, origins: list[Array]) -> list[Array]:
        """One start per origin (mm), start of the extras and front width; of outlines those that explain most."""
        extras = self.problem.target.extra_starts
        found = [s for o in origins for e in extras for s in matched_starts(self.problem, self.front_widths, o, e)]
        return found if self.problem.target.complete else sorted(found, key=self._loss)[:FOLLOWED]

    def _loss(self, start: Array) -> float:
        """With the extras that suit its density best."""
        c = self.problem.density(start)
        return self.problem.target.loss(c, self.problem.target.best_extras(c))

    def _origins(self, count: int) -> list[Array]:
        """Places drawn within the visible tumour, the denser the likelier."""
        tissue = self.problem.tissue
        weight = (self.problem.target.visible.astype(np.float64) * tissue.mask).ravel() ** 2
        if not weight.sum() > 0:
            return []
        chosen = self.rng.choice(weight.size, size=count, p=weight / weight.sum())
        return list(tissue.to_world(np.stack(np.unravel_index(chosen, tissue.shape), -1)))


def matched_starts(problem: Problem, front_widths: tuple[float, ...], origin: Array, extras: Array) -> list[Array]:
    """
    Starts at one origin (mm), with given extras, one per width (mm) of the front √(D/ρ) = μ_D/μ_ρ.

    How far the front travels is chosen to give the visible volume (secant search on the solver).
    """
    model, target = problem.model, problem.target
    base = model.on_tissue(problem.tissue, model.begin(origin))
    observed = float(target.visible.sum(dtype=np.float64))
    voxel = float(np.prod(problem.tissue.spacing))
    radius = (3 * observed * voxel / (4 * np.pi) / target.layers) ** (1 / 3)
    starts = []
    for width in front_widths:
        low, high, distance = 0.2 * radius, 8 * radius + 40, 1.5 * radius + 4
        for _ in range(5):
            p = np.concatenate([model.with_front(base, distance, width), extras])
            ratio = (target.visible_size(problem.density(p), extras) + 1) / (observed + 1)
            if ratio > 1:
                high = distance
            else:
                low = distance
            distance = float(np.clip(distance / ratio ** (1 / 3), low + 0.1 * (high - low), high - 0.1 * (high - low)))
            if 0.9 < ratio < 1.1:
                break
        starts.append(p)
    return starts
