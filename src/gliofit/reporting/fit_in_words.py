"""A fit in words and numbers: one row of the tables that a patient's page and the report print."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gliofit.inversion.fit import Fit


def extras_of(fits: Iterable[Fit]) -> list[str]:
    """Names of the imaging parameters that any of the fits has, in order."""
    return list(dict.fromkeys(name for fit in fits for name in fit.extras))


def fit_row(fit: Fit, extras: Iterable[str], titles: Mapping[str, str]) -> dict[str, Any]:
    """
    One fit as text.

    Parameters
    ----------
    fit : Fit
    extras : iterable of str
        Imaging parameters that have a column; those that the fit lacks are "–".
    titles : mapping of method → title
    """
    spread = fit.deviations()

    def text(name: str, value: float, digits: int) -> str:
        return with_deviation(value, spread.get(name), digits)

    return {
        "title": titles.get(fit.method, fit.method),
        "origin": ", ".join(text(n, v, 1) for n, v in zip("xyz", fit.theta.origin, strict=True)),
        "mu_D": text("mu_D", fit.theta.mu_D, 2),
        "mu_rho": text("mu_rho", fit.theta.mu_rho, 2),
        "extras": [text(n, fit.extras[n], 3) if n in fit.extras else "–" for n in extras],
        "loss": f"{fit.loss:.3g}",
        "evaluations": fit.evaluations,
        "seconds": f"{fit.seconds:.1f}",
        "converged": fit.converged,
        "reason": fit.reason,
    }


def with_deviation(value: float, deviation: float | None, digits: int) -> str:
    """`value ± deviation` with `digits` decimals, or as many (at most four) as the deviation's first digit needs."""
    if deviation is None or not math.isfinite(deviation):
        return f"{value:.{digits}f}".replace("-", "−")
    if 0 < deviation < 1:
        digits = max(digits, min(4, math.ceil(-math.log10(deviation) - 1e-9)))
    sign = "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
    return f"{value:.{digits}f}{sign}{deviation:.{digits}f}".replace("-", "−")
