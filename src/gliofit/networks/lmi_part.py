"""Networks for a part of θ, or for D, ρ and T: those of Table 2 of Learn-Morph-Infer (Ezhov 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth.theta import GROWTH, ORIGIN
from gliofit.networks.lmi import Lmi

TIMES = Box(np.array([0.02, 0.002, 50.0]), np.array([1.5, 0.2, 1500.0]))
"""Learn-Morph-Infer's ranges of D_w (mm²/day), ρ (1/day) and T (days) (Ezhov 2023, Sec. 3.1)."""

PARTS = {"origin": 3, "growth": 2, "times": 3}
"""Numbers that such a network answers with: the origin; μ_D and μ_ρ; D, ρ and T."""


class LmiPart(Lmi):
    """
    `Lmi` for other targets.

    D, ρ and T are linear in their ranges `TIMES`, as in the paper. In logarithms they would be no other targets than
    μ_D and μ_ρ: log μ_D² = log D + log T, and a mean of sums is the sum of means.

    Parameters
    ----------
    shape, spacing, box, width, architecture
        As for `Lmi`.
    targets : {"origin", "growth", "times"}
    """

    role = "lmi_part"
    fastest: Tensor
    times: Tensor

    def __init__(
        self,
        shape: Sequence[int],
        spacing: float,
        box: Box,
        width: int = 16,
        architecture: str = "gliofit",
        targets: str = "origin",
    ):
        if targets not in PARTS:
            raise InputError(f"unknown targets '{targets}'; there are: {', '.join(PARTS)}")
        self.targets, self.tells = targets, (targets == "origin", 0 if targets == "origin" else PARTS[targets])
        super().__init__(shape, spacing, box, width, architecture)
        for name, values in (("fastest", TIMES.lower), ("times", TIMES.upper - TIMES.lower)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    @property
    def options(self) -> dict[str, str]:
        """What it was made with, beside what all networks have."""
        return {"targets": self.targets}

    def to_unit(self, theta: Tensor) -> Tensor:
        """Its targets in the outputs' units from θ, or for "times" from θ and T in days [B, 6]."""
        if self.targets != "times":
            return super().to_unit(theta)[:, ORIGIN if self.targets == "origin" else GROWTH]
        if theta.shape[1] < 6:
            raise InputError("a network for D, ρ and T learns from tumours of known age, and these have none")
        days = theta[:, 5:6]
        return (torch.cat([theta[:, GROWTH] ** 2 / days, days], 1) - self.fastest) / self.times

    def forward(self, image: Tensor, maps: Tensor) -> Tensor:
        """Origin (mm from the window's centre), (μ_D, μ_ρ), or (D, ρ, T), [B, k]."""
        unit = self.unit(image, maps)
        if self.targets == "times":
            return self.fastest + unit * self.times
        place = ORIGIN if self.targets == "origin" else GROWTH
        found = self.low[place] + unit * self.range[place]
        return found if self.targets == "origin" or self.faithful else (found @ self.mix.T).exp()


class View(NamedTuple):
    """
    A tumour as a network sees it.

    Parameters
    ----------
    image : ndarray [x, y, z]
        `outlines_image`, on the network's window.
    maps : ndarray [3, x, y, z]
        Tissue there.
    centre : ndarray (3,)
        Of the window, mm.
    """

    image: Array
    maps: Array
    centre: Array


@torch.no_grad()
def theta_of(networks: Sequence[Lmi], views: Sequence[View]) -> Array:
    """
    θ̂ of one case by one network for all of θ, or by two for its parts.

    Parameters
    ----------
    networks : sequence of Lmi
    views : sequence of View
        What each of them sees.

    Returns
    -------
    ndarray (5,)
        Origin (mm), μ_D = √(DT), μ_ρ = √(ρT), each answer within its range.
    """
    theta = np.full(5, np.nan)
    for network, view in zip(networks, views, strict=True):
        found = network(*(torch.as_tensor(a)[None] for a in view[:2]))[0].double().cpu().numpy()
        targets = getattr(network, "targets", "all")
        if targets == "times":
            diffusivity, rate, days = TIMES.clip(found)
            theta[GROWTH] = np.sqrt([diffusivity * days, rate * days])
        else:
            place = {"all": slice(0, 5), "origin": ORIGIN, "growth": GROWTH}[targets]
            theta[place] = np.clip(found, network.box.lower[place], network.box.upper[place])
        if targets in ("all", "origin"):
            theta[ORIGIN] += view.centre
    return theta
