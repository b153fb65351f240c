"""The section of the workflow's configuration for Learn-Morph-Infer's Table 2."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from gliofit.base.section import Section
from gliofit.training.settings import WholeBrainSettings

GrowthModel = Literal["fisher_kolmogorov", "mass_effect"]


class LmiStudy(Section):
    """Learn-Morph-Infer's Table 2: tumours and networks of its own, whatever `train` says."""

    test: dict[GrowthModel, NonNegativeInt] = Field(
        description="Tumours that networks are tested on, by growth model; 0 takes a model out. The paper has 12,000."
    )
    train: dict[GrowthModel, PositiveInt] = Field(
        description="Tumours that they learn from (the paper: 80,000); a tenth as many choose the best checkpoint."
    )
    shards: PositiveInt = Field(description="Files that tumours of a model are shared among, each a job.")
    spacing: Literal[1.0, 2.0, 4.0] = Field(  # type: ignore[valid-type] # pydantic knows floats there
        description="Voxel edge of the grid that tumours grow on, mm."
    )
    gamma: PositiveFloat = Field(description="γ of all tumours with mass effect, kPa; the authors' code has 16.")
    follow: bool = Field(
        description="Networks for mass effect begin with the weights of those without: a tumour with mass effect takes "
        "ten times as long to simulate. In the paper they learn from nothing."
    )
    released: bool = Field(
        description="Experiments 3 and 6 have the networks that come with the repository, `lmi` and "
        "`lmi_mass_effect`, which this study trained (`config/lmi.yaml`); the table says so. `false`: they are "
        "trained as the others are."
    )
    refined: list[GrowthModel] = Field(
        description="Growth models with a further row: Gauss–Newton on the outlines, beginning with the answer of the "
        "network for all of θ. With mass effect a tumour takes about ten times as long."
    )
    network: WholeBrainSettings = Field(description="How each of the networks is trained.")

    @property
    def models(self) -> list[str]:
        """Growth models of the study."""
        return [model for model, number in self.test.items() if number]
