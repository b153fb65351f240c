"""
Linear elasticity at rest: −∇·σ(u) + κu = f, u = 0 where the medium ends, by conjugate gradients and multigrid.

`stencil` has the discretisation. The preconditioner is a V-cycle over grids of twice, four times … the spacing, whose
coefficients are means of the finer ones, with Chebyshev polynomials in A/diagonal as smoothers. It need not be of the
very coefficients that are solved for: as a tumour grows it is kept for some solves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.cpu.crew import share
from gliofit.growth.mass_effect import stencil, transfer
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

VECTOR = 16
"""Cells that the compiled loops do at once, on any processor; grids' rows are multiples of it."""

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
    edge, inverse : list of ndarray [n]
        μ at edges xy, xz and yz; 1/diagonal of each component, 0 on faces that may not move.
    spans : int64 ndarray [rows, 2]
        First cell of each row (x, y) to be visited, and one past the last: those with μ > 0 are between.
    """

    grid: Grid
    lam: Array
    mu: Array
    kappa: Array
    edge: list[Array]
    inverse: list[Array]
    spans: Array
    threads: int = 1

    @classmethod
    def of(cls, grid: Grid, lam: Array, mu: Array, kappa: Array, threads: int = 1) -> Operator:
        """From coefficients of cells."""
        if grid.size < ALONE:
            threads = 1
        edge, inverse = ([np.zeros(len(mu), np.float32) for _ in range(3)] for _ in range(2))
        share(threads, stencil.edges, grid[:4], mu, *edge)
        share(threads, stencil.diagonal, grid[:4], _per_mm(grid), lam, mu, kappa, *edge, *inverse)
        return cls(grid, lam, mu, kappa, edge, inverse, _spans(grid, mu > 0), threads)

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

    def coarser(self) -> Operator:
        """A on the grid of twice the spacing: means over the cells inside, where at least half of them are."""
        grid = self.grid.coarser()
        inside = (self.mu > 0).astype(np.float32)

        def summed(flat):
            cells = flat.reshape(self.grid.padded)[1 : 2 * grid.nx + 1, 1 : 2 * grid.ny + 1, 1 : 2 * grid.nz + 1]
            cells = cells[:, :, 0::2] + cells[:, :, 1::2]
            cells = cells[:, 0::2] + cells[:, 1::2]
            return cells[0::2] + cells[1::2]

        number = summed(inside)
        weight = np.where(number >= 4, 1 / np.maximum(number, 1), 0).astype(np.float32)
        lam, mu, kappa = (grid.pad(summed(inside * v) * weight) for v in (self.lam, self.mu, self.kappa))
        return Operator.of(grid, lam, mu, kappa, self.threads)


def _spans(grid: Grid, inside: Array) -> Array:
    """Where in each row cells are inside, widened to whole vectors: what is left over is done cell by cell, slowly."""
    rows = inside.reshape(-1, grid.row)
    first, last = rows.argmax(axis=1), grid.row - rows[:, ::-1].argmax(axis=1)
    length = np.minimum(-(-(last - first) // VECTOR) * VECTOR, grid.row)
    first = np.minimum(first, grid.row - length)
    spans = np.stack([first, first + length], axis=1)
    spans[~rows.any(axis=1)] = 0
    return spans


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

    def __init__(self, levels: list[Operator]):
        self.levels = levels
        self.room = [tuple(level.field() for _ in range(4)) for level in self.levels]
        self.rows = [np.zeros((4 * level.threads, level.grid.row + 4), np.float32) for level in self.levels]

    @classmethod
    def of(cls, finest: Operator) -> Multigrid:
        """With as many coarser grids as there can be."""
        levels = [finest]
        while min(levels[-1].grid[:3]) > BOTTOM:
            levels.append(levels[-1].coarser())
        return cls(levels)

    def alone(self) -> Multigrid:
        """The same for one thread beside others."""
        return Multigrid([replace(level, threads=1) for level in self.levels])

    def __call__(self, r: Array) -> Array:
        """About A⁻¹ r; the array is overwritten by the next call."""
        return self._cycle(0, r)

    def _cycle(self, depth: int, f: Array) -> Array:
        level = self.levels[depth]
        u, before, rest, _ = self.room[depth]
        last = depth == len(self.levels) - 1
        steps = _chebyshev(BOTTOM_STAGES, BOTTOM_SMOOTHED) if last else _chebyshev(STAGES, SMOOTHED)
        before[:] = 0
        for axis in range(3):
            np.multiply(f[axis], level.inverse[axis], out=u[axis])
        u *= np.float32(steps[0][1])
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
    u, r, ap = start.copy(), operator.field(), operator.field()
    operator.residual(u, f, r)
    p, rz, iterations = None, 0.0, 0
    while _norm(r) > tolerance and iterations < most:
        z = precondition(r)
        before, rz = rz, _dot(r, z)
        p = z.copy() if p is None else z + np.float32(rz / before) * p
        operator.residual(p, p, ap, 0.0)  # −A p
        step = np.float32(-rz / _dot(p, ap))
        u += step * p
        r += step * ap
        iterations += 1
    return Solution(u, r, iterations)


def _dot(a: Array, b: Array) -> float:
    return float(np.vdot(a, b))


def _norm(a: Array) -> float:
    return _dot(a, a) ** 0.5
