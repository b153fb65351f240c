"""A u = f by conjugate gradients, with a V-cycle as preconditioner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth.cpu.crew import parts_of
from gliofit.growth.mass_effect import fields
from gliofit.growth.mass_effect.elasticity import Operator, plan
from gliofit.growth.mass_effect.multigrid import NONE, WHOLE, Multigrid
from gliofit.growth.mass_effect.near import Near
from gliofit.growth.mass_effect.passes import PULL, TURN

MOST_ITERATIONS = 200

AS_PULL = plan((PULL, 0, 0, 0))


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
    out: Array | None = None,
    most: int = MOST_ITERATIONS,
    least: int = 0,
    near: Near | None = None,
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
    out : ndarray [3 n], optional
        What `u` is written to; 0 where nothing moves.
    most, least : int
        Iterations.
    near : Near, optional
        Where the first iteration smooths the finest grid.
    """
    r, p, ap = operator.room
    u = operator.field() if out is None else out
    operator.visit(fields.combine, WHOLE, start, NONE, start, u)
    size, rz, iterations = operator.residual(u, f, r), 0.0, 0
    sums = np.zeros(parts_of(operator.threads))
    while (size > tolerance or iterations < least) and size > 0 and iterations < most:
        around = None if iterations else near
        before, (z, rz) = rz, precondition(r, around)
        if around is None:
            pap = operator.passes(*plan((TURN, rz / before if before else 0, 0, 0), (PULL, 0, 0, 0)), z, p, p, ap)
            operator.visit(fields.step, np.float32(-rz / pap), p, ap, u, r, sums)
        else:  # of another preconditioner: directions begin anew after it
            pap = operator.passes(*AS_PULL, z, z, z, ap)
            operator.visit(fields.step, np.float32(-rz / pap), z, ap, u, r, sums)
            rz = 0.0
        size = float(sums.sum()) ** 0.5
        iterations += 1
    return Solution(u, r, iterations)
