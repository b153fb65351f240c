"""
Linear elasticity at rest: −∇·σ(u) + κu = f, u = 0 where the medium ends, by conjugate gradients and multigrid.

`stencil` has the discretisation. The preconditioner is a V-cycle over grids of twice, four times … the spacing, whose
coefficients are means of the finer ones, with Chebyshev polynomials in A/diagonal as smoothers. It need not be of the
very coefficients that are solved for: runs side by side share one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.cpu.crew import parts_of, share
from gliofit.growth.mass_effect import fields, stencil, transfer
from gliofit.growth.mass_effect.grid import Grid

RADIUS = 5.2
"""
Bound of the spectrum of A/diagonal.

For constant λ and μ and cubic cells the largest eigenvalue is 12(λ + 2μ)/(2λ + 8μ): 3.0 for λ = 0, 5.1 for a tumour's
ν = 0.45, 6 if nothing can be compressed. Where the medium changes from cell to cell it was never larger than in the
stiffest.
"""

SMOOTHED = 4.0
"""Smoothers act on the spectrum above 1/SMOOTHED of RADIUS."""

STAGES = 2
"""Of a smoother; a V-cycle has one before and one after the coarser grids."""

BOTTOM, BOTTOM_STAGES, BOTTOM_SMOOTHED = 6, 16, 60.0
"""Grids this narrow have none below; there the polynomial is longer and wider."""

ALONE = 30_000
"""Cells of grids that one thread works on by itself: to wait for others would cost more."""

MOST_ITERATIONS = 200


@dataclass(frozen=True, eq=False)
class Operator:
    """
    A on one grid.

    Parameters
    ----------
    grid : Grid
    lam, mu, kappa : ndarray [n]
        Of cells; μ = 0 outside, where nothing moves.
    edge, inverse : ndarray [3, n]
        μ at edges xy, xz and yz; 1/diagonal of each component, 0 on faces that may not move.
    spans : int64 ndarray [rows, 2]
        First cell of each row (x, y) to be visited, and one past the last: those with μ > 0 are between.
    """

    grid: Grid
    lam: Array
    mu: Array
    kappa: Array
    edge: Array
    inverse: Array
    spans: Array
    threads: int = 1

    @classmethod
    def of(
        cls, grid: Grid, lam: Array, mu: Array, kappa: Array, threads: int = 1, spans: Array | None = None
    ) -> Operator:
        """From coefficients of cells; `spans` if they are known already."""
        if grid.size < ALONE:
            threads = 1
        edge, inverse = (np.zeros((3, len(mu)), np.float32) for _ in range(2))
        spans = grid.spans(mu > 0) if spans is None else spans
        share(threads, stencil.edges, grid[:4], mu, *edge)
        share(threads, stencil.diagonal, grid[:4], spans, _per_mm(grid), lam, mu, kappa, *edge, *inverse)
        return cls(grid, lam, mu, kappa, edge, inverse, spans, threads)

    def field(self) -> Array:
        """A displacement of 0 [3, n]."""
        return np.zeros((3, len(self.mu)), np.float32)

    def residual(self, u: Array, f: Array, out: Array, sign: float = 1.0) -> Array:
        """sign·f − A u, into `out`."""
        coefficients = self.lam, self.mu, self.kappa, *self.edge, *self.inverse
        size, per_mm = self.grid[:4], _per_mm(self.grid)
        share(self.threads, stencil.residual, size, self.spans, per_mm, *u, *coefficients, np.float32(sign), *f, *out)
        return out

    def relax(self, u: Array, before: Array, f: Array, along: float, anew: float) -> None:
        """A Chebyshev step, into `before`."""
        coefficients = self.lam, self.mu, self.kappa, *self.edge, *self.inverse
        size, per_mm = self.grid[:4], _per_mm(self.grid)
        steps = np.float32(along), np.float32(anew)
        share(self.threads, stencil.relax, size, self.spans, per_mm, *u, *coefficients, *steps, *f, *before)

    def visit(self, kernel: Callable, *arguments: Any) -> None:
        """Call a kernel of `fields` on the cells inside."""
        share(self.threads, kernel, self.grid[:4], self.spans, *arguments)

    def dot(self, a: Array, b: Array) -> float:
        """Scalar product of two displacements."""
        sums = np.zeros(parts_of(self.threads))
        self.visit(fields.dot, a, b, sums)
        return float(sums.sum())

    def norm(self, a: Array) -> float:
        """Euclidean."""
        return self.dot(a, a) ** 0.5

    def coarser(self, spans: Array | None = None) -> Operator:
        """A on the grid of twice the spacing: means over the cells inside, where at least half of them are."""
        grid = self.grid.coarser()
        lam, mu, kappa = np.zeros((3, grid.size), np.float32)
        share(self.threads, stencil.coarsen, self.grid[:4], grid[:4], self.lam, self.mu, self.kappa, lam, mu, kappa)
        return Operator.of(grid, lam, mu, kappa, self.threads, spans)


def _per_mm(grid: Grid) -> tuple:
    return tuple(np.float32(1 / h) for h in grid.spacing)


def _chebyshev(stages: int, smoothed: float) -> list[tuple[float, float]]:
    """(along, anew) of each step of the polynomial that is smallest on RADIUS/smoothed … RADIUS."""
    middle, half = (RADIUS + RADIUS / smoothed) / 2, (RADIUS - RADIUS / smoothed) / 2
    rho = half / middle
    steps = [(0.0, 1 / middle)]
    for _ in range(stages - 1):
        following = 1 / (2 * middle / half - rho)
        steps.append((following * rho, 2 * following / half))
        rho = following
    return steps


class Multigrid:
    """A V-cycle for an operator: symmetric, so that conjugate gradients may use it."""

    def __init__(self, levels: list[Operator], room: list[tuple] | None = None):
        self.levels = levels
        self.room = room or [tuple(level.field() for _ in range(4)) for level in self.levels]
        self.rows = [np.zeros((parts_of(level.threads), level.grid.row + 4), np.float32) for level in self.levels]

    @classmethod
    def of(cls, finest: Operator, like: Multigrid | None = None) -> Multigrid:
        """With as many coarser grids as there can be; `like` is an earlier one of this grid, whose room is taken."""
        levels, known = [finest], like.levels if like else []
        while min(levels[-1].grid[:3]) > BOTTOM:
            levels.append(levels[-1].coarser(known[len(levels)].spans if known else None))
        return cls(levels, like.room if like else None)

    def alone(self) -> Multigrid:
        """The same for one thread beside others."""
        if self.levels[0].threads == 1:
            return self
        return Multigrid([replace(level, threads=1) for level in self.levels])

    def __call__(self, r: Array) -> Array:
        """About A⁻¹ r; the array is overwritten by the next call."""
        return self._cycle(0, r)

    def _cycle(self, depth: int, f: Array) -> Array:
        level = self.levels[depth]
        u, before, rest, _ = self.room[depth]
        last = depth == len(self.levels) - 1
        steps = _chebyshev(BOTTOM_STAGES, BOTTOM_SMOOTHED) if last else _chebyshev(STAGES, SMOOTHED)
        level.visit(fields.begin, np.float32(steps[0][1]), level.inverse, f, u, before)
        for along, anew in steps[1:]:
            level.relax(u, before, f, along, anew)
            u, before = before, u
        if last:
            return u
        coarse = self.levels[depth + 1]
        level.residual(u, f, rest)
        sizes = level.grid[:4], coarse.grid[:4]
        below = self.room[depth + 1][3]
        for axis in range(3):
            share(level.threads, transfer.restrict, *sizes, axis, rest[axis], below[axis], self.rows[depth])
        correction = self._cycle(depth + 1, below)
        for axis in range(3):
            share(level.threads, transfer.prolong, *sizes, axis, correction[axis], level.inverse[axis], u[axis],
                  self.rows[depth])  # fmt: skip
        for along, anew in steps:
            level.relax(u, before, f, along, anew)
            u, before = before, u
        return u


@dataclass(frozen=True)
class Solution:
    """
    What a solve ended with.

    Parameters
    ----------
    u : ndarray [3, n]
        mm.
    residual : ndarray [3, n]
        f − A u.
    iterations : int
    """

    u: Array
    residual: Array
    iterations: int


def solve(
    operator: Operator, precondition: Multigrid, f: Array, start: Array, tolerance: float, most: int = MOST_ITERATIONS
) -> Solution:
    """
    Conjugate gradients until the residual's norm is below `tolerance`.

    Parameters
    ----------
    operator : Operator
    precondition : Multigrid
        Of this operator or one like it.
    f, start : ndarray [3, n]
    tolerance : float
        Of the norm of f − A u, in units of f.
    """
    u, r, p, ap = start.copy(), operator.field(), operator.field(), operator.field()
    operator.residual(u, f, r)
    size, rz, iterations = operator.norm(r), 0.0, 0
    sums = np.zeros(parts_of(operator.threads))
    while size > tolerance and iterations < most:
        z = precondition(r)
        before, rz = rz, operator.dot(r, z)
        operator.visit(fields.turn, z, np.float32(rz / before if before else 0), p)
        operator.residual(p, p, ap, 0.0)  # −A p
        operator.visit(fields.step, np.float32(-rz / operator.dot(p, ap)), p, ap, u, r, sums)
        size = float(sums.sum()) ** 0.5
        iterations += 1
    return Solution(u, r, iterations)
