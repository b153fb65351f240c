"""What tests of samplers share."""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.tmcmc import Sampled


def agreeing(posterior: Posterior, one: Sampled, other: Sampled, sigmas: float, evidence: float) -> tuple[Array, Array]:
    """Parameters of two samplers' points, whose means, deviations and evidence are asserted to agree."""
    first, second = (posterior.parameters(found.unit) for found in (one, other))
    deviation = first.std(0)
    assert np.all(np.abs(first.mean(0) - second.mean(0)) < sigmas * deviation)
    np.testing.assert_allclose(second.std(0), deviation, rtol=0.4)
    error = np.hypot(one.log_evidence_error, other.log_evidence_error)
    assert abs(one.log_evidence - other.log_evidence) < 5 * error + evidence
    return first, second
