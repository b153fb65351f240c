"""
The sections of the workflow's configuration, one model each.

Every key says here what it means; `config/README.md` and `workflow/schemas/config.schema.json` are made from it
(`gliofit.pipeline.config_docs`). The defaults live in `config/config.yaml` alone, so that there is one place to read
them; those of training are in `gliofit.training.settings`.
"""

from __future__ import annotations

from math import ceil
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from gliofit.base.section import Section
from gliofit.networks.grids import CROP_MM
from gliofit.pipeline.geometry_section import GeometryAware, Range
from gliofit.pipeline.lmi_section import LmiStudy
from gliofit.training.settings import GeometryAwareSettings, NnunetSettings, Settings, ViewSettings, WholeBrainSettings

OUT_OF_RANGE = ("edge", "beyond")
"""Sets of test cases with θ at the prior's edge and beyond it."""


Released = Literal["surrogate", "inverse", "inverse_segmentation", "lmi", "geometry_aware", "nnunet"]

Density = Annotated[float, Field(gt=0, le=1)]


class AtlasFiles(Section):
    """An anatomy of the user's own: four NIfTI paths on one grid."""

    t1: str = Field(description="Skull-stripped T1.")
    wm: str = Field(description="Fraction of white matter.")
    gm: str = Field(description="Fraction of grey matter.")
    csf: str = Field(description="Fraction of cerebrospinal fluid.")


class Seeds(Section):
    """One seed per purpose."""

    samples: NonNegativeInt = Field(description="θ of training and test tumours.")
    training: NonNegativeInt = Field(description="Weights at the start, and the order of samples.")
    inversion: NonNegativeInt = Field(description="Methods that draw at random.")
    patients: NonNegativeInt = Field(description="In-silico patients.")


class PriorRanges(Section):
    """Ranges of the prior; see `gliofit.synthetic.prior.Prior`."""

    mu_D: Range = Field(description="Range of μ_D = √(D·T) that θ is drawn from, mm.")
    mu_rho: Range = Field(description="Range of μ_ρ = √(ρ·T).")
    volume: Range = Field(description="Accepted volume of c > 0.25, ml.")


class Samples(Section):
    """Simulated tumours that the networks learn from."""

    train: PositiveInt = Field(description="Tumours that networks are trained on.")
    validation: PositiveInt = Field(description="Tumours that choose a run's best checkpoint.")
    test: PositiveInt = Field(
        description="Tumours in the atlas, and as many in the unseen anatomy, that a network is tested on when it is "
        "[released](../docs/networks.md#train-them)."
    )
    shards: PositiveInt = Field(description="Files that the training tumours are shared among, each a job.")
    deformation_mm: NonNegativeFloat = Field(
        description="Three of four shards show a random smooth deformation of the anatomy, with this standard "
        "deviation of the displacement on each axis, mm; 0: the anatomy alone, as in the paper. (Mirror images are "
        "switched off by `networks.*.flip: false`.)"
    )


class TestCases(Section):
    """Simulated tumours of Tables 1 and 2, unseen in training."""

    __test__ = False  # not a test class, whatever its name suggests to pytest

    number: PositiveInt = Field(description="Simulated tumours of Tables 1 and 2.")
    unseen_anatomy: NonNegativeInt = Field(description="More of them on an anatomy that networks never saw; 0: none.")
    out_of_range: NonNegativeInt = Field(
        description="With μ_D or μ_ρ at an edge of the prior, and as many outside it; 0: none."
    )
    beyond: NonNegativeFloat = Field(
        description="How far outside: upper bounds of the prior are multiplied, lower ones divided by 1 + this."
    )
    per_job: PositiveInt = Field(description="Cases that a job fits.")
    at_most: dict[str, NonNegativeInt] = Field(
        description="`{method: number}` for slow methods, who get the same share of the other sets; 0: patients only."
    )


class Networks(Section):
    """The networks: how they are trained (read with `train: true`), and which weights are used."""

    surrogate: Settings = Field(description="Training of the forward surrogate: θ and tissue → density.")
    inverse: Settings = Field(description="Training of the inverse network: density and tissue → θ.")
    inverse_segmentation: ViewSettings = Field(description="The same for outlines in place of the density.")
    lmi: WholeBrainSettings = Field(
        description="Training of Learn-Morph-Infer's network, which sees the whole brain; `config/lmi.yaml` is how the "
        "released one was trained."
    )
    geometry_aware: GeometryAwareSettings = Field(
        description="Training of the geometry-aware surrogate, one and the same for all rows of its table; the section "
        "`geometry_aware` has its samples."
    )
    nnunet: NnunetSettings = Field(
        description="Plan and training of nnU-Net, for the method `nnunet` (needs the extra of that name)."
    )
    released: dict[Released, str | None] = Field(
        {},
        description="`{network: file}`: weights that methods use in place of `resources/weights/{network}.safetensors` "
        "(read with `train: false`). `{surrogate: resources/weights/weidner.safetensors}` runs every method on the "
        "paper's surrogate.",
    )
    compared: dict[str, str | None] = Field(
        {},
        description="`{name: file}`: weights of further surrogates, which the tables of errors and times put beside "
        "the first; those for another `spacing` are passed over. `name: null` takes one out.",
    )


class Plans(Section):
    """Radiotherapy plans of patients."""

    margin_mm: NonNegativeFloat = Field(description="Margin of the standard plan around the tumour core, mm.")
    exclude_csf: bool = Field(description="Leave CSF out of every plan.")
    probability_above: Literal[0.01, 0.1, 0.5] = Field(  # type: ignore[valid-type] # pydantic knows floats there
        description="Methods that sample have a second plan: the voxels whose density most probably exceeds this."
    )
    isodensities: list[Density] = Field(
        description="Cell densities, relative to the most that tissue holds: where a method finds as much is a "
        "structure of the plans in DICOM (docs/dicom.md). An empty list: none."
    )


class GliodilSynthetic(Section):
    """GliODIL's synthetic patients and what they are fitted by."""

    number: NonNegativeInt = Field(
        description="Patients of one focus, and as many of three; 0: none. The paper has 50."
    )
    methods: dict[str, list[Literal["mri", "mri_pet"]]] = Field(
        description="`{method: [mri, mri_pet]}`: fitted to the outlines alone, or to FET-PET too. A method that is not "
        "under `methods` is passed over."
    )
    at_most: dict[str, PositiveInt] = Field(description="`{method: number}` for slow methods.")

    def cases(self, method: str) -> int:
        """How many patients of each kind a method is run on."""
        return min(self.number, self.at_most.get(method, self.number))


class Cohort(Section):
    """A cohort without patients, and what it is fitted by."""

    number: NonNegativeInt = Field(description="Simulated patients with outlines as rough as real ones; 0: none.")
    methods: dict[str, list[Literal[1, "auto"]]] = Field(
        description="`{method: [1, auto]}`: fitted with one focus, or with as many as it finds; `[]`: not at all. A "
        "method that is not under `methods` is passed over."
    )
    at_most: dict[str, PositiveInt] = Field(description="`{method: number}` for slow methods.")

    def cases(self, method: str) -> int:
        """How many patients a method is run on."""
        return min(self.number, self.at_most.get(method, self.number))


class GliodilStudies(Section):
    """GliODIL's studies of itself, on the first of its synthetic patients (of each kind)."""

    number: NonNegativeInt = Field(description="Patients of one focus, and as many of three; 0: none.")
    pde_weights: list[PositiveFloat] = Field(description="λ_PDE that `gliodil` is run with (GliODIL, Fig. 2).")
    guesses: NonNegativeInt = Field(description="Starts per patient that are off (Sec. 4.8); the paper has no number.")
    scatter: NonNegativeFloat = Field(description="Largest share by which their D, ρ and origin are off.")


class Bayesian(Section):
    """Posteriors by the solver beside those by the surrogate (Ezhov 2021, Table II)."""

    number: NonNegativeInt = Field(description="Synthetic patients with known truth; the paper has 3.")
    patients: NonNegativeInt = Field(description="Patients of the sheet, the first ones; no table if both are 0.")
    method: Literal["tmcmc", "tmcmc_manifold"] = Field(description="What samples; the paper: `tmcmc`.")
    settings: dict[str, Any] = Field(description="Of that method, for both.")


class Threads(Section):
    """CPU threads per job; results do not depend on how many cores the machine has."""

    simulation: PositiveInt = Field(description="Of a job that runs the solver.")
    training: PositiveInt = Field(description="Of a network's training: part of what determines the network.")
    inversion: PositiveInt = Field(description="Of a job that fits.")
    registration: PositiveInt = Field(description="Of a registration and its check; several patients share them out.")


class Config(Section):
    """The whole configuration."""

    atlas: Literal["sri24", "mni152"] | AtlasFiles = Field(
        description="Anatomy that tumours are simulated in and that patients' tissue comes from: `sri24` (downloaded "
        "once, into `resources/atlas`), `mni152` (comes with nilearn), or your own files, in any orientation."
    )
    spacing: Literal[1.0, 2.0, 4.0] = Field(  # type: ignore[valid-type] # pydantic knows floats there
        description="Voxel edge of the working grid, mm. A network's crop is always 128 mm a side."
    )
    train: bool = Field(
        description="`false`: use the released networks in `resources/weights` (for `spacing: 2`). `true`: simulate "
        "samples and train networks here; what is trained is in `results/networks`."
    )
    device: Literal["cpu", "cuda"] = Field(description="Where networks are trained.")
    patients: str | None = Field(description="The sample sheet (below), or `null`.")
    brats_dir: str | None = Field(description="A folder of BraTS cases to add to the patients (below), or `null`.")
    labels: str | None = Field(
        None,
        description="What the numbers of all segmentations in `brats_dir` mean: a name (`brats2024`, `hd_glio`, …) or "
        "spelled out (`edema=1,core=2`), see [inputs](../docs/inputs.md); `null`: as the names of the files tell.",
    )
    segment: str | None = Field(
        None,
        description="Command that segments patients of the sample sheet without a `seg`, run without a shell: "
        "`my_script {t1c} {flair} {output}`, with `{t1}`, `{t1c}`, `{flair}`, `{fet}` and `{brain}` for scans on the "
        "T1c's grid, stripped ([raw scans](../docs/raw_scans.md)); `null`: none.",
    )
    registration: Literal["greedy", "fast", "precise"] = Field(
        description="Settings of atlas → patient registration (JSON in `src/gliofit/anatomy/registration_settings`)."
    )
    tumour_tissue: Literal["core", "csf", "keep"] = Field(
        "core",
        description="What becomes white matter within the tumour, where the atlas knows no tumour: everything in the "
        "core and CSF around it (`core`), CSF alone (`csf`), or nothing (`keep`).",
    )
    growth_model: str | dict[str, Any] = Field(
        {"name": "fisher_kolmogorov", "foci": "auto"},
        description="What grows: a name, or `{name: …, option: …}` (docs/adding_a_growth_model.md). `foci: auto` adds "
        "foci to a patient's fit as long as the outlines speak for them, in methods that can; `foci: 1` is the "
        "papers'. Simulated test cases have one focus, whatever is written here.",
    )
    seeds: Seeds
    prior: PriorRanges
    samples: Samples
    test_cases: TestCases
    networks: Networks
    methods: dict[str, dict[str, Any] | None] = Field(
        description="The inversion methods, in the order of the tables. A method's settings follow its name; they are "
        "the keyword arguments of its function in `src/gliofit/inversion/methods`. `name: false` takes a method out."
    )
    plans: Plans
    gliodil_synthetic: GliodilSynthetic
    bayesian: Bayesian = Field(description="Ezhov 2021's Table II.")
    gliodil_studies: GliodilStudies
    cohort: Cohort
    geometry_aware: GeometryAware
    lmi_study: LmiStudy
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

    def training(self, network: str) -> Settings:
        """How a network is trained."""
        return getattr(self.networks, network)

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
