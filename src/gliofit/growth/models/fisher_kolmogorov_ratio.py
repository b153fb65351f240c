"""Fisher–Kolmogorov growth with the ratio of diffusivities in white and grey matter as a sixth unknown."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.growth.fisher_kolmogorov import simulate
from gliofit.growth.model import GrowthModel, register
from gliofit.growth.models.fisher_kolmogorov import MU_D, MU_RHO
from gliofit.growth.parameter import Parameter, origin_parameters
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.growth.theta import Theta

RATIO = Parameter("ratio", "", 1.0, 100.0, GREY_MATTER_RATIO, symbol="R", digits=1)
"""R = D_w/D_g: 1 is no difference, at 100 grey matter hardly takes up a cell; GliODIL draws 10 to 30 (Table 1)."""

STEP = 0.02
"""Of log R, for central differences: their error is 1e-4 of ∂c/∂log R, single precision's is 1e-5 of a density."""


@register
class FisherKolmogorovRatio(GrowthModel):
    """`FisherKolmogorov` with R to be found. ∂c/∂R is a central difference of two further runs."""

    name = "fisher_kolmogorov_ratio"
    title = "Fisher–Kolmogorov, ratio R free"
    constants = MappingProxyType({})

    def __init__(self) -> None:
        self.parameters = (*origin_parameters(), MU_D, MU_RHO, RATIO)

    def simulate(
        self,
        tissue: Tissue,
        values: Array,
        *,
        jacobian: bool = False,
        threads: int | None = None,
        refine: float = 1.0,
    ) -> Any:
        """
        See `GrowthModel.simulate`; the columns of J other than R's are exact for the discrete scheme. `refine` divides
        every time step.
        """
        *place, ratio = self.checked(values)
        theta = Theta.from_array(place)
        options: dict[str, Any] = {"threads": threads, "refine": refine}
        if not jacobian:
            return simulate(tissue, theta, ratio=ratio, **options)
        c, by_theta = simulate(tissue, theta, ratio=ratio, jacobian=True, **options)
        more, less = (simulate(tissue, theta, ratio=ratio * np.exp(step), **options) for step in (STEP, -STEP))
        return c, np.concatenate([by_theta, ((more - less) / np.float32(2 * STEP * ratio))[None]])
