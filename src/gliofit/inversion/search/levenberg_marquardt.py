"""Levenberg–Marquardt for any observation and growth model, on the model's Jacobian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import BeyondModelError
from gliofit.growth.cpu.gather import gathered
from gliofit.inversion.problem import Problem
from gliofit.observation.near import FAINTEST
from gliofit.observation.observation import Observation

START_DAMPING = 1e-2
STUCK = "no step lowers the loss any more"


@dataclass
class _Point:
    """Parameters and the loss there."""

    u: Array
    loss: float


@dataclass
class _Linearised(_Point):
    """With the gradient and the Gauss–Newton matrix."""

    gradient: Array
    matrix: Array


class _LeastSquares:
    """
    One problem in unbounded parameters u, p = lower + (upper − lower)/(1 + exp(−u)).

    The logistic map keeps p inside its bounds smoothly; loss, gradient and matrix are as `normal_equations` has them.
    """

    def __init__(self, problem: Problem):
        self.problem = problem
        self.box: Box = problem.box
        self.jacobians = 0

    def to_u(self, p: Array) -> Array:
        unit = np.clip(self.box.to_unit(p), 1e-3, 1 - 1e-3)
        return np.log(unit / (1 - unit))

    def to_p(self, u: Array) -> Array:
        return self.box.from_unit(1 / (1 + np.exp(-np.clip(u, -30, 30))))

    def slope(self, u: Array) -> Array:
        unit = self.box.to_unit(self.to_p(u))
        return (self.box.upper - self.box.lower) * unit * (1 - unit)

    def value(self, u: Array) -> _Point:
        return _Point(u, self.problem.loss(self.to_p(u)))

    def linearised(self, u: Array) -> _Linearised:
        p = self.to_p(u)
        self.jacobians += 1
        c, jacobian = self.problem.density_and_jacobian(p)
        loss, gradient, matrix = normal_equations(self.problem.target, c, jacobian, self.problem.split(p)[1], True)
        scale = self.slope(u)
        return _Linearised(u, loss, gradient * scale, matrix * np.outer(scale, scale))

    def tried(self, u: Array, linear: bool) -> _Point:
        """`linearised`, or `value`; of an endless loss where the growth model describes no tumour."""
        try:
            return self.linearised(u) if linear else self.value(u)
        except BeyondModelError:
            return _Point(u, np.inf)


def normal_equations(
    target: Observation, c: Array, jacobian: Array, extras: Array, as_it_curves: bool = False
) -> tuple[float, Array, Array]:
    """
    Loss mean(r²), half its gradient, and the Gauss–Newton matrix mean(r'ᵀr') by [values, extras].

    Parameters
    ----------
    target : Observation
    c : ndarray [x, y, z]
    jacobian : ndarray [n, x, y, z]
        ∂c/∂values.
    extras : ndarray [k]
    as_it_curves : bool
        Leave out of the matrix what is no curvature of the loss (`Residuals.curving`), for longer steps.

    Returns
    -------
    loss : float
    gradient : ndarray [n + k]
    matrix : ndarray [n + k, n + k]
    """
    index, seen = target.near(c)
    # a voxel that stands for many without cells may hold a trace of them
    cells, faintest = (c, 0.0) if index is None else (c.ravel()[index], FAINTEST)
    found = seen.residuals(cells, np.asarray(extras, float))
    r, of_model, count = found.r, len(jacobian), len(found.by_extra)
    values, size = slice(of_model), of_model + count
    gradient, matrix = np.zeros(size), np.zeros((size, size))
    for m in range(len(r)):
        # the density matters to a map where there are cells and it has a slope: outlines have one near their border
        slope = found.by_density[m]
        here = (cells > faintest) & (np.abs(slope) > 1e-7 * np.abs(slope).max())
        tangents = jacobian[:, here] if index is None else gathered(jacobian, index[here])
        rows, residual = slope[here] * tangents, r[m][here]
        share = found.curving[m] if as_it_curves and found.curving is not None else np.ones_like(slope)
        by_size = np.zeros(size)
        if found.size_by_density is not None and found.size_by_extra is not None:
            by_size[values] = tangents @ found.size_by_density[m][here]
            by_size[of_model:] = found.size_by_extra[:, m]
        square = np.sum(np.square(r[m], dtype=np.float64))
        half, own_matrix = np.zeros(size), np.zeros_like(matrix)
        half[values] = rows @ residual
        weighed = share[here] * rows
        own_matrix[values, values] = weighed @ rows.T
        for k in range(count):
            if found.by_extra[k, m].any():
                own, at = found.by_extra[k, m], of_model + k
                half[at] = own.ravel() @ r[m].ravel()
                own_matrix[values, at] = own_matrix[at, values] = weighed @ own[here]
                own = share * own
                for i in range(count):
                    own_matrix[at, of_model + i] = own.ravel() @ found.by_extra[i, m].ravel()
        # r' = rows − r·by_size
        gradient += half - square * by_size
        matrix += own_matrix - np.outer(half, by_size) - np.outer(by_size, half) + square * np.outer(by_size, by_size)
    loss = float(np.mean(np.square(r, dtype=np.float64)))
    return loss, gradient / r.size, matrix / r.size


@dataclass
class Minimum:
    """
    Where a search ended.

    Parameters
    ----------
    parameters : ndarray [n + k]
    loss : float
    history : list of float
        Loss after each step, that of the start first.
    converged : bool
    reason : str
    """

    parameters: Array
    loss: float
    history: list[float]
    converged: bool
    reason: str


def minimise(
    problem: Problem,
    start: Array,
    *,
    iterations: int = 30,
    tolerance: float = 1e-4,
    floor: float = 0.0,
) -> Minimum:
    """
    Levenberg–Marquardt from `start` on one grid.

    Parameters
    ----------
    problem : Problem
    start : ndarray [n + k]
        [values, extras]. A step to where the model describes no tumour counts as one that fails; the start must not.
    iterations : int
        Most Jacobians.
    tolerance : float
        Stops when a step promises to lower the loss by less than this share.
    floor : float
        Stops below this loss.
    """
    squares = _LeastSquares(problem)
    point = squares.linearised(squares.to_u(np.asarray(start, float)))
    history, damping, growth = [point.loss], START_DAMPING, 2.0
    curvature, trusted = np.zeros_like(point.matrix), False
    converged, reason = False, f"{iterations} iterations"
    while squares.jacobians < iterations:
        if point.loss <= floor:
            converged, reason = True, f"loss below {floor:.1e}"
            break
        diagonal = np.diag(point.matrix) + 1e-9 * max(np.trace(point.matrix), 1e-30)
        damped = damping * np.diag(diagonal)
        step, promised = _step(point, point.matrix + curvature if trusted else point.matrix, damped, diagonal)
        if trusted and promised < tolerance * point.loss:
            # what was learnt along other steps may be wrong here, and must not end the search by itself
            step, promised = _step(point, point.matrix, damped, diagonal)
        if promised < tolerance * point.loss:
            # a step that failed steps have damped promises little wherever the search is
            freely = _step(point, point.matrix, min(damping, START_DAMPING) * np.diag(diagonal), diagonal)[1]
            converged = freely < tolerance * point.loss
            reason = f"the next step would lower the loss by less than {tolerance:.0e} of it" if converged else STUCK
            break
        # after a failed step the next is judged by its loss alone, which is much cheaper than its Jacobian
        trial = squares.tried(point.u + step, linear=growth == 2.0)
        gain = (point.loss - trial.loss) / promised
        trusted = _foresaw(point, step, point.loss - trial.loss, curvature)
        if gain > 1e-3:
            if not isinstance(trial, _Linearised):
                trial = squares.linearised(trial.u)
            curvature = _learnt(curvature, step, trial.gradient - point.gradient, trial.matrix)
            point = trial
            history.append(point.loss)
            damping *= max(1 / 5, 1 - (2 * gain - 1) ** 3)
            growth = 2.0
        else:
            damping *= growth
            growth *= 2
            if damping > 1e8:
                reason = STUCK
                break
    return Minimum(squares.to_p(point.u), point.loss, history, converged, reason)


def _step(point: _Linearised, model: Array, damped: Array, diagonal: Array) -> tuple[Array, float]:
    """A step and how much it promises to lower the loss, by `model` or, where that is no bowl, by Gauss–Newton's."""
    rounding = 1e-14 * float(np.trace(point.matrix + damped))  # below it a matrix has no root
    if np.linalg.eigvalsh(model + damped).min() <= max(1e-6 * diagonal.min(), rounding):
        model = point.matrix
        lowest = np.linalg.eigvalsh(model + damped).min()
        if lowest <= rounding:  # sums of single-precision products, along a direction in which nothing changes
            damped = damped + (1e-6 * max(diagonal.max(), -lowest) - lowest) * np.eye(len(damped))
    step = _limited_step(model + damped, point.gradient)
    return step, -(2 * point.gradient @ step + step @ model @ step)


def _learnt(curvature: Array, step: Array, change: Array, matrix: Array) -> Array:
    """
    What the Gauss–Newton matrix leaves out, Σ r·∇²r, from the change of the gradient along a step.

    A structured secant update after Dennis, Gay & Welsch (1981, ACM TOMS 7), with their sizing. Segmentations are never
    explained well enough for r to vanish, and without this each step gains only a fixed share of what is left.
    """
    along = float(change @ step)
    if along <= 1e-12 * np.linalg.norm(change) * np.linalg.norm(step):
        return curvature
    missing = change - matrix @ step
    stiffness = abs(float(step @ curvature @ step))
    sized = curvature * min(1.0, abs(float(step @ missing)) / stiffness) if stiffness > 0 else curvature
    v = missing - sized @ step
    return (
        sized + (np.outer(v, change) + np.outer(change, v)) / along - (v @ step) * np.outer(change, change) / along**2
    )


def _foresaw(point: _Linearised, step: Array, lowered: float, curvature: Array, clearly: float = 2 / 3) -> bool:
    """
    Whether the learnt curvature made `clearly` a better forecast of how far a step would lower the loss.

    Where residuals vanish there is nothing to learn, and what is learnt far away only slows the search down; Dennis,
    Gay & Welsch choose between the two models like this.
    """
    plain = -(2 * point.gradient @ step + step @ point.matrix @ step)
    return bool(abs(plain - step @ curvature @ step - lowered) < clearly * abs(plain - lowered))


def _limited_step(matrix: Array, gradient: Array, limit: float = 1.5) -> Array:
    """
    The step with the lowest 2·gradient·step + step·matrix·step of those whose parts are within ±limit.

    Near a bound a parameter hardly moves however far u goes; scaling the whole step to it would stop all others, and
    cutting its part off would make a step that may not lead down at all.
    """
    step = -np.linalg.solve(matrix, gradient)
    if np.abs(step).max() <= limit:
        return step
    from scipy.linalg import solve_triangular
    from scipy.optimize import lsq_linear  # its import takes longer than planning a patient's jobs

    size = np.trace(matrix)  # the solver's tolerances are absolute
    root = np.linalg.cholesky(matrix / size)
    aim = -solve_triangular(root, gradient / size, lower=True)
    return lsq_linear(root.T, aim, (-limit, limit), method="bvls").x
