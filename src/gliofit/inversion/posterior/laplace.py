"""What a posterior of θ means for the density: a standard deviation in every voxel."""

from __future__ import annotations

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth import simulate
from gliofit.inversion.fit import Fit


def density_deviation(jacobian: Array, covariance: Array) -> Array:
    """
    Standard deviation of the density by linear propagation, √(J Σ Jᵀ) per voxel.

    Parameters
    ----------
    jacobian : ndarray [5, x, y, z]
        ∂c/∂(x, y, z, μ_D, μ_ρ).
    covariance : ndarray (5 + k, 5 + k)
        Of [θ, imaging parameters]; the density depends on θ alone.

    Returns
    -------
    ndarray [x, y, z], float32
    """
    variance = np.einsum("ixyz,ij,jxyz->xyz", jacobian, np.asarray(covariance)[:5, :5], jacobian, optimize=True)
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
    covariance = fit.covariance_of(*fit.parameters)
    if covariance is None:
        raise InputError(f"the fit by {fit.method} has no covariance, so its density has no standard deviation")
    _, jacobian = simulate(tissue, fit.theta, jacobian=True, threads=threads)
    return density_deviation(jacobian, covariance)
