"""Fisher–Kolmogorov growth, the model of all four papers: θ = (origin, μ_D, μ_ρ) (Weidner 2026, Eq. 1)."""

from __future__ import annotations

from types import MappingProxyType

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.growth.fisher_kolmogorov import simulate
from gliofit.growth.model import GrowthModel, Parameter, origin_parameters, register
from gliofit.growth.ranges import GREY_MATTER_RATIO, MU_D_BOUNDS, MU_RHO_BOUNDS, START_MU
from gliofit.growth.theta import Theta

MU_D = Parameter("mu_D", "mm", *MU_D_BOUNDS, START_MU[0], symbol="μ_D")
MU_RHO = Parameter("mu_rho", "", *MU_RHO_BOUNDS, START_MU[1], symbol="μ_ρ")


@register
class FisherKolmogorov(GrowthModel):
    """∂c/∂t = ∇·(D∇c) + ρc(1 − c) from one origin, no flux out of the tissue, D_w/D_g = 10."""

    name = "fisher_kolmogorov"
    title = "Fisher–Kolmogorov"
    constants = MappingProxyType({"grey_matter_ratio": GREY_MATTER_RATIO})

    def __init__(self):
        self.parameters = (*origin_parameters(), MU_D, MU_RHO)

    def simulate(self, tissue: Tissue, values: Array, *, jacobian: bool = False, threads: int | None = None):
        """See `GrowthModel.simulate`; J is exact for the discrete scheme."""
        theta = Theta.from_array(self.checked(values))
        return simulate(tissue, theta, jacobian=jacobian, threads=threads)
