"""
Linear elasticity at rest: A u = −∇·σ(u) + κu, u = 0 where the medium ends.

`stencil` has the discretisation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.cpu.crew import parts_of, share
from gliofit.growth.mass_effect import fields, stencil
from gliofit.growth.mass_effect.grid import Grid, aligned
from gliofit.growth.mass_effect.passes import RELAX, REST, TILE, passes

ALONE = 30_000
"""Cells of grids that one thread works on by itself: to wait for others would cost more."""


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
        cls,
        grid: Grid,
        lam: Array,
        mu: Array,
        kappa: Array,
        threads: int = 1,
        like: Operator | None = None,
        changed: Array | None = None,
    ) -> Operator:
        """
        From coefficients of cells [n].

        Parameters
        ----------
        grid : Grid
        lam, mu, kappa : ndarray [n]
        threads : int
        like : Operator, optional
            An earlier one with this μ > 0, whose room is taken.
        changed : int64 ndarray [rows, 2], optional
            Spans of all that differs from the earlier one, and a cell more.
        """
        if grid.size < ALONE:
            threads = 1
        if like is None:
            spans = grid.spans(mu > 0)
            like = cls(grid, aligned(stencil.KINDS * grid.size), grid.faces(), spans, grid.around(spans), threads)
        around, spans = (like.around, like.spans) if changed is None else (changed, changed)
        share(threads, stencil.edges, grid[:4], around, lam, mu, kappa, like.coefficients)
        share(threads, stencil.diagonal, grid[:4], spans, grid.per_mm, like.coefficients, like.inverse)
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
