"""
The sections of the workflow's configuration, one model each.

`config/README.md` documents every key; the defaults live in `config/config.yaml` alone, so that there is one place
to read them.
"""

from __future__ import annotations

from math import ceil
from typing import Annotated, Any, Literal

from annotated_types import Len
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from gliofit.networks.grids import CROP_MM

OUT_OF_RANGE = ("edge", "beyond")
"""Sets of test cases with θ at the prior's edge and beyond it."""


Range = Annotated[list[float], Len(2, 2)]


class Section(BaseModel):
    """A section of the config: unknown keys and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class AtlasFiles(Section):
    """An anatomy of the user's own: four NIfTI paths on one grid."""

    t1: str
    wm: str
    gm: str
    csf: str


class Seeds(Section):
    """One seed per purpose."""

    samples: NonNegativeInt
    training: NonNegativeInt
    inversion: NonNegativeInt
    patients: NonNegativeInt


class PriorRanges(Section):
    """Ranges of the prior; see `gliofit.synthetic.prior.Prior`."""

    mu_D: Range
    mu_rho: Range
    volume: Range


class Samples(Section):
    """Simulated tumours that the networks learn from."""

    train: PositiveInt
    validation: PositiveInt
    test: PositiveInt
    shards: PositiveInt
    deformation_mm: NonNegativeFloat


class TestCases(Section):
    """Simulated tumours of Tables 1 and 2, unseen in training."""

    __test__ = False  # not a test class, whatever its name suggests to pytest

    number: PositiveInt
    unseen_anatomy: NonNegativeInt
    out_of_range: NonNegativeInt
    beyond: NonNegativeFloat
    per_job: PositiveInt
    at_most: dict[str, NonNegativeInt]


class Training(Section):
    """
    One network and how it is trained: `gliofit.training.settings.Settings`, whose defaults hold for what is not given.

    (Named again here so that reading a config need not import torch; a test keeps the two alike.)
    """

    architecture: Literal["gliofit", "weidner"] | None = None
    width: PositiveInt
    steps: PositiveInt
    batch: PositiveInt
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat | None = None
    warmup: NonNegativeFloat | None = None
    clip: PositiveFloat | None = None
    flip: bool | None = None
    validate_every: NonNegativeInt | None = None
    window: NonNegativeInt | None = None
    coarse: dict[int, PositiveFloat] | None = None
    bfloat16: bool | None = None
    start: str | None = None

    def given(self) -> dict[str, Any]:
        """What the config sets."""
        return self.model_dump(exclude_none=True)


class WholeBrainTraining(Training):
    """Of Learn-Morph-Infer's network: `gliofit.training.settings.WholeBrainSettings`."""

    architecture: Literal["gliofit", "ezhov"] | None = None
    spacing: PositiveFloat | None = None


class Networks(Section):
    surrogate: Training
    inverse: Training
    inverse_segmentation: Training
    released: dict[Literal["surrogate", "inverse", "inverse_segmentation", "lmi"], str | None] = {}
    compared: dict[str, str | None] = {}
    lmi: WholeBrainTraining


class Plans(Section):
    """Radiotherapy plans of patients."""

    margin_mm: NonNegativeFloat
    exclude_csf: bool


class GliodilSynthetic(Section):
    """GliODIL's synthetic patients and what they are fitted by."""

    number: NonNegativeInt
    methods: dict[str, list[Literal["mri", "mri_pet"]]]
    at_most: dict[str, PositiveInt]

    def cases(self, method: str) -> int:
        """How many patients of each kind a method is run on."""
        return min(self.number, self.at_most.get(method, self.number))


class Threads(Section):
    """CPU threads per job; results do not depend on how many cores the machine has."""

    simulation: PositiveInt
    training: PositiveInt
    inversion: PositiveInt
    registration: PositiveInt


class Config(Section):
    """The whole configuration."""

    atlas: Literal["sri24", "mni152"] | AtlasFiles
    spacing: Literal[1.0, 2.0, 4.0]
    train: bool
    device: Literal["cpu", "cuda"]
    seeds: Seeds
    prior: PriorRanges
    samples: Samples
    test_cases: TestCases
    networks: Networks
    methods: dict[str, dict[str, Any] | None]
    patients: str | None
    brats_dir: str | None
    labels: str | None = None
    registration: Literal["fast", "precise"]
    tumour_tissue: Literal["core", "csf", "keep"] = "core"
    plans: Plans
    gliodil_synthetic: GliodilSynthetic
    threads: Threads

    @property
    def crop(self) -> tuple[int, int, int]:
        """Shape of the networks' crops: 128 mm a side."""
        return (round(CROP_MM / self.spacing),) * 3

    @property
    def anatomy(self) -> str:
        """Name of the anatomy that networks are trained on."""
        return self.atlas if isinstance(self.atlas, str) else "custom"

    @property
    def unseen_anatomy(self) -> str:
        """The anatomy that networks never see in training."""
        return "sri24" if self.anatomy == "mni152" else "mni152"

    def settings(self, method: str) -> dict[str, Any]:
        """The settings of a method, as given (its function's defaults hold for the rest)."""
        return dict(self.methods.get(method) or {})

    @property
    def case_sets(self) -> dict[str, str]:
        """Sets of simulated test cases that are not empty, and the anatomy of each."""
        anatomies = {self.anatomy: self.anatomy, self.unseen_anatomy: self.unseen_anatomy}
        anatomies |= dict.fromkeys(OUT_OF_RANGE, self.anatomy)
        return {name: anatomy for name, anatomy in anatomies.items() if self.drawn(name)}

    def drawn(self, cases: str) -> int:
        """How many test cases a set has."""
        if cases == self.anatomy:
            return self.test_cases.number
        return self.test_cases.out_of_range if cases in OUT_OF_RANGE else self.test_cases.unseen_anatomy

    def cases(self, cases: str, method: str) -> int:
        """How many test cases of a set a method is run on: for slow methods the same share of every set."""
        number = self.test_cases.number
        return ceil(self.drawn(cases) * min(number, self.test_cases.at_most.get(method, number)) / number)
