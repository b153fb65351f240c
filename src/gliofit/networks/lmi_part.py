"""Networks for a part of θ, or for D, ρ and T: those of Table 2 of Learn-Morph-Infer (Ezhov 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

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
    `Lmi` with another head.

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
        super().__init__(shape, spacing, box, width, architecture)
        self.targets = targets
        self.head = nn.Linear(self.width, PARTS[targets])
        if not self.faithful:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)
        for name, values in (("fastest", TIMES.lower), ("times", TIMES.upper - TIMES.lower)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    @property
    def options(self) -> dict[str, str]:
        """What it was made with, beside what all networks have."""
        return {"targets": self.targets}

    def unit(self, image: Tensor, maps: Tensor | None = None) -> Tensor:
        """Its targets [B, k] from images [B, x, y, z], scaled as `to_unit` does (not clipped)."""
        x = self.features(image)
        with torch.autocast(image.device.type, enabled=False):
            signed = self.head(x)
            if self.targets == "origin" and not self.faithful:
                signed = signed + self.centre(image)
        return (signed + 1) / 2

    def to_unit(self, theta: Tensor) -> Tensor:
        """Its targets in the outputs' units from θ, or for "times" from θ and T in days [B, 6]."""
        if self.targets != "times":
            return super().to_unit(theta)[:, ORIGIN if self.targets == "origin" else GROWTH]
        if theta.shape[1] < 6:
            raise InputError("a network for D, ρ and T learns from tumours of known age, and these have none")
        days = theta[:, 5:6]
        return (torch.cat([theta[:, GROWTH] ** 2 / days, days], 1) - self.fastest) / self.times

    def forward(self, image: Tensor, maps: Tensor | None = None) -> Tensor:
        """Origin (mm from the window's centre), (μ_D, μ_ρ), or (D, ρ, T), [B, k]."""
        unit = self.unit(image)
        if self.targets == "times":
            return self.fastest + unit * self.times
        place = ORIGIN if self.targets == "origin" else GROWTH
        found = self.low[place] + unit * self.range[place]
        return found if self.targets == "origin" or self.faithful else (found @ self.mix.T).exp()


@torch.no_grad()
def theta_of(networks: Sequence[Lmi], image: Array) -> Array:
    """
    θ̂ of one case by one network for all of θ, or by two for its parts.

    Parameters
    ----------
    networks : sequence of Lmi
    image : ndarray [x, y, z]
        `outlines_image`, on the networks' window.

    Returns
    -------
    ndarray (5,)
        Origin relative to the window's centre point (mm), μ_D = √(DT), μ_ρ = √(ρT), each answer within its range.
    """
    theta = np.full(5, np.nan)
    for network in networks:
        found = network(torch.as_tensor(image)[None])[0].double().cpu().numpy()
        targets = getattr(network, "targets", "all")
        if targets == "times":
            diffusivity, rate, days = TIMES.clip(found)
            theta[GROWTH] = np.sqrt([diffusivity * days, rate * days])
        else:
            place = {"all": slice(0, 5), "origin": ORIGIN, "growth": GROWTH}[targets]
            theta[place] = np.clip(found, network.box.lower[place], network.box.upper[place])
    return theta
