"""The section of the config on the geometry-aware surrogate."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Len
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from gliofit.base.section import Section

Range = Annotated[list[float], Len(2, 2)]


class GeometryAware(Section):
    """The geometry-aware surrogate's samples and studies (Ezhov 2021)."""

    spacing: Literal[1.0, 2.0, 4.0] | None = Field(  # type: ignore[valid-type] # pydantic knows floats there
        None, description="Of its grid, mm; `null`: as for all other networks."
    )
    train: NonNegativeInt = Field(description="Simulated tumours that each of its networks learns from; 0: no study.")
    validation: PositiveInt = Field(description="Tumours that choose a run's best checkpoint (Table I, validation).")
    test: PositiveInt = Field(description="Tumours of Table I's test set and of Figs. 6 to 8.")
    unseen: PositiveInt = Field(description="Tumours in each further anatomy: the unseen one, and patients'.")
    patients: NonNegativeInt = Field(description="Patients of the sheet, the first ones, whose anatomy is one of them.")
    train_heads: PositiveInt = Field(description="Deformed heads that the training tumours are shared out among.")
    test_heads: PositiveInt = Field(description="Others for validation, and as many for the test.")
    deformation_mm: NonNegativeFloat = Field(description="As in `samples`; every head is deformed here.")
    diffusivity: Range = Field(description="Range of D_w, mm²/day.")
    growth_rate: Range = Field(description="Range of ρ, 1/day.")
    days: Range = Field(description="Range of T, days.")
    day_step: NonNegativeFloat = Field(description="T is the lower bound plus a multiple of this; 0: any T.")
    ratios: Annotated[list[PositiveFloat], Len(1)] = Field(
        description="D_w/D_g. Table I is of the first; the paper's network is trained on each."
    )
    ablations: list[Literal["a", "b", "c", "d", "e"]] = Field(
        description="Rows of Table I that are trained beside the paper's network, (f)."
    )

    def prior(self, ratio: float) -> dict[str, Any]:
        """The keyword arguments of `gliofit.synthetic.physical_prior.PhysicalPrior`."""
        names = ("diffusivity", "growth_rate", "days", "day_step")
        return {name: getattr(self, name) for name in names} | {"ratio": ratio}
