"""θ̂ in the units of physics, for an assumed duration: one scan cannot tell how long a tumour has grown."""

from __future__ import annotations

import numpy as np

from gliofit.inversion.fit import Fit
from gliofit.reporting.fit_in_words import with_deviation

ASSUMED_DAYS = 100.0
"""T of the D and ρ that are printed (as in GliODIL, whose time axis ends there)."""


def physical_row(fit: Fit, days: float = ASSUMED_DAYS) -> dict[str, str]:
    """
    Quantities of a fit, as text with standard deviations where the fit has a covariance.

    Parameters
    ----------
    fit : Fit
    days : float
        T.

    Returns
    -------
    dict
        D = μ_D²/T (mm²/day) and ρ = μ_ρ²/T (1/day), the front's speed 2√(Dρ) = 2·μ_D·μ_ρ/T (mm/day); and, whatever T
        is, its width √(D/ρ) = μ_D/μ_ρ (mm).
    """
    mu_D, mu_rho = fit.theta.mu_D, fit.theta.mu_rho
    diffusivity, growth = fit.theta.to_physical(days)
    covariance = fit.covariance_of("mu_D", "mu_rho")
    values = {
        "diffusivity": (diffusivity, (2 * mu_D / days, 0.0), 3),
        "growth": (growth, (0.0, 2 * mu_rho / days), 4),
        "speed": (2 * mu_D * mu_rho / days, (2 * mu_rho / days, 2 * mu_D / days), 3),
        "width": (mu_D / mu_rho, (1 / mu_rho, -mu_D / mu_rho**2), 2),
    }
    row = {}
    for name, (value, gradient, digits) in values.items():
        deviation = None
        if covariance is not None:
            deviation = float(np.sqrt(max(np.asarray(gradient) @ covariance @ gradient, 0)))
        row[name] = with_deviation(value, deviation, digits)
    return row
