"""How a network is trained: the keys of the config under `networks`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_type_hints

from pydantic import (
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
)

from gliofit.base.errors import InputError
from gliofit.base.section import STRICT, fault
from gliofit.networks.grids import COARSER_GRIDS, GEOMETRY_AWARE


@dataclass(frozen=True)
class Settings:
    """
    How to train one network. The fields are keys of the config; what each means is its description.

    Raises
    ------
    InputError
        Naming the setting: another type, out of its range, or not fit for the architecture.
    """

    architecture: Annotated[
        Literal["gliofit", "weidner", "ezhov"],
        Field(
            description="`gliofit`, or the paper's own: `weidner` for the surrogate and the inverse networks, `ezhov` "
            "for Learn-Morph-Infer's and for the geometry-aware surrogate."
        ),
    ] = "gliofit"
    width: Annotated[PositiveInt, Field(strict=True, description="Channels at the finest level.")] = 32
    steps: Annotated[PositiveInt, Field(strict=True, description="Optimiser steps.")] = 1000
    batch: Annotated[PositiveInt, Field(strict=True, description="Samples per step.")] = 4
    learning_rate: Annotated[
        PositiveFloat,
        Field(strict=True, description="Peak of AdamW's, after a linear warm-up and before a cosine decay to zero."),
    ] = 1e-3
    weight_decay: Annotated[NonNegativeFloat, Field(strict=True, description="Weight decay of AdamW.")] = 1e-4
    warmup: Annotated[
        float, Field(strict=True, ge=0, lt=1, description="Share of the steps in which the rate rises.")
    ] = 0.05
    clip: Annotated[PositiveFloat, Field(strict=True, description="Bound of the gradient's norm.")] = 1.0
    flip: Annotated[bool, Field(strict=True, description="Train on left–right mirror images, too.")] = True
    validate_every: Annotated[
        NonNegativeInt,
        Field(strict=True, description="Steps between validations, each with a checkpoint; 0: ten times a run."),
    ] = 0
    window: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            multiple_of=8,
            description="Edge, in voxels, of windows about random points of the tumour that the `gliofit` surrogate is "
            "trained on, as its correction is a local matter; 0: whole crops.",
        ),
    ] = 0
    coarse: Annotated[
        dict[int, PositiveFloat],
        Field(
            strict=True,
            description="`{factor: share}`: the `weidner` surrogate learns on coarser grids first. Factors on the "
            "spacing, and the shares of the steps for which they hold, one after the other; each part has a schedule "
            "of its own.",
        ),
    ] = field(default_factory=dict)
    bfloat16: Annotated[
        bool,
        Field(
            strict=True,
            description="Autocast to bfloat16 in training, on a GPU and on processors with AVX-512 (validation and use "
            "are in float32).",
        ),
    ] = True
    start: Annotated[
        str | None,
        Field(
            strict=True,
            description="Weights to go on from, as for an anatomy of your own: of the same role, architecture, width "
            "and grid. The card then has their hash.",
        ),
    ] = None

    ARCHITECTURES: ClassVar[tuple[str, ...]] = ("gliofit", "weidner")
    # strict as a whole, a dataclass would refuse the mapping that a config file has; its fields are strict instead
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    terms: ClassVar[str] = ""
    """What the loss of the geometry-aware surrogate is a sum over."""

    def __post_init__(self) -> None:
        for name, adapter in _adapters(type(self)).items():  # type: ignore[arg-type] # a class is hashable
            try:
                adapter.validate_python(getattr(self, name))
            except ValidationError as error:
                raise InputError(f"{name}{fault(error, type(self))}") from None
        if self.architecture not in self.ARCHITECTURES:
            raise InputError(f"architecture = '{self.architecture}' is for another network, not for this")
        if self.window and self.architecture != "gliofit":
            raise InputError("window is for the gliofit surrogate")
        if sum(self.coarse.values()) >= 1:
            raise InputError("the shares under coarse must leave some of the steps")
        if self.coarse and (self.architecture != "weidner" or not set(self.coarse) <= set(COARSER_GRIDS)):
            raise InputError(f"coarse is for the weidner surrogate and factors {COARSER_GRIDS}")

    @property
    def options(self) -> dict[str, Any]:
        """Of the network, beside architecture and width."""
        return {}

    @property
    def interval(self) -> int:
        """Steps between validations."""
        return self.validate_every or max(1, math.ceil(self.steps / 10))

    def part(self, step: int) -> tuple[int, int, int]:
        """Of the part of the run that a step is in: first step, number of steps, factor on the spacing."""
        first = 0
        for factor, share in self.coarse.items():
            count = round(share * self.steps)
            if step < first + count:
                return first, count, factor
            first += count
        return first, self.steps - first, 1

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        first, count, _ = self.part(step)
        step -= first
        warm = max(1, round(self.warmup * count))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * (1 + math.cos(math.pi * (step - warm) / max(1, count - warm))) / 2


@dataclass(frozen=True)
class ViewSettings(Settings):
    """How to train the inverse network that sees outlines of tumour core and whole tumour."""

    outlines: Annotated[
        Literal["smooth", "rough"],
        Field(
            description="`smooth`: where the density crosses two thresholds; `rough`: as patients have them, with "
            "satellites, cut fields of view and tissue as preparation leaves it."
        ),
    ] = "smooth"


@dataclass(frozen=True)
class WholeBrainSettings(Settings):
    """How to train the network of Learn-Morph-Infer, which sees the whole brain instead of a crop."""

    ARCHITECTURES: ClassVar[tuple[str, ...]] = ("gliofit", "ezhov")
    spacing: Annotated[
        PositiveFloat,
        Field(
            strict=True, description="Of what Learn-Morph-Infer's network sees, mm; the shards' own if that is coarser."
        ),
    ] = 4.0
    # on a processor, gradients of a network of width 8 were NaN by chance in bfloat16 (torch 2.13, AVX-512)
    bfloat16: Annotated[bool, Field(strict=True, description="As for other networks.")] = False


@dataclass(frozen=True)
class GeometryAwareSettings(Settings):
    """How to train the geometry-aware surrogate, for one row of its Table I."""

    ARCHITECTURES: ClassVar[tuple[str, ...]] = GEOMETRY_AWARE
    architecture: Annotated[
        Literal["ezhov", "ezhov_unet", "ezhov_csf"],
        Field(description="`ezhov`, or Table I (a) `ezhov_unet` and (b) `ezhov_csf`; set by the row."),
    ] = "ezhov"  # type: ignore[assignment] # other names than other networks'
    deeper: Annotated[
        list[PositiveInt],
        Field(
            min_length=1,
            max_length=3,
            description="Channels of the grids that are coarser. The coarsest has voxels of eight of the crop's; with "
            "fewer than three, blocks of voxels are packed into channels of the finest grid.",
        ),
    ] = field(default_factory=lambda: [128, 128, 128])
    coarser: Annotated[
        PositiveInt,
        Field(
            strict=True,
            description="Edge, in the crop's voxels, of the voxels that the network sees and answers on; its density "
            "is interpolated.",
        ),
    ] = 1
    terms: Annotated[  # type: ignore[misc] # a setting of this role alone
        Literal["tumour+csf", "tumour+csf+brain", "tumour+rest", "whole"],
        Field(description="Parts of the crop that the loss is a sum of means over; set by the row."),
    ] = "tumour+csf"
    bfloat16: Annotated[bool, Field(strict=True, description="As for other networks.")] = False

    @property
    def options(self) -> dict[str, Any]:
        return {"deeper": tuple(self.deeper), "coarser": self.coarser}


@dataclass(frozen=True)
class PartSettings(WholeBrainSettings):
    """How to train a network for a part of θ, or for D, ρ and T (`gliofit.networks.lmi_part`)."""

    targets: Annotated[Literal["origin", "growth", "times"], Field(description="What it is to tell.")] = "origin"

    @property
    def options(self) -> dict[str, Any]:
        return {"targets": self.targets}


@dataclass(frozen=True)
class NnunetSettings:
    """How nnU-Net is planned and trained, which sees the whole brain; what is not here is nnU-Net's own."""

    predicts: Annotated[
        Literal["recurrence", "infiltration"],
        Field(
            description="What it gives the probability of: the recurrence and the tumour core, or a density above 0.1."
        ),
    ] = "recurrence"
    patients: Annotated[
        PositiveInt,
        Field(
            strict=True,
            description="GliODIL's synthetic patients of one focus, and as many of three, that it learns from; a fifth "
            "of them are for validation.",
        ),
    ] = 150
    shards: Annotated[PositiveInt, Field(strict=True, description="Jobs that make them.")] = 2
    truth: Annotated[PositiveFloat, Field(strict=True, description="Of the grid that they grow on, mm.")] = 3.0
    spacing: Annotated[PositiveFloat, Field(strict=True, description="Of what the network sees, mm.")] = 4.0
    width: Annotated[PositiveInt, Field(strict=True, description="Features at the finest level (nnU-Net: 32).")] = 8
    memory_gb: Annotated[
        PositiveFloat,
        Field(
            strict=True,
            description="What nnU-Net's planner is told of a GPU's memory, which patch and batch follow from (its "
            "default: 8).",
        ),
    ] = 0.04
    epochs: Annotated[PositiveInt, Field(strict=True, description="nnU-Net's default: 1000.")] = 45
    iterations: Annotated[PositiveInt, Field(strict=True, description="Of an epoch (nnU-Net's default: 250).")] = 50

    # strict as a whole, a dataclass would refuse the mapping that a config file has; its fields are strict instead
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)


@cache
def _adapters(settings: type[Settings]) -> dict[str, TypeAdapter[Any]]:
    """What checks each field: its type and range."""
    hints = get_type_hints(settings, include_extras=True)
    return {f.name: TypeAdapter(hints[f.name], config=STRICT) for f in fields(settings)}


SETTINGS: dict[str, type[Settings]] = {
    "surrogate": Settings,
    "inverse": Settings,
    "inverse_segmentation": ViewSettings,
    "lmi": WholeBrainSettings,
    "geometry_aware": GeometryAwareSettings,
}
"""By role."""
