"""
The format of a fit's JSON, which every fit is checked against when it is read.

`docs/result_format.md` describes it and `fit.schema.json` says it in JSON Schema; `gliofit.reporting.fit_format_doc`
makes both from the models below.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gliofit.base.errors import InputError

FORMAT = "gliofit-fit"
FORMAT_VERSION = 1

Number = float | None
"""JSON knows no NaN and no infinity: null stands for a number that is not finite."""


class Part(BaseModel):
    """An object of the format: unknown keys are refused, so that nothing is read past."""

    model_config = ConfigDict(extra="forbid", strict=True)


class GrowthModel(Part):
    """A growth model and its options."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: str = Field(description="as in `gliofit.growth`")


class ThetaRecord(Part):
    """θ, the parameters that all growth models share."""

    origin: list[float] = Field(min_length=3, max_length=3, description="mm, in the space of the scan (or atlas)")
    mu_D: float = Field(description="√(D_w·T), mm")
    mu_rho: float = Field(description="√(ρ·T), without unit")


class CovarianceRecord(Part):
    """A covariance that says what its rows are."""

    names: list[str] = Field(description="of the rows and columns: those of `parameters`, then those of `extras`")
    values: list[list[Number]] = Field(description="row by row")


class FociRecord(Part):
    """
    How the number of foci was found: what one focus explains, two, …, up to the first that was not worth it.

    Methods that search on a surrogate have these from it, but for the number that was kept.
    """

    loss: list[Number] = Field(description="by number of foci, on the grid on which they are compared")
    dice: list[dict[str, Number]] = Field(description="of each outline, by number of foci")


class OwnRecord(Part):
    """Where a method's own density is kept; see `gliofit.inversion.own_density.Field`."""

    file: str = Field(description="name of the npz beside this file")
    array: str = Field(description="name of the array [x, y, z] in it, float16; NaN where there is no tissue")
    affine: list[list[float]] = Field(description="4 × 4, voxel → mm")
    visible: Number = Field(
        description="lower densities are the leading edge of a front about the part that is as dense; null: they are "
        "the method's"
    )
    width: Number = Field(description="of that front, mm")


class SourceRecord(Part):
    """The source that made the fit; see `gliofit.base.versions.Source`."""

    commit: str | None = Field(description="of the repository; null if the package was not run from one")
    changed: bool = Field(description="whether files that results come from differed from the commit")
    sha256: str = Field(description="of the package's files, 16 digits: equal sources have equal ones")


class FitRecord(Part):
    """A fit, as its JSON holds it."""

    format: Literal["gliofit-fit"] = Field(description="tells what the file is")
    format_version: Literal[1] = Field(description="of this page; other versions are refused")
    case: str = Field(description="the patient or test case")
    target: str = Field(description='what was observed: "density", "segmentation" or "segmentation and PET"')
    spacing: Number = Field(description="of the working grid, mm")
    method: str = Field(description="name in the config")
    model: GrowthModel = Field(description="the growth model: its `name`, and its options if it has any")
    parameters: dict[str, float] = Field(description="all of the growth model's parameters by name, in its order")
    theta: ThetaRecord = Field(description="the parameters that every growth model has")
    extras: dict[str, float] = Field(description="imaging parameters (thresholds) that were fitted along, by name")
    loss: Number = Field(
        description="the observation's misfit at the result, comparable between methods; sharper if there is `foci`"
    )
    history: list[Number] = Field(description="the method's own loss per iteration or generation")
    comparable: int | None = Field(
        description="so many first entries of `history` are of one and the same loss; null: all are"
    )
    uncorrected_loss: Number = Field(
        description="`loss` before the surrogate's error was taken off; null for methods that do not do so"
    )
    evaluations: int = Field(ge=0, description="forward runs of solver or surrogate, gradients counted once each")
    seconds: float = Field(ge=0, description="by the clock, of the search without the final solver run")
    cpu_seconds: Number = Field(description="of processor time, the final solver run included; null: not measured")
    converged: bool = Field(description="whether the search ended by its own criterion and the outlines are explained")
    reason: str = Field(description="why it ended")
    warnings: list[str] = Field(description="what a reader should know of this fit, in sentences")
    covariance: CovarianceRecord | None = Field(
        description="posterior covariance, of samples or Laplace's; null: not computed"
    )
    own: OwnRecord | None = Field(
        description="where the density is that the method found by itself; null: the density is the growth model's "
        "at `parameters`"
    )
    foci: FociRecord | None = Field(description="how their number was found; null: it was not sought")
    true_theta: ThetaRecord | None = Field(description="what the case was made with; null for real patients")
    details: dict[str, Any] = Field(description="a method's own notes, for people; nothing in GlioFit reads them")
    versions: dict[str, str] = Field(description="of Python and the packages that computed the fit")
    source: SourceRecord = Field(description="the source that computed it")
    machine: str = Field(description="processor, cores and system")


def check(values: Any, where: str) -> FitRecord:
    """
    A fit's JSON object, checked.

    Parameters
    ----------
    values
        As read from JSON.
    where : str
        Path of the file, for the error.

    Raises
    ------
    InputError
        One sentence: if it is no fit, of an older form, of another version, or not as the format wants it.
    """
    if not isinstance(values, dict):
        raise InputError(f"{where}: is not a fit: it holds no JSON object")
    if "format" not in values and {"method", "theta", "loss"} <= set(values):
        raise InputError(
            f"{where}: is a fit as GlioFit 0.1 wrote it, without a format; make it again: snakemake --cores all "
            f"--force {where}"
        )
    if values.get("format") != FORMAT:
        raise InputError(f"{where}: is not a fit: its format is {values.get('format')!r}, not {FORMAT!r}")
    if (version := values.get("format_version")) != FORMAT_VERSION:
        raise InputError(
            f"{where}: has version {version} of the format {FORMAT}, but this GlioFit reads {FORMAT_VERSION}: read it "
            f"with the GlioFit that wrote it, or make it again: snakemake --cores all --force {where}"
        )
    try:
        return FitRecord.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"{where}: is not as docs/result_format.md has it: {key}: {first['msg']}") from None


def schema() -> dict[str, Any]:
    """The format as JSON Schema."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **FitRecord.model_json_schema()}
