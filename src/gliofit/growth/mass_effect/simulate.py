"""
Growth with mass effect (Subramanian et al. 2019; Ezhov et al. 2023, Eqs. 3–10):

    ∂c/∂t + ∇·(vc) = ∇·(D∇c) + ρc(1 − c),    ∇·σ(u) − κu = γ∇ψ(c),    v = ∂u/∂t,    ∂m/∂t + ∇·(vm) = 0,

m white and grey matter; CSF is carried along, ∂s/∂t + v·∇s = 0, and drained where it finds no room. Nothing moves at
the skull, no cell leaves the tissue. ψ(c) = c, or ln cosh c, which makes the force GLIA's γ·tanh(c)∇c.

Steps are those of the Fisher–Kolmogorov solver, in pairs of some: growth, the displacement for the cells there are,
growth, transport (Strang splitting). Transport goes to where the displacement is going to be in the middle of the next
pair, by linear extrapolation, which is also where the next solve begins; what that misses is made up for by the next
transport, so that errors do not add up, and at the end all has been carried by u(1) − u(0).

Derivatives are differences of runs in lockstep: each further run has the same steps, is solved for its *difference*
from the first, to a tolerance relative to that difference, and shares the first one's preconditioner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.differences import side_by_side
from gliofit.growth.mass_effect.advection import MOST_GOES, goes
from gliofit.growth.mass_effect.elasticity import MOST_ITERATIONS, Multigrid, Operator, Solution, solve
from gliofit.growth.mass_effect.medium import C, Medium
from gliofit.growth.mass_effect.tumour import Tumour
from gliofit.growth.schedule import on_steps, schedule
from gliofit.growth.seed import initial_density

TOLERANCE = 1e-3
"""Of the residual, relative to the force: u within 1 %."""

TOO_LARGE = "mass effect: gamma = {:g} kPa moves tissue further than small strains can describe; try a smaller one"

DIFFERENCE_TOLERANCE = 1e-3
"""Of the residual of a difference of two runs, relative to what it would be without moving."""

ROUNDING = 2e-6
"""Of a force; residuals in single precision are not smaller."""

PAIRS = 24
"""About as many solves a run has, beside the first and the last."""

KEPT = 3
"""
A solve that takes more iterations has the preconditioner made anew for the next.

Making it costs less than an iteration, but a small tumour changes little from solve to solve.
"""

SMALL_MM = 8.0
"""Tumours below this radius are solved for as exactly as one of it needs: they move nothing by much."""


@dataclass(frozen=True)
class Values:
    """θ in the medium's space, and γ in Pa."""

    origin: tuple[float, float, float]
    mu_D: float
    mu_rho: float
    gamma: float


@dataclass
class Report:
    """What a run took."""

    iterations: list[int] = field(default_factory=list)
    steps: int = 0


def run(
    tissue: Tissue,
    medium: Medium,
    base: Values,
    others: Sequence[Values] = (),
    *,
    force: str = "gradient",
    threads: int = 1,
    refine: float = 1.0,
    pairs: int = PAIRS,
    tolerance: float = TOLERANCE,
    report: Report | None = None,
) -> list[Tumour]:
    """
    Grow a tumour, and others like it in lockstep.

    Parameters
    ----------
    tissue : Tissue
    medium : Medium
        Of the tissue.
    base : Values
    others : sequence of Values
        Close to the first.
    force : {"gradient", "tanh"}
    threads : int
    refine : float
        Divides the steps of growth.
    pairs : int
        Solves.
    tolerance : float
    report : Report, optional
        Receives what it took.

    Returns
    -------
    list of Tumour
        At t = 1, the first one's first.
    """
    report = report or Report()
    spacing = np.array(medium.grid.spacing)
    radius = 4 * float((1 / spacing**2).sum()) * medium.largest
    plan = schedule(base.mu_D, base.mu_rho, spacing, radius, refine)
    tumours: list[Tumour] = []
    for values in (base, *others):
        own = on_steps(plan.length, values.mu_D, values.mu_rho, radius)
        seed = initial_density(tissue, values.origin)
        tumours.append(Tumour(medium, seed, own, values.mu_rho**2, radius, 1 if tumours else threads))
    press = [_Press(medium, values.gamma, force, tolerance) for values in (base, *others)]
    first, rest = tumours[0], list(zip(tumours[1:], press[1:], strict=True))

    def grow(begin: int, stop: int) -> None:
        """All tumours: the first, then the others side by side."""
        first.grow(begin, stop)
        side_by_side(threads, rest, lambda tumour, _: tumour.grow(begin, stop))

    def balance() -> None:
        """Solve for the displacements."""
        solution = press[0].solve(first)
        report.iterations.append(solution.iterations)
        side_by_side(threads, rest, lambda tumour, own: own.follow(tumour, press[0], solution, first.moved))
        first.u = solution.u

    at = np.concatenate([[0], np.cumsum(plan.length)])
    balance()
    before, u_before = 0.0, [t.u for t in tumours]
    for t in tumours:
        t.moved = t.u
    cuts, backwards = _cuts(plan.steps, pairs), False
    foreseen: Array | None = None
    for number, (begin, middle, stop) in enumerate(cuts):
        grow(begin, middle)
        now = float(at[middle])
        balance()
        grow(middle, stop)
        then = float(at[cuts[number + 1][1]]) if number + 1 < len(cuts) else 1.0
        trust, correct = _trust(first.u, u_before[0], foreseen)
        ahead = np.float32((then - now) / (now - before))
        foreseen = first.u + ahead * (first.u - u_before[0])
        aims = [
            t.moved + correct * (t.u - t.moved) + trust * ahead * (t.u - u)
            for t, u in zip(tumours, u_before, strict=True)
        ]
        before, u_before = now, [t.u for t in tumours]
        _carry(tumours, aims, base.gamma, backwards, threads)
        backwards = not backwards
    balance()
    _carry(tumours, [t.u for t in tumours], base.gamma, backwards, threads)
    report.steps = plan.steps
    return tumours


def _trust(u: Array, u_before: Array, foreseen: Array | None) -> tuple[np.float32, np.float32]:
    """
    How much of the way ahead to go, and how much of the last miss to make up for.

    All of both, unless extrapolation missed by a good part of the last step: under a large force tissue that has moved
    too far dilutes the tumour, which then presses less, and full steps would swing ever wider.
    """
    if foreseen is None:
        return np.float32(1), np.float32(1)
    missed = float(np.linalg.norm(u - foreseen)) / max(float(np.linalg.norm(u - u_before)), 1e-20)
    return np.float32(np.interp(missed, (0.6, 1.2), (1, 0))), np.float32(np.interp(missed, (1.2, 2.0), (1, 0.5)))


def _carry(tumours: list[Tumour], aims: list[Array], gamma: float, backwards: bool, threads: int) -> None:
    times = goes(tumours[0].medium.grid, aims[0] - tumours[0].moved)
    if not times <= MOST_GOES:
        raise InputError(TOO_LARGE.format(gamma / 1000))
    tumours[0].carry_to(aims[0], times, backwards)
    rest = list(zip(tumours[1:], aims[1:], strict=True))
    side_by_side(threads, rest, lambda tumour, aim: tumour.carry_to(aim, times, backwards))


def _cuts(steps: int, pairs: int) -> list[tuple[int, int, int]]:
    """First step, the one that the solve comes before, and one past the last, of each pair of groups of steps."""
    half = max(1, round(steps / (2 * pairs)))
    return [(a, min(a + half, steps), min(a + 2 * half, steps)) for a in range(0, steps, 2 * half)]


class _Press:
    """The force of a tumour, and the displacement it leads to."""

    def __init__(self, medium: Medium, gamma: float, force: str, tolerance: float):
        self.medium, self.gamma, self.force, self.tolerance = medium, gamma, force, tolerance
        self.precondition: Multigrid | None = None
        self.iterations = 0
        h = float(np.mean(medium.grid.spacing))
        self.least = gamma / h * (4 * np.pi * SMALL_MM**2 / h**2) ** 0.5

    def of(self, operator: Operator, c: Array) -> Array:
        """−γ∇ψ(c) on the faces that may move [3, n]."""
        psi = np.float32(self.gamma) * (c if self.force == "gradient" else np.log(np.cosh(c)))
        f = operator.field()
        for axis, (step, h) in enumerate(zip(self.medium.grid.strides, self.medium.grid.spacing, strict=True)):
            np.subtract(psi[:-step], psi[step:], out=f[axis][step:])
            f[axis] *= (operator.inverse[axis] > 0) * np.float32(1 / h)
        return f

    def solve(self, tumour: Tumour) -> Solution:
        """Of the first tumour, from where its tissue has been carried to."""
        operator = self.medium.operator(tumour.state, tumour.threads)
        f = self.of(operator, tumour.state[C])
        size = float(np.vdot(f, f)) ** 0.5
        if not np.isfinite(size):
            raise InputError(TOO_LARGE.format(self.gamma / 1000))
        if size == 0:
            return Solution(operator.field(), operator.field(), 0)
        if self.precondition is None or self.iterations > KEPT:
            self.precondition = Multigrid.of(operator)
        solution = solve(operator, self.precondition, f, tumour.moved, self.tolerance * max(size, self.least))
        self.iterations = solution.iterations
        if not solution.iterations < MOST_ITERATIONS:
            raise InputError(TOO_LARGE.format(self.gamma / 1000))
        return solution

    def follow(self, tumour: Tumour, first: _Press, solution: Solution, guess: Array) -> None:
        """
        Of another tumour: A'u' = f' − the residual that the first one's solve has left.

        Parameters
        ----------
        tumour : Tumour
        first : _Press
        solution : Solution
            Of the first tumour.
        guess : ndarray [3, n]
            Where the first tumour's solve began.
        """
        operator = self.medium.operator(tumour.state, tumour.threads)
        f = self.of(operator, tumour.state[C]) - solution.residual
        if first.precondition is None:
            first.precondition = Multigrid.of(operator)
        r = operator.residual(solution.u, f, operator.field())
        size = float(np.vdot(r, r)) ** 0.5
        start = solution.u + (tumour.moved - guess)
        tolerance = max(DIFFERENCE_TOLERANCE * size, ROUNDING * float(np.vdot(f, f)) ** 0.5)
        tumour.u = solve(operator, first.precondition.alone(), f, start, tolerance).u
