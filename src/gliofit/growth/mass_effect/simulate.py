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
from gliofit.base.errors import BeyondModelError
from gliofit.growth.cpu.crew import parts_of
from gliofit.growth.differences import side_by_side
from gliofit.growth.mass_effect import fields
from gliofit.growth.mass_effect.advection import MOST_GOES, goes
from gliofit.growth.mass_effect.elasticity import MOST_ITERATIONS, Multigrid, Operator, Solution, solve
from gliofit.growth.mass_effect.medium import C, Medium
from gliofit.growth.mass_effect.tumour import Tumour
from gliofit.growth.schedule import on_steps, schedule
from gliofit.growth.seed import initial_density

TOLERANCE = 1e-2
"""
Of the residual, relative to the force: u within 0.5 %.

From where the last two solves lead, one iteration reaches it nearly always, and there always is one. With a tolerance
that took one or two of them by turns, a search ended too early (docs/mass_effect.md).
"""

TOO_LARGE = "mass effect: gamma = {:g} kPa moves tissue further than small strains can describe; try a smaller one"

DIFFERENCE_TOLERANCE = 1e-3
"""Of the residual of a difference of two runs, relative to what it would be without moving."""

ROUNDING = 2e-6
"""Of a force; residuals in single precision are not smaller."""

GROWTH_PER_SOLVE = 0.5
"""
ρ·Δt from one solve to the next, about.

The front must not pass what it is about to push. At 12 kPa and 4 mm this leaves the density 2 % (ρ = 12) to 10 %
(ρ = 25) away from what four times as many solves lead to.
"""

PAIRS = (24, 48)
"""
Fewest and most solves of a run, beside the first and the last.

With fewer they begin further from where they end, and how many iterations they take changes with θ.
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
    pairs: int | None = None,
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
    pairs : int, optional
        Solves; about as many as `GROWTH_PER_SOLVE` asks for.
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
    pairs = pairs or int(np.clip(round(base.mu_rho**2 / GROWTH_PER_SOLVE), *PAIRS))
    cuts, backwards = _cuts(plan.steps, pairs), False
    foreseen = first.u
    for number, (begin, middle, stop) in enumerate(cuts):
        grow(begin, middle)
        now = float(at[middle])
        balance()
        grow(middle, stop)
        then = float(at[cuts[number + 1][1]]) if number + 1 < len(cuts) else 1.0
        step = _distance(first, first.u, u_before[0])
        trust, correct = _trust(_distance(first, first.u, foreseen) / max(step, 1e-20) if number else None)
        ahead = np.float32((then - now) / (now - before))
        foreseen = first.u + ahead * (first.u - u_before[0])
        _carry(tumours, u_before, correct, trust * ahead, base.gamma, backwards)
        before, u_before = now, [t.u for t in tumours]
        backwards = not backwards
    balance()
    _carry(tumours, u_before, np.float32(1), np.float32(0), base.gamma, backwards)
    report.steps = plan.steps
    return tumours


def _distance(tumour: Tumour, a: Array, b: Array) -> float:
    """Euclidean, of two displacements."""
    sums = np.zeros(parts_of(tumour.threads))
    tumour.medium.visit(tumour.threads, fields.square, a, np.float32(1), b, sums)
    return float(sums.sum()) ** 0.5


def _trust(missed: float | None) -> tuple[np.float32, np.float32]:
    """
    How much of the way ahead to go, and how much of the last miss to make up for.

    All of both, unless extrapolation missed by a good part of the last step: under a large force tissue that has moved
    too far dilutes the tumour, which then presses less, and full steps would swing ever wider.

    Parameters
    ----------
    missed : float, optional
        By how much it has, relative to the last step.
    """
    if missed is None:
        return np.float32(1), np.float32(1)
    return np.float32(np.interp(missed, (0.6, 1.2), (1, 0))), np.float32(np.interp(missed, (1.2, 2.0), (1, 0.5)))


def _carry(
    tumours: list[Tumour], before: list[Array], correct: np.float32, reach: np.float32, gamma: float, backwards: bool
) -> None:
    """To correct·u of the way from where tissue is, and on by reach·(u − before)."""

    def step(tumour: Tumour, earlier: Array) -> tuple[Array, float]:
        grid, out = tumour.medium.grid, tumour.medium.grid.faces()
        largest = np.zeros(parts_of(tumour.threads), np.float32)
        way = tumour.moved, tumour.u, earlier, correct, reach, out, largest
        tumour.medium.visit(tumour.threads, fields.ahead, grid.per_mm, *way)
        return out, float(largest.max())

    first, *rest = tumours
    own, cells = step(first, before[0])
    times = goes(cells)
    if not times <= MOST_GOES:
        raise BeyondModelError(TOO_LARGE.format(gamma / 1000))
    first.carry_by(own, times, backwards)
    others = list(zip(rest, before[1:], strict=True))
    side_by_side(first.threads, others, lambda t, earlier: t.carry_by(step(t, earlier)[0], times, backwards))


def _cuts(steps: int, pairs: int) -> list[tuple[int, int, int]]:
    """First step, the one that the solve comes before, and one past the last, of each pair of groups of steps."""
    half = max(1, round(steps / (2 * pairs)))
    return [(a, min(a + half, steps), min(a + 2 * half, steps)) for a in range(0, steps, 2 * half)]


class _Press:
    """The force of a tumour, and the displacement it leads to."""

    def __init__(self, medium: Medium, gamma: float, force: str, tolerance: float):
        self.medium, self.gamma, self.force, self.tolerance = medium, gamma, force, tolerance
        self.operator: Operator | None = None
        self.precondition: Multigrid | None = None
        self.room, self.f = np.zeros((3, medium.grid.size), np.float32), medium.grid.faces()
        h = float(np.mean(medium.grid.spacing))
        self.least = gamma / h * (4 * np.pi * SMALL_MM**2 / h**2) ** 0.5

    def of(self, tumour: Tumour) -> tuple[Operator, Array]:
        """Elasticity of a tumour's state, and −γ∇ψ(c) on the faces that may move [3 n]; until the next call."""
        self.operator = self.medium.operator(tumour.state, tumour.threads, self.operator, self.room)
        c, operator = tumour.state[C], self.operator
        psi = c if self.force == "gradient" else np.log(np.cosh(c))
        operator.visit(fields.press, operator.grid.per_mm, psi, np.float32(self.gamma), operator.inverse, self.f)
        return operator, self.f

    def solve(self, tumour: Tumour) -> Solution:
        """Of the first tumour, from where its tissue has been carried to."""
        operator, f = self.of(tumour)
        size = operator.norm(f)
        if not np.isfinite(size):
            raise BeyondModelError(TOO_LARGE.format(self.gamma / 1000))
        if size == 0:
            return Solution(operator.field(), operator.field(), 0)
        # made anew each time: one that is kept takes an iteration or two more, and making it costs a fraction of one
        self.precondition = Multigrid.of(operator, self.precondition)
        tolerance = self.tolerance * max(size, self.least)
        solution = solve(operator, self.precondition, f, tumour.moved, tolerance, least=1)
        if not solution.iterations < MOST_ITERATIONS:
            raise BeyondModelError(TOO_LARGE.format(self.gamma / 1000))
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
        guess : ndarray [3 n]
            Where the first tumour's solve began.
        """
        operator, force = self.of(tumour)
        f = force - solution.residual
        if first.precondition is None:
            first.precondition = Multigrid.of(operator)
        size = operator.residual(solution.u, f, operator.room[0])
        start = solution.u + (tumour.moved - guess)
        tolerance = max(DIFFERENCE_TOLERANCE * size, ROUNDING * operator.norm(force))
        tumour.u = solve(operator, first.precondition.alone(), f, start, tolerance).u
