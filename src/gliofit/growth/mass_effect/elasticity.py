"""
Linear elasticity at rest: −∇·σ(u) + κu = f, u = 0 where the medium ends, by conjugate gradients and multigrid.

`stencil` has the discretisation. The preconditioner is a V-cycle over grids of twice, four times … the spacing, whose
coefficients are means of the finer ones, with Chebyshev polynomials in A/diagonal as smoothers. It need not be of the
very coefficients that are solved for: runs side by side share one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.cpu.crew import parts_of, share
from gliofit.growth.mass_effect import fields, stencil, transfer
from gliofit.growth.mass_effect.grid import Grid, aligned
from gliofit.growth.mass_effect.passes import BEGIN, PULL, RELAX, REST, TILE, TURN, passes

RADIUS = 5.2
"""
Bound of the spectrum of A/diagonal.

For constant λ and μ and cubic cells the largest eigenvalue is 12(λ + 2μ)/(2λ + 8μ): 3.0 for λ = 0, 5.1 for a tumour's
ν = 0.45, 6 if nothing can be compressed. Where the medium changes from cell to cell it was never larger than in the
stiffest.
"""

SMOOTHED = 18.0
"""Smoothers act on the spectrum above 1/SMOOTHED of RADIUS."""

STAGES = 4
"""
Of a smoother; a V-cycle has one before and one after the coarser grids.

Passes follow each other through the cache, so that four cost hardly twice as much as two, and save a third of the
iterations.
"""

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
    coefficients : ndarray [6 n]
        As `stencil` has them; μ = 0 outside, where nothing moves.
    inverse : ndarray [3 n]
        1/diagonal of each component, 0 on faces that may not move.
    spans, around : int64 ndarray [rows, 2]
        First cell of each row (x, y) to be visited, and one past the last: those with μ > 0 are between. Where
        coefficients are needed.
    threads : int
    """

    grid: Grid
    coefficients: Array
    inverse: Array
    spans: Array
    around: Array
    threads: int = 1

    @classmethod
    def of(
        cls, grid: Grid, lam: Array, mu: Array, kappa: Array, threads: int = 1, like: Operator | None = None
    ) -> Operator:
        """From coefficients of cells [n]; `like` is an earlier operator with this μ > 0, whose room is taken."""
        if grid.size < ALONE:
            threads = 1
        if like is None:
            spans = grid.spans(mu > 0)
            like = cls(grid, aligned(stencil.KINDS * grid.size), grid.faces(), spans, grid.around(spans), threads)
        share(threads, stencil.edges, grid[:4], like.around, lam, mu, kappa, like.coefficients)
        share(threads, stencil.diagonal, grid[:4], like.spans, grid.per_mm, like.coefficients, like.inverse)
        return like

    @cached_property
    def room(self) -> list[Array]:
        """Displacements for a solve to work in: residual, direction and A times it."""
        return [self.field() for _ in range(3)]

    def field(self) -> Array:
        """A displacement of 0 [3 n]."""
        return self.grid.faces()

    def passes(self, kinds: Array, numbers: Array, f: Array, u: Array, v: Array, r: Array) -> float:
        """Do passes of these kinds (`mass_effect.passes`), and return the last one's sum."""
        sums = np.zeros(parts_of(self.threads))
        fixed = self.coefficients, self.inverse, f
        if self.threads == 1:
            self.visit(passes, self.grid.per_mm, kinds, numbers, TILE, *fixed, u, v, r, sums)
            return float(sums.sum())
        for s in range(len(kinds)):
            own = kinds[s : s + 1], numbers[s : s + 1], self.grid.ny
            self.visit(passes, self.grid.per_mm, *own, *fixed, u, v, r, sums)
            if kinds[s] == RELAX:
                u, v = v, u
        return float(sums.sum())

    def residual(self, u: Array, f: Array, out: Array) -> float:
        """f − A u, into `out`; its Euclidean norm."""
        return self.passes(*AS_REST, f, u, u, out) ** 0.5

    def visit(self, kernel: Callable, *arguments: Any) -> None:
        """Call a kernel on the cells inside."""
        share(self.threads, kernel, self.grid[:4], self.spans, *arguments)

    def norm(self, a: Array) -> float:
        """Euclidean, of a displacement or a force."""
        sums = np.zeros(parts_of(self.threads))
        self.visit(fields.square, a, np.float32(0), a, sums)
        return float(sums.sum()) ** 0.5

    def coarser(self, like: Operator | None = None) -> Operator:
        """A on the grid of twice the spacing: means over the cells inside, where at least half of them are."""
        grid = self.grid.coarser()
        lam, mu, kappa = np.zeros((3, grid.size), np.float32)
        share(self.threads, stencil.coarsen, self.grid[:4], grid[:4], self.coefficients, lam, mu, kappa)
        return Operator.of(grid, lam, mu, kappa, self.threads, like)


def plan(*stages: tuple) -> tuple[Array, Array]:
    """Kinds and numbers of passes."""
    return np.array([kind for kind, *_ in stages]), np.array([own for _, *own in stages], np.float32)


AS_REST = plan((REST, 0, 0, 0))


def _smoother(stages: int, smoothed: float, begun: bool) -> list[tuple]:
    """The Chebyshev polynomial in A/diagonal that is smallest on RADIUS/smoothed … RADIUS, from 0 unless `begun`."""
    middle, half = (RADIUS + RADIUS / smoothed) / 2, (RADIUS - RADIUS / smoothed) / 2
    rho = half / middle
    steps: list[tuple] = [(RELAX, 1, 0, 1 / middle) if begun else (BEGIN, 0, 0, 1 / middle)]
    for number in range(stages - 1):
        following = 1 / (2 * middle / half - rho)
        # of the first step from 0, what was before is 0
        along = following * rho
        steps.append((RELAX, 1 + along, along if begun or number else 0, 2 * following / half))
        rho = following
    return steps


DOWN = plan(*_smoother(STAGES, SMOOTHED, False), (REST, 0, 0, 0))
UP = plan(*_smoother(STAGES, SMOOTHED, True))
AT_BOTTOM = plan(*_smoother(BOTTOM_STAGES, BOTTOM_SMOOTHED, False))
"""Before a coarser grid, after it, and on the coarsest."""


class Multigrid:
    """
    A V-cycle for an operator: symmetric, so that conjugate gradients may use it.

    Parameters
    ----------
    levels : list of Operator
        From the finest.
    """

    def __init__(self, levels: list[Operator]):
        self.levels = levels
        self.rows = [np.zeros((parts_of(level.threads), level.grid.row + 4), np.float32) for level in levels]
        self.room = [[level.field() for _ in range(4)] for level in levels]

    @classmethod
    def of(cls, finest: Operator, like: Multigrid | None = None) -> Multigrid:
        """With as many coarser grids as there can be; `like` is an earlier one of this grid, whose room is taken."""
        if like and like.levels[0].inverse is finest.inverse:
            for above, level in pairwise(like.levels):
                above.coarser(level)
            return like
        levels = [finest]
        while min(levels[-1].grid[:3]) > BOTTOM:
            levels.append(levels[-1].coarser())
        return cls(levels)

    def alone(self) -> Multigrid:
        """The same for one thread beside others."""
        if self.levels[0].threads == 1:
            return self
        return Multigrid([replace(level, threads=1) for level in self.levels])

    def __call__(self, r: Array) -> tuple[Array, float]:
        """About z = A⁻¹ r, an array that the next call overwrites, and the scalar product of both."""
        return self._cycle(0, r)

    def _cycle(self, depth: int, f: Array) -> tuple[Array, float]:
        level = self.levels[depth]
        u, v, rest, _ = self.room[depth]
        if depth == len(self.levels) - 1:
            product = level.passes(*AT_BOTTOM, f, u, v, rest)
            return (u, v)[(BOTTOM_STAGES - 1) % 2], product
        level.passes(*DOWN, f, u, v, rest)
        u, v = (u, v) if STAGES % 2 else (v, u)
        coarse, below = self.levels[depth + 1], self.room[depth + 1][3]
        sizes = level.grid[:4], coarse.grid[:4]
        share(level.threads, transfer.restrict, *sizes, coarse.spans, rest, below, self.rows[depth])
        correction, _ = self._cycle(depth + 1, below)
        share(level.threads, transfer.prolong, *sizes, level.spans, correction, level.inverse, u, self.rows[depth])
        product = level.passes(*UP, f, u, v, rest)
        return (v if STAGES % 2 else u), product


@dataclass(frozen=True)
class Solution:
    """
    What a solve ended with.

    Parameters
    ----------
    u : ndarray [3 n]
        mm.
    residual : ndarray [3 n]
        f − A u; the next solve with this operator's room overwrites it.
    iterations : int
    """

    u: Array
    residual: Array
    iterations: int


def solve(
    operator: Operator,
    precondition: Multigrid,
    f: Array,
    start: Array,
    tolerance: float,
    most: int = MOST_ITERATIONS,
    least: int = 0,
) -> Solution:
    """
    Conjugate gradients until the residual's norm is below `tolerance`, `least` iterations at least.

    Parameters
    ----------
    operator : Operator
    precondition : Multigrid
        Of this operator or one like it.
    f, start : ndarray [3 n]
    tolerance : float
        Of the norm of f − A u, in units of f.
    """
    r, p, ap = operator.room
    u = operator.field()
    np.copyto(u, start)
    size, rz, iterations = operator.residual(u, f, r), 0.0, 0
    sums = np.zeros(parts_of(operator.threads))
    while (size > tolerance or iterations < least) and size > 0 and iterations < most:
        before, (z, rz) = rz, precondition(r)
        pap = operator.passes(*plan((TURN, rz / before if before else 0, 0, 0), (PULL, 0, 0, 0)), z, p, p, ap)
        operator.visit(fields.step, np.float32(-rz / pap), p, ap, u, r, sums)
        size = float(sums.sum()) ** 0.5
        iterations += 1
    return Solution(u, r, iterations)
