"""Laplace approximation of the posterior, and what it means for the density: a standard deviation in every voxel."""

from __future__ import annotations

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth import growth_model
from gliofit.inversion.fit import Fit
from gliofit.inversion.problem import Problem
from gliofit.inversion.search.levenberg_marquardt import normal_equations


def covariance(problem: Problem, parameters: Array) -> tuple[Array, Array]:
    """
    Laplace approximation of the posterior at `parameters`, flat prior within the bounds.

    Residuals are taken as independent with their mean square in tissue as variance, so that model error counts as
    noise; on a smooth misfit this understates the uncertainty.

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
    residuals = problem.target.residuals(c, extras).r
    # outside tissue nothing is predicted, and what fits there by itself says nothing of the noise
    variance = float(np.mean(np.square(residuals[:, problem.tissue.mask], dtype=np.float64)))
    width = problem.box.upper - problem.box.lower
    # in unit-scaled parameters, with the width of the box as the weakest prior, so that it can always be inverted
    precision = matrix * residuals.size / max(variance, 1e-12) * np.outer(width, width) + 12 * np.eye(len(width))
    spread = np.linalg.inv(precision) * np.outer(width, width)
    return spread, density_deviation(jacobian, spread)


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
    return np.sqrt(np.maximum(variance, 0)).astype(np.float32)


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
    _, jacobian = model.simulate(tissue, model.values_of(fit.parameters), jacobian=True, threads=threads)
    return density_deviation(jacobian, fit.covariance)
