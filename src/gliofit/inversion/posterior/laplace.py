"""Laplace approximation of the posterior, and what it means for the density: a standard deviation in every voxel."""

from __future__ import annotations

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth import growth_model
from gliofit.inversion.fit import Fit
from gliofit.inversion.posterior.dependence import box_of_any, correlation_length, score_covariance
from gliofit.inversion.posterior.proposals import PRIOR_PRECISION
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.levenberg_marquardt import normal_equations
from gliofit.observation.residuals import Residuals

LONGEST = 0.5
"""Correlation length that is believed at most, in radii of a ball of the visible tumour's volume."""

ORIGIN_OFF = 0.16
"""
Of origins fitted to outlines, per axis: root mean square in radii of a ball of the visible tumour's volume. Measured,
as `OTHERS_OFF`, on simulated tumours in deformed heads with outlines as rough as real ones, fitted at 4 mm
(benchmarks/laplace_coverage.py).
"""

OTHERS = ("mu_D", "mu_rho", "threshold_core", "threshold_whole")
OTHERS_OFF = np.outer(_OFF := np.array([0.52, 0.20, 0.20, 0.15]), _OFF) * np.array(
    [[1.0, -0.75, -0.62, 0.66], [-0.75, 1.0, 0.86, -0.25], [-0.62, 0.86, 1.0, -0.03], [0.66, -0.25, -0.03, 1.0]]
)
"""Covariance of the logarithms of μ_D and μ_ρ and of the thresholds."""

ALONE_OFF = {"gamma": 10.0}
"""
Root mean square of other values, in their units: γ, kPa, of eight tumours that push, with such outlines
(benchmarks/mass_effect_recovery.py --rough).
"""

SEEN = 1e-3
"""Residuals below this share of the largest are none."""


LARGEST = 0.5
"""Standard deviation of what lies between 0 and 1."""


def covariance(problem: Problem, parameters: Array) -> tuple[Array, Array]:
    """
    Laplace approximation of the posterior at `parameters`, flat prior within the bounds.

    Neighbouring voxels err together: the sandwich covariance of `gliofit.inversion.posterior.dependence` counts pairs
    of them up to the distance at which residuals agree no more. A model that is not the truth moves the estimate as
    well; `model_error` adds what that was on simulated tumours.

    Returns
    -------
    covariance : ndarray [n + k, n + k]
        Of [values, extras], in their units.
    deviation : ndarray [x, y, z]
        Standard deviation of the density.
    """
    c, jacobian = problem.density_and_jacobian(parameters)
    _, extras = problem.split(parameters)
    _, _, matrix = normal_equations(problem.target, c, jacobian, extras)
    found = problem.target.residuals(c, extras)
    radius = radius_of(problem)
    spread = sandwich(matrix * found.r.size, found, jacobian, problem.tissue.spacing, problem.box, radius)
    spread = spread + model_error(problem, parameters, radius)
    return spread, density_deviation(jacobian, spread)


def radius_of(problem: Problem) -> float:
    """Radius (mm) of a ball of the visible tumour's volume; at least 1 mm."""
    visible = problem.target.visible
    seen = np.count_nonzero(visible > 0.5 * min(1.0, float(visible.max())))
    return float(max(3 * seen * float(np.prod(problem.tissue.spacing)) / 4 / np.pi, 1.0) ** (1 / 3))


def sandwich(matrix: Array, found: Residuals, jacobian: Array, spacing: Array, box: Box, radius: float) -> Array:
    """
    Covariance [n + k, n + k] of an estimate that minimises a sum of squares.

    Parameters
    ----------
    matrix : ndarray [n + k, n + k]
        Gauss–Newton matrix Σ r'ᵀr'.
    found : Residuals
        With their derivatives by the density and by the extras.
    jacobian : ndarray [n, x, y, z]
    spacing : ndarray (3,)
        mm.
    box : Box
        Of the parameters; its width is the weakest prior, so that there always is a covariance.
    radius : float
        mm, of the visible tumour.
    """
    errors, scores = scores_of(found, jacobian)
    length = correlation_length(errors, spacing, LONGEST * radius)
    width = box.upper - box.lower
    scale = np.outer(width, width)
    together = score_covariance(scores, spacing, length) * scale
    curvature = matrix * scale
    weak = PRIOR_PRECISION * np.eye(len(width))
    # the variance of independent residuals that would make as much of the scores' covariance
    inverse = np.linalg.inv(curvature + 1e-9 * np.trace(curvature) * np.eye(len(width)))
    variance = max(float(np.trace(inverse @ together)) / len(width), 1e-12)
    inverse = np.linalg.inv(curvature + variance * weak)
    return inverse @ (together + variance**2 * weak) @ inverse * scale


def model_error(problem: Problem, parameters: Array, radius: float) -> Array:
    """
    What fits to outlines are off by beyond their noise [n + k, n + k]: `ORIGIN_OFF`, `OTHERS_OFF` and `ALONE_OFF`.

    0 for a density, which fits come as near to as the model allows.
    """
    names = [*problem.model.names, *problem.target.extra_names]
    found = np.zeros((len(names), len(names)))
    if problem.target.outlined is None:
        return found
    for places in problem.model.origins:
        found[places, places] = (ORIGIN_OFF * radius) ** 2
    for name, off in ALONE_OFF.items():
        if name in names:
            found[names.index(name), names.index(name)] = off**2
    known = [name for name in OTHERS if name in names]
    of, into = [OTHERS.index(name) for name in known], [names.index(name) for name in known]
    # of thresholds in their unit, of the growth model's values in their logarithm
    scale = np.array([parameters[i] if i < problem.model.size else 1.0 for i in into])
    found[np.ix_(into, into)] = OTHERS_OFF[np.ix_(of, of)] * np.outer(scale, scale)
    return found


def scores_of(found: Residuals, jacobian: Array) -> tuple[Array, Array]:
    """
    Errors [m, x, y, z] and each voxel's part [n + k, x, y, z] of half the gradient, in the box where there are errors.
    """
    large = np.abs(found.r) > SEEN * np.abs(found.r).max()
    window = box_of_any(large.any(0))
    of_model, count = len(jacobian), len(found.by_extra)
    errors = np.where(large, found.r, 0)[(slice(None), *window)].astype(np.float64)
    scores = np.zeros((of_model + count, *errors.shape[1:]))
    for m, error in enumerate(errors):
        weight = error * found.by_density[m][window]
        for score, tangent in zip(scores, jacobian, strict=False):
            score += weight * tangent[window]
        for score, tangent in zip(scores[of_model:], found.by_extra[:, m], strict=True):
            score += error * tangent[window]
        if found.size_by_density is not None and found.size_by_extra is not None:
            size = found.size_by_density[m]
            box = box_of_any(size != 0)
            by_size = [*(np.sum(size[box] * row[box]) for row in jacobian), *found.size_by_extra[:, m]]
            square = error**2
            for score, change in zip(scores, by_size, strict=True):
                score -= square * change
    return errors, scores


def density_deviation(jacobian: Array, covariance: Array) -> Array:
    """
    Standard deviation of the density by linear propagation, √(J Σ Jᵀ) per voxel.

    Parameters
    ----------
    jacobian : ndarray [n, x, y, z]
        ∂c/∂values of the growth model.
    covariance : ndarray [n + k, n + k]
        Of [values, imaging parameters]; the density depends on the former alone.

    Returns
    -------
    ndarray [x, y, z], float32
    """
    of_values = np.asarray(covariance)[: len(jacobian), : len(jacobian)]
    variance = np.einsum("ixyz,ij,jxyz->xyz", jacobian, of_values, jacobian, optimize=True)
    return np.sqrt(np.clip(variance, 0, LARGEST**2)).astype(np.float32)


def deviation_of_fit(tissue: Tissue, fit: Fit, threads: int = 1) -> Array:
    """
    `density_deviation` of a saved fit, by a run of the numerical solver with its Jacobian.

    Parameters
    ----------
    tissue : Tissue
        On the grid that the fit was made on.
    fit : Fit

    Raises
    ------
    InputError
        If the fit has no covariance.
    """
    if fit.covariance is None:
        raise InputError(f"the fit by {fit.method} has no covariance, so its density has no standard deviation")
    model = growth_model(fit.model)
    _, jacobian = model.grow(tissue, model.values_of(fit.parameters), jacobian=True, threads=threads)
    return density_deviation(jacobian, fit.covariance)
