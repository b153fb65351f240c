"""
What a patient's outlines are worth: the power of their likelihood that makes up for labels that err together.

A segmentation is drawn in strokes, and no tumour grows as the model has it: labels that are wrong lie in patches. At
the mode, the covariance J of the labels' score tells how much less they say than the matrix H of the likelihood claims
(`gliofit.inversion.posterior.dependence`). The power tr(A⁻¹H) / tr(A⁻¹J), where A is H with the prior's precision,
makes both equal on average over the unknowns (as in Pauli, Racugno & Ventura 2011). Labels that were drawn voxel by
voxel have a power of 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.dependence import correlation_length, score_covariance
from gliofit.inversion.posterior.likelihood import Outline
from gliofit.inversion.posterior.points import Points
from gliofit.inversion.posterior.proposals import PRIOR_PRECISION
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.samples import Labels

LONGEST = 0.25
"""Correlation length that is believed at most, of the radius of the ball that the likelihood looks at."""


class Worth(NamedTuple):
    """
    Of a patient's labels.

    Parameters
    ----------
    power : float
        In (0, 1].
    length_mm : float
        Correlation length of their errors; 0: they are independent.
    """

    power: float
    length_mm: float


def labels_of(posterior: Posterior, worth: Worth) -> Labels | None:
    """What a posterior takes its labels for; None without outlines."""
    for image in posterior.likelihood.images:
        if isinstance(image, Outline):
            counted = float(np.prod(posterior.forward.tissue.spacing)) * worth.power / image.weight
            return Labels(worth.power, worth.length_mm, counted ** (1 / 3))
    return None


def worth_of_labels(posterior: Posterior, mode: Points) -> Worth:
    """
    The power and the correlation length of the labels' errors at a mode.

    Parameters
    ----------
    posterior : Posterior
    mode : Points
        One.
    """
    outlines = [image for image in posterior.likelihood.images if isinstance(image, Outline)]
    if not outlines:
        return Worth(1.0, 0.0)
    parameters = posterior.parameters(mode.unit)[0]
    unknowns = posterior.unknowns.from_unit(mode.unit)[0]
    chain = posterior.unknowns.derivative(unknowns) * posterior.unknowns.slope(unknowns)
    size, names = posterior.problem.model.size, list(posterior.names)
    spacing, shape = posterior.forward.tissue.spacing, posterior.forward.tissue.shape

    def use(_: int, c: Array, jacobian: Array) -> Worth:
        errors = np.zeros((len(outlines), *shape))
        scores, matrix = np.zeros((len(names), *shape)), np.zeros((len(names), len(names)))
        for image, error in zip(outlines, errors, strict=True):
            own = np.array([parameters[names.index(name)] for name in image.unknowns])
            u = c[image.index].astype(float)
            terms = image.terms(u, own)
            away = (u - own[0]) / own[1]
            error[image.index] = image.seen - 0.5 - 0.5 * np.sign(away) * -np.expm1(-(away**2))
            tangents = np.zeros((len(names), u.size))
            tangents[:size] = [a[image.index] for a in jacobian]
            for name, tangent in zip(image.unknowns, (-np.ones_like(u), -away), strict=True):
                tangents[names.index(name)] += tangent
            for score, part in zip(scores, tangents * terms.by_density / image.weight, strict=True):
                score[image.index] += part
            rows = tangents * terms.rows[:, 0] / np.sqrt(image.weight)
            matrix += rows @ rows.T
        length = correlation_length(errors, spacing, LONGEST * posterior.radius)
        claimed = chain.T @ matrix @ chain
        found = chain.T @ score_covariance(scores, spacing, length) @ chain
        inverse = np.linalg.inv(claimed + PRIOR_PRECISION * np.eye(len(claimed)))
        independent = float(np.trace(inverse @ claimed) / max(np.trace(inverse @ found), 1e-300))
        return Worth(min(independent / outlines[0].weight, 1.0), length)

    return posterior.forward.jacobians(parameters[None, :size], use)[0]
