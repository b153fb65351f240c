"""Which part of a plan hangs on each further focus."""

from __future__ import annotations

import numpy as np

from gliofit.base.arrays import Array
from gliofit.growth import growth_model
from gliofit.inversion.fit import Fit
from gliofit.patients.prepared import Prepared
from gliofit.planning.plans import hangs_on


def parts_by_focus(fit: Fit, density: Array, plan: Array, prepared: Prepared) -> dict[str, Array]:
    """
    What of a density's plan would not be in it without each focus but θ's, which has the most cells.

    Parameters
    ----------
    fit : Fit
    density : ndarray [x, y, z]
        The fit's, on the scan's grid.
    plan : ndarray of bool [x, y, z]
        `gliofit.planning.plans.model_plan` of the density.
    prepared : Prepared

    Returns
    -------
    dict of str → ndarray of bool [x, y, z]
        By the focus in words; empty with one focus, and for a density that no growth model has.
    """
    number = len(fit.origins)
    if number < 2 or fit.own is not None or fit.spacing is None:
        return {}
    tissue = prepared.tissue.working_grid(fit.spacing)
    values = np.array(list(fit.parameters.values()))
    fewer = growth_model({**fit.model, "foci": number - 1})
    found = {}
    for places in growth_model(fit.model).origins:
        origin = values[places]
        if np.allclose(origin, fit.theta.origin):
            continue
        rest = fewer.grow(tissue, np.delete(values, places))
        where = ", ".join(f"{v:.0f}".replace("-", "−") for v in origin)
        found[f"focus at {where} mm"] = hangs_on(plan, density, prepared.to_scan(rest, tissue.affine))
    return found
