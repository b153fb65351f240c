"""A tumour that costs no solver, as a travelling wave: for samplers to be compared on outlines and a PET of it."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from gliofit import Problem, Tissue
from gliofit.inversion.posterior.likelihood import Likelihood
from gliofit.inversion.posterior.target import Posterior
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget


class Wave:
    """
    c = logistic front at distance 0.9 μ_D μ_ρ of the origin, of width μ_D / μ_ρ, in tissue; with its derivatives.

    A `Forward` of `gliofit.inversion.posterior`.
    """

    def __init__(self, problem: Problem):
        self.tissue, self.target = problem.tissue, problem.target
        grid = np.moveaxis(np.indices(self.tissue.shape), 0, -1)
        self.points = np.moveaxis(self.tissue.to_world(grid), -1, 0)

    def density(self, values, jacobian=False):
        away = self.points - values[:3, None, None, None]
        r, (mu_D, mu_rho) = np.sqrt((away**2).sum(0) + 1e-6), values[3:]
        c = self.tissue.mask * expit((0.9 * mu_D * mu_rho - r) * mu_rho / mu_D)
        slopes = [*(away / r * mu_rho / mu_D), r * mu_rho / mu_D**2, 1.8 * mu_rho - r / mu_D]
        return (c, c * (1 - c) * np.array(slopes)) if jacobian else c

    def densities(self, values, use):
        return [use(i, self.density(v)) for i, v in enumerate(values)]

    def jacobians(self, values, use):
        return [use(i, *self.density(v, jacobian=True)) for i, v in enumerate(values)]


def wave_posterior(tissue: Tissue, truth: np.ndarray, noise: float) -> Posterior:
    """The posterior of eleven unknowns, of outlines at 0.68 and 0.21 and an uptake 0.1 + c/0.9 with `noise`."""
    wave = Wave(Problem(tissue, np.full(tissue.shape, 0.3, np.float32)))
    c = wave.density(truth)
    outlines = SegmentationTarget((c > 0.68).astype(np.float32), (c > 0.21).astype(np.float32))
    uptake = 0.1 + c / 0.9 + noise * np.random.default_rng(0).normal(size=c.shape)
    pet = PETTarget(uptake.astype(np.float32), (c > 0.1).astype(np.float32))
    problem = Problem(tissue, JointTarget((outlines, pet), (1.0, 1.0)))
    posterior = Posterior(problem)
    posterior.forward = Wave(problem)
    posterior.likelihood = Likelihood(tissue, problem.target, posterior._centre, posterior.radius)
    return posterior
