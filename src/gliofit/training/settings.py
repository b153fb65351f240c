"""How a network is trained: the keys of the config under `networks`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from gliofit.base.errors import InputError
from gliofit.networks.grids import COARSER_GRIDS


@dataclass(frozen=True)
class Settings:
    """
    How to train one network; the names are keys of the config.

    Parameters
    ----------
    architecture : {"gliofit", "weidner", "ezhov"}
        See `gliofit.networks.weights.ARCHITECTURES` for each role's.
    width : int
        Channels at the finest level of its body.
    steps : int
        Optimiser steps.
    batch : int
        Samples per step.
    learning_rate : float
        Peak of AdamW's, after a linear warm-up and before a cosine decay to zero.
    weight_decay : float
    warmup : float
        Share of the steps.
    clip : float
        Bound of the gradient's norm.
    flip : bool
        Train on left–right mirror images, too.
    validate_every : int
        Steps between validations, each with a checkpoint; 0: ten times in a run.
    window : int
        Edge, in voxels, of windows about random points of the tumour that the `gliofit` surrogate is trained on, as
        its correction is a local matter; 0: whole crops.
    coarse : dict of int → float
        Factors on the spacing and the shares of the steps for which they hold, one after the other: the `weidner`
        surrogate can learn on coarser grids first (`Weidner.coarser`). Each part has a schedule of its own.
    bfloat16 : bool
        Autocast to bfloat16 in training (validation and use are in float32).
    start : str, optional
        Weights to go on from, of the same role, architecture, width and grid; the card then has their hash.
    """

    architecture: str = "gliofit"
    width: int = 32
    steps: int = 1000
    batch: int = 4
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warmup: float = 0.05
    clip: float = 1.0
    flip: bool = True
    validate_every: int = 0
    window: int = 0
    coarse: dict[int, float] = field(default_factory=dict)
    bfloat16: bool = True
    start: str | None = None

    def __post_init__(self) -> None:
        for name in ("width", "steps", "batch", "learning_rate", "clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} = {getattr(self, name)} must be positive")
        if not (0 <= self.warmup < 1 and self.weight_decay >= 0 and self.validate_every >= 0):
            raise InputError("warmup must be in [0, 1), weight_decay and validate_every not negative")
        if self.window < 0 or self.window % 8 or (self.window and self.architecture != "gliofit"):
            raise InputError("window is for the gliofit surrogate and multiples of 8 voxels")
        if not (all(share > 0 for share in self.coarse.values()) and sum(self.coarse.values()) < 1):
            raise InputError("the shares under coarse must be positive and leave some of the steps")
        if self.coarse and (self.architecture != "weidner" or not set(self.coarse) <= set(COARSER_GRIDS)):
            raise InputError(f"coarse is for the weidner surrogate and factors {COARSER_GRIDS}")

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
class WholeBrainSettings(Settings):
    """
    How to train the network of Learn-Morph-Infer, which sees the whole brain instead of a crop.

    Parameters
    ----------
    spacing : float
        Of what it sees, mm; the shards' own if that is coarser.
    """

    spacing: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.spacing < math.inf:
            raise InputError(f"spacing = {self.spacing} must be positive")


SETTINGS = {
    "surrogate": Settings,
    "inverse": Settings,
    "inverse_segmentation": Settings,
    "lmi": WholeBrainSettings,
}
"""By role."""
