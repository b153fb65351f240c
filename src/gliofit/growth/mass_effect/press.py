"""How a tumour presses, and the displacement that this leads to."""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import BeyondModelError
from gliofit.growth.mass_effect import fields
from gliofit.growth.mass_effect.conjugate_gradients import MOST_ITERATIONS, Solution, solve
from gliofit.growth.mass_effect.elasticity import Operator
from gliofit.growth.mass_effect.medium import C, Medium
from gliofit.growth.mass_effect.multigrid import Multigrid
from gliofit.growth.mass_effect.near import Near
from gliofit.growth.mass_effect.tumour import Tumour

TOO_LARGE = "mass effect: gamma = {:g} kPa moves tissue further than small strains can describe; try a smaller one"

DIFFERENCE_TOLERANCE = 1e-3
"""Of the residual of a difference of two runs, relative to what it would be without moving."""

ROUNDING = 2e-6
"""Of a force; residuals in single precision are not smaller."""

SMALL_MM = 8.0
"""Tumours below this radius are solved for as exactly as one of it needs: they move nothing by much."""


class Press:
    """
    The force of a tumour, and the displacement it leads to.

    Parameters
    ----------
    medium : Medium
    gamma : float
        Pa.
    force : {"gradient", "tanh"}
    tolerance : float
        Of the residual, relative to the force.
    """

    def __init__(self, medium: Medium, gamma: float, force: str, tolerance: float):
        self.medium, self.gamma, self.force, self.tolerance = medium, gamma, force, tolerance
        self.operator: Operator | None = None
        self.precondition: Multigrid | None = None
        self.room, self.f = np.zeros((3, medium.grid.size), np.float32), medium.grid.faces()
        h = float(np.mean(medium.grid.spacing))
        self.least = gamma / h * (4 * np.pi * SMALL_MM**2 / h**2) ** 0.5

    def of(self, tumour: Tumour, near: Near) -> tuple[Operator, Array]:
        """Elasticity of a tumour's state, and −γ∇ψ(c) on the faces that may move [3 n]; until the next call."""
        changed = near.edges if self.operator and tumour.near else self.medium.around
        self.operator = self.medium.operator(tumour.state, tumour.threads, self.operator, self.room, changed)
        c, operator = tumour.state[C], self.operator
        psi = c if self.force == "gradient" else np.log(np.cosh(c))
        given = operator.grid.per_mm, psi, np.float32(self.gamma), operator.inverse, self.f
        self.medium.visit(operator.threads, fields.press, *given, spans=changed)
        return operator, self.f

    def solve(self, tumour: Tumour, near: Near) -> Solution:
        """Of the first tumour, from where its last displacements lead."""
        operator, f = self.of(tumour, near)
        size = operator.norm(f)
        if not np.isfinite(size):
            raise BeyondModelError(TOO_LARGE.format(self.gamma / 1000))
        if size == 0:
            return Solution(operator.field(), operator.field(), 0)
        # made anew each time: one that is kept takes an iteration or two more, and making it costs a fraction of one
        self.precondition = Multigrid.of(operator, self.precondition)
        tolerance = self.tolerance * max(size, self.least)
        solution = solve(operator, self.precondition, f, tumour.foreseen, tolerance, tumour.spare, least=1, near=near)
        if not solution.iterations < MOST_ITERATIONS:
            raise BeyondModelError(TOO_LARGE.format(self.gamma / 1000))
        return solution

    def follow(self, tumour: Tumour, near: Near, first: Press, solution: Solution, guess: Array) -> None:
        """
        Of another tumour: A'u' = f' − the residual that the first one's solve has left.

        Parameters
        ----------
        tumour : Tumour
        near : Near
        first : Press
        solution : Solution
            Of the first tumour.
        guess : ndarray [3 n]
            Where the first tumour's solve began.
        """
        operator, force = self.of(tumour, near)
        f = force - solution.residual
        if first.precondition is None:
            first.precondition = Multigrid.of(operator)
        size = operator.residual(solution.u, f, operator.room[0])
        start = solution.u + (tumour.foreseen - guess)
        tolerance = max(DIFFERENCE_TOLERANCE * size, ROUNDING * operator.norm(force))
        with first.precondition.beside() as precondition:
            tumour.u = solve(operator, precondition, f, start, tolerance, tumour.spare).u
