"""Fisher–Kolmogorov growth, the model of all four papers: θ = (origin, μ_D, μ_ρ) (Weidner 2026, Eq. 1)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Literal

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.fisher_kolmogorov import simulate
from gliofit.growth.model import GrowthModel, register
from gliofit.growth.parameter import Parameter, origin_parameters
from gliofit.growth.ranges import GREY_MATTER_RATIO, MU_D_BOUNDS, MU_RHO_BOUNDS, START_MU
from gliofit.growth.theta import Theta

MU_D = Parameter("mu_D", "mm", *MU_D_BOUNDS, START_MU[0], symbol="μ_D")
MU_RHO = Parameter("mu_rho", "", *MU_RHO_BOUNDS, START_MU[1], symbol="μ_ρ")


MOST_FOCI = 6
"""More would be told apart by no scan."""

MOST_TRIED = 4
"""Of foci "auto"."""


@register
class FisherKolmogorov(GrowthModel):
    """
    ∂c/∂t = ∇·(D∇c) + ρc(1 − c), no flux out of the tissue, D_w/D_g = 10.

    Parameters
    ----------
    foci : int or "auto"
        Origins that growth begins from at once, in one run; they share μ_D and μ_ρ. The papers have one. "auto" begins
        with one, and methods that can add others as long as the observation speaks for them (`gliofit.inversion.foci`).
    """

    name = "fisher_kolmogorov"
    title = "Fisher–Kolmogorov"
    constants = MappingProxyType({"grey_matter_ratio": GREY_MATTER_RATIO})

    def __init__(self, foci: int | Literal["auto"] = 1):
        whole = isinstance(foci, int) and not isinstance(foci, bool) and 1 <= foci <= MOST_FOCI
        if not whole and foci != "auto":
            raise InputError(f"growth model fisher_kolmogorov: foci = {foci!r} must be 1 to {MOST_FOCI}, or 'auto'")
        self.foci, self._number = foci, 1 if foci == "auto" else int(foci)
        numbers = [None] if self._number == 1 else range(1, self._number + 1)
        self.parameters = (*(p for number in numbers for p in origin_parameters(number)), MU_D, MU_RHO)

    def with_another_focus(self) -> GrowthModel | None:
        return FisherKolmogorov(self._number + 1) if self._number < MOST_FOCI else None

    def with_one_focus(self) -> GrowthModel:
        return FisherKolmogorov()

    @property
    def foci_range(self) -> tuple[int, int]:
        return (1, MOST_TRIED) if self.foci == "auto" else (self._number, self._number)

    def simulate(
        self,
        tissue: Tissue,
        values: Array,
        *,
        jacobian: bool = False,
        threads: int | None = None,
        refine: float = 1.0,
    ) -> Any:
        """See `GrowthModel.simulate`; J is exact for the discrete scheme. `refine` divides every time step."""
        values = self.checked(values)
        first, *further = values[self.origins]
        theta = Theta(tuple(first), *values[self.origins.size :])
        return simulate(tissue, theta, further=further, jacobian=jacobian, threads=threads, refine=refine)
