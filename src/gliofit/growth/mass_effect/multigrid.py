"""
The preconditioner of elasticity: a V-cycle over grids of twice, four times … the spacing.

Coefficients of coarser grids are means of the finer ones; smoothers are Chebyshev polynomials in A/diagonal. It need
not be of the very coefficients that are solved for: runs side by side share one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.cpu.crew import parts_of, share
from gliofit.growth.mass_effect import fields, transfer
from gliofit.growth.mass_effect.elasticity import Operator, plan
from gliofit.growth.mass_effect.near import Near
from gliofit.growth.mass_effect.passes import BEGIN, RELAX, REST

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

NEAR_STAGES, ELSEWHERE_SMOOTHED = 6, 4.0
"""Around a tumour alone, where a stage costs little (an even number); and of the one that is done everywhere then."""

BOTTOM, BOTTOM_STAGES, BOTTOM_SMOOTHED = 6, 16, 60.0
"""Grids this narrow have none below; there the polynomial is longer and wider."""


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

NEAR_DOWN = plan(*_smoother(NEAR_STAGES, SMOOTHED, False))
NEAR_UP = plan(*_smoother(NEAR_STAGES, SMOOTHED, True))
ELSEWHERE = plan(*_smoother(1, ELSEWHERE_SMOOTHED, True))
"""Before coarser grids and after them, around a tumour alone; and between the latter two, everywhere."""


WHOLE, NONE = np.float32(1), np.float32(0)


class Multigrid:
    """
    A V-cycle for an operator: symmetric, so that conjugate gradients may use it, but for cycles around a tumour.

    Parameters
    ----------
    levels : list of Operator
        From the finest.
    """

    def __init__(self, levels: list[Operator]):
        self.levels = levels
        self._beside: list[Multigrid] = []
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

    @contextmanager
    def beside(self) -> Iterator[Multigrid]:
        """The same for one thread beside others, with room of its own."""
        try:
            own = self._beside.pop()
        except IndexError:
            own = Multigrid([replace(level, threads=1) for level in self.levels])
        try:
            yield own
        finally:
            self._beside.append(own)

    def __call__(self, r: Array, near: Near | None = None) -> tuple[Array, float]:
        """
        About z = A⁻¹ r, an array that the next call overwrites, and the scalar product of both.

        Parameters
        ----------
        r : ndarray [3 n]
        near : Near, optional
            Where to smooth on the finest grid; else everywhere. For one step along z, not for directions that go on.
        """
        return self._cycle(0, r) if near is None or len(self.levels) == 1 else self._cycle_near(r, near)

    def _cycle_near(self, f: Array, near: Near) -> tuple[Array, float]:
        level = self.levels[0]
        u, v, rest, _ = self.room[0]
        smoothed, around = replace(level, spans=near.cells), replace(level, spans=near.edges)
        # of two fields that take turns, the second has what an even number of stages from 0 leads to, else the first
        level.visit(fields.combine, NONE, f, NONE, f, u)
        around.visit(fields.combine, NONE, f, NONE, f, v)
        smoothed.passes(*NEAR_DOWN, f, v, u, rest)
        level.visit(fields.combine, WHOLE, f, NONE, f, rest)
        around.residual(u, f, rest)
        self._correct(0, u, rest)
        level.passes(*ELSEWHERE, f, u, v, rest)
        # at the border every other stage sees u, as it was before that: no solve measured takes more iterations for it
        smoothed.passes(*NEAR_UP, f, v, u, rest)
        sums = np.zeros(parts_of(level.threads))
        level.visit(fields.dot, v, f, sums)
        return v, float(sums.sum())

    def _correct(self, depth: int, u: Array, rest: Array) -> None:
        """u ← u + what the coarser grids make of a residual."""
        level, coarse, below = self.levels[depth], self.levels[depth + 1], self.room[depth + 1][3]
        sizes = level.grid[:4], coarse.grid[:4]
        share(level.threads, transfer.restrict, *sizes, coarse.spans, rest, below, self.rows[depth])
        correction, _ = self._cycle(depth + 1, below)
        share(level.threads, transfer.prolong, *sizes, level.spans, correction, level.inverse, u, self.rows[depth])

    def _cycle(self, depth: int, f: Array) -> tuple[Array, float]:
        level = self.levels[depth]
        u, v, rest, _ = self.room[depth]
        if depth == len(self.levels) - 1:
            product = level.passes(*AT_BOTTOM, f, u, v, rest)
            return (u, v)[(BOTTOM_STAGES - 1) % 2], product
        level.passes(*DOWN, f, u, v, rest)
        u, v = (u, v) if STAGES % 2 else (v, u)
        self._correct(depth, u, rest)
        product = level.passes(*UP, f, u, v, rest)
        return (v if STAGES % 2 else u), product
