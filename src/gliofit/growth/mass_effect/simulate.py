"""
Growth with mass effect (Subramanian et al. 2019; Ezhov et al. 2023, Eqs. 3–10):

    ∂c/∂t + ∇·(vc) = ∇·(D∇c) + ρc(1 − c),    ∇·σ(u) − κu = γ∇ψ(c),    v = ∂u/∂t,    ∂m/∂t + ∇·(vm) = 0,

m white and grey matter; CSF is carried along, ∂s/∂t + v·∇s = 0, and drained where it finds no room. Nothing moves at
the skull, no cell leaves the tissue. ψ(c) = c, or ln cosh c, which makes the force GLIA's γ·tanh(c)∇c.

Steps are those of the Fisher–Kolmogorov solver, in pairs of some: growth, the displacement for the cells there are,
growth, transport (Strang splitting). Transport goes to where the displacement is going to be in the middle of the next
pair, by linear extrapolation, which is also where the next solve begins; what that misses is made up for once the
displacement is known, so that errors do not add up, and at the end all has been carried by u(1) − u(0).

Most of this happens around the tumour alone (`near`).

Derivatives are differences of runs in lockstep: each further run has the same steps, is solved for its *difference*
from the first, to a tolerance relative to that difference, and shares the first one's preconditioner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.growth.differences import side_by_side
from gliofit.growth.mass_effect.medium import C, Medium
from gliofit.growth.mass_effect.moves import carry, distance, foresee, trust
from gliofit.growth.mass_effect.near import Near
from gliofit.growth.mass_effect.press import Press
from gliofit.growth.mass_effect.tumour import Tumour
from gliofit.growth.schedule import on_steps, schedule
from gliofit.growth.seed import initial_density

TOLERANCE = 5e-2
"""
Of the residual, relative to the force.

From where the last solves lead one iteration reaches it nearly always, mostly by far, and there always is one: u within
1 %. With a tolerance that took one or two of them by turns, a search ended too early (docs/mass_effect.md).
"""

GROWTH_PER_SOLVE = 0.7
"""
ρ·Δt from one solve to the next, about.

The front must not pass what it is about to push: docs/mass_effect.md has what this leaves out.
"""

PAIRS = (16, 48)
"""Fewest and most solves of a run, beside the first and the last; fewer where growth has fewer pairs of steps."""

EVERYWHERE = 6
"""Of so many pairs there is one in which tissue is carried everywhere; in the others it is around the tumour alone."""


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
    press = [Press(medium, values.gamma, force, tolerance) for values in (base, *others)]
    first, rest = tumours[0], list(zip(tumours[1:], press[1:], strict=True))

    def grow(begin: int, stop: int) -> None:
        """All tumours: the first, then the others side by side."""
        first.grow(begin, stop)
        side_by_side(threads, rest, lambda tumour, _: tumour.grow(begin, stop))

    def balance(near: Near) -> None:
        """Solve for the displacements."""
        solution = press[0].solve(first, near)
        report.iterations.append(solution.iterations)
        side_by_side(threads, rest, lambda tumour, own: own.follow(tumour, near, press[0], solution, first.foreseen))
        first.u = solution.u

    at = np.concatenate([[0], np.cumsum(plan.length)])
    near = Near.of(medium, first.state[C])
    balance(near)
    for tumour in tumours:
        tumour.foreseen[:] = tumour.moved[:] = tumour.u
    before, earlier = 0.0, [tumour.u for tumour in tumours]
    pairs = pairs or int(np.clip(round(base.mu_rho**2 / GROWTH_PER_SOLVE), *PAIRS))
    cuts, backwards, none = _cuts(plan.steps, pairs), False, np.float32(0)
    for number, (begin, middle, stop) in enumerate(cuts):
        grow(begin, middle)
        near = Near.of(medium, first.state[C], near)
        balance(near)
        step, missed = (distance(first, first.u, other, near) for other in (earlier[0], first.foreseen))
        reach, correct = trust(missed / max(step, 1e-20) if number else 0.0)
        carry(tumours, correct, none, base.gamma, backwards, near)
        grow(middle, stop)
        now, then = float(at[middle]), float(at[cuts[number + 1][1]]) if number + 1 < len(cuts) else 1.0
        for tumour, its in zip(tumours, earlier, strict=True):
            foresee(tumour, its, np.float32((then - now) / (now - before)))
            tumour.spare = its
        everywhere = number % EVERYWHERE == EVERYWHERE - 1
        far = (correct, None) if everywhere else (none, near)  # what is near has been corrected
        carry(tumours, far[0], reach, base.gamma, backwards, far[1])
        before, earlier, backwards = now, [tumour.u for tumour in tumours], not backwards
    balance(Near.of(medium, first.state[C], near))
    carry(tumours, np.float32(1), none, base.gamma, backwards)
    report.steps = plan.steps
    return tumours


def _cuts(steps: int, pairs: int) -> list[tuple[int, int, int]]:
    """First step, the one that the solve comes before, and one past the last, of each pair of groups of steps."""
    doubles = steps // 2
    ends = [2 * round(end) for end in np.linspace(0, doubles, min(pairs, max(doubles, 1)) + 1)]
    ends[-1] = steps
    return [(begin, max(begin + 1, (begin + stop) // 2), stop) for begin, stop in pairwise(ends)]
