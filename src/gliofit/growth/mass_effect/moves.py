"""Where tissue goes: to the last displacement, and on to where the last ones lead."""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import BeyondModelError
from gliofit.growth.cpu.crew import parts_of
from gliofit.growth.differences import side_by_side
from gliofit.growth.mass_effect import fields
from gliofit.growth.mass_effect.advection import MOST_GOES, goes
from gliofit.growth.mass_effect.near import Near
from gliofit.growth.mass_effect.press import TOO_LARGE
from gliofit.growth.mass_effect.tumour import Tumour


def distance(tumour: Tumour, a: Array, b: Array, near: Near) -> float:
    """Euclidean, of two displacements around the tumour."""
    sums = np.zeros(parts_of(tumour.threads))
    tumour.medium.visit(tumour.threads, fields.square, a, np.float32(1), b, sums, spans=near.faces)
    return float(sums.sum()) ** 0.5


def foresee(tumour: Tumour, before: Array, ahead: np.float32) -> None:
    """
    Where the last two displacements lead.

    A parabola through three would be nearer to it, but tissue that is carried further presses less: with its weights a
    large force makes displacements swing from one solve to the next, and more so the closer these are.

    Parameters
    ----------
    tumour : Tumour
    before : ndarray [3 n]
        The displacement before the last.
    ahead : float32
        Time until then, relative to that between the two.
    """
    given = np.float32(1) + ahead, tumour.u, -ahead, before, tumour.foreseen
    tumour.medium.visit(tumour.threads, fields.combine, *given)


def trust(missed: float) -> tuple[np.float32, np.float32]:
    """
    How much of the way ahead to go, and how much of the last miss to make up for.

    All of both, unless extrapolation missed by a good part of the last step: under a large force tissue that has moved
    too far dilutes the tumour, which then presses less, and full steps would swing ever wider.

    Parameters
    ----------
    missed : float
        By how much it has, relative to the last step.
    """
    return np.float32(np.interp(missed, (0.6, 1.2), (1, 0))), np.float32(np.interp(missed, (1.2, 2.0), (1, 0.5)))


def carry(
    tumours: list[Tumour],
    correct: np.float32,
    reach: np.float32,
    gamma: float,
    backwards: bool,
    near: Near | None = None,
) -> None:
    """
    Carry tissue by correct·(u − where it is) and on by reach·(where it will be − u).

    Parameters
    ----------
    tumours : list of Tumour
        The first one says in how many goes.
    correct, reach : float32
    gamma : float
        Pa.
    backwards : bool
        Begin with the last axis; callers take turns.
    near : Near, optional
        Where; everywhere if there is none.
    """
    spans = near.faces if near else None

    def step(tumour: Tumour) -> tuple[Array, float]:
        grid = tumour.medium.grid
        out = tumour.way if near else grid.faces()
        largest = np.zeros(parts_of(tumour.threads), np.float32)
        way = tumour.moved, tumour.u, tumour.foreseen, correct, reach, out, largest
        tumour.medium.visit(tumour.threads, fields.ahead, grid.per_mm, *way, spans=spans)
        return out, float(largest.max())

    first, *rest = tumours
    own, cells = step(first)
    times = goes(cells)
    if not times <= MOST_GOES:
        raise BeyondModelError(TOO_LARGE.format(gamma / 1000))
    first.carry_by(own, times, backwards, near)
    side_by_side(first.threads, [(t,) for t in rest], lambda t: t.carry_by(step(t)[0], times, backwards, near))
