"""
The discrete loss: how far a density is from growth, from a seed and from the scans (GliODIL, Sec. 4.4).

Every term is the mean of (scale·r)² over the voxels it is about, with the scales of GliODIL's code (`SCALES`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from gliofit.base.errors import InputError
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.growth.seed import FADE, PEAK
from gliofit.inversion.discrete_loss.crank_nicolson import SquaredResidual, face_coefficients
from gliofit.inversion.discrete_loss.domain import Domain
from gliofit.inversion.search.lbfgs import to_free
from gliofit.observation.pet import UPTAKE
from gliofit.observation.segmentation import STEEPNESS
from gliofit.observation.thresholds import GLIODIL_FITTED, GLIODIL_START

DAYS = 100.0
"""Duration of growth. Only D·T and ρ·T matter; it makes rates comparable with the scales of the residuals."""

SCALES = {
    "pde": 2400.0,
    "initial": 1000.0,
    "segmentation": 12.0,
    "segmentation with PET": 4.0,
    "pet": 45.0,
    "range": 1.0,
    "csf": 0.01,
}

ORIGIN_UNIT_MM = 10.0

PLACE, SCALARS = slice(0, 3), slice(3, None)
"""Where in the vector of scalar unknowns the origin (in units of `ORIGIN_UNIT_MM`) and the coefficients are."""


@dataclass(frozen=True)
class Coefficient:
    """
    A scalar unknown with bounds, and the variable v that is optimised.

    Its value – or logarithm, for D and ρ – is low + (high − low)·(1 + sin v)/2, so that bounds hold without a penalty
    (see `gliofit.inversion.search.lbfgs`). The bounds are those of GliODIL's code.
    """

    start: float
    low: float
    high: float
    log: bool = False

    def ends(self) -> tuple[float, float]:
        """The bounds, of the logarithm for D and ρ."""
        return (float(np.log(self.low)), float(np.log(self.high))) if self.log else (self.low, self.high)

    def variable(self, value: float) -> float:
        low, high = self.ends()
        return float(to_free(np.asarray(((np.log(value) if self.log else value) - low) / (high - low))))

    def value(self, v: torch.Tensor) -> torch.Tensor:
        low, high = self.ends()
        found = low + (high - low) * (1 + torch.sin(v)) / 2
        return torch.exp(found) if self.log else found


class Strays(torch.autograd.Function):
    """
    What a density should not be anywhere: outside [0, 1], and other than 0 outside tissue.

    `apply(u, outside, range_scale, csf_scale)` → the two terms, with gradients in as few passes over u as there can be.
    """

    @staticmethod
    def forward(ctx: Any, u: Any, outside: Any, range_scale: Any, csf_scale: Any) -> Any:
        ctx.weights = range_scale**2 / u.numel(), csf_scale**2 / u.numel()
        excess, leaked = u - u.clamp(0, 1), u * outside
        ctx.save_for_backward(excess, leaked)
        return tuple(
            w * torch.dot(r.flatten(), r.flatten()) for w, r in zip(ctx.weights, (excess, leaked), strict=True)
        )

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> Any:
        (excess, leaked), factors = ctx.saved_tensors, [2 * w * g for w, g in zip(ctx.weights, upstream, strict=True)]
        return (excess * factors[0]).addcmul_(leaked, factors[1]), None, None, None


@dataclass(eq=False)
class DiscreteLoss:
    """
    The loss of fields and coefficients on a domain, in torch: on any device, and what `CompiledLoss` is compared with.

    Parameters
    ----------
    domain : Domain
    times : int
        Points of time from 0 to `DAYS`, both included.
    penalty : {"hinge", "sigmoid"}
        Of densities on the wrong side of a threshold: their distance to it, as in GliODIL's code, or the sigmoids of
        the paper (Eqs. 11–13).
    device : str
    slack : float
        α of the sigmoids: how far a density may be on the wrong side before it counts (GliODIL, Sec. 4.3: 0.05, which
        leaves a density free to lie anywhere between two thresholds 0.1 apart).
    pde_weight, pet_weight : float
        Factors of the PDE's (λ_PDE; GliODIL, Sec. 2) and of PET's term.

    Attributes
    ----------
    coefficients : dict of str → Coefficient
        The scalar unknowns beside the origin; those of the imaging that is there.
    """

    domain: Domain
    times: int
    penalty: str = "sigmoid"
    slack: float = 0.0
    device: str = "cpu"
    pde_weight: float = 1.0
    pet_weight: float = 1.0
    coefficients: dict[str, Coefficient] = field(init=False)

    def __post_init__(self) -> None:
        if self.penalty not in ("hinge", "sigmoid"):
            raise InputError(f"setting penalty = '{self.penalty}' is unknown; there are: hinge, sigmoid")
        observed, tissue = self.domain.observed, self.domain.tissue
        self.inside = torch.as_tensor(self.domain.inside, device=self.device)
        self.outside = (~self.inside).float()
        diffusivity = self._tensor(tissue.wm + tissue.gm / GREY_MATTER_RATIO)
        self.faces = face_coefficients(diffusivity, self.inside, tissue.spacing)
        self.dt = DAYS / (self.times - 1)
        # a voxel's share in a term about part of the voxels; outside tissue there is no tumour to see
        self.weights = {
            name: torch.where(self.inside, self._tensor(share), 0)
            for name, share in {
                "core": observed.core,
                "edema": np.clip(observed.whole - observed.core, 0, 1),
                "background": 1 - np.maximum(observed.whole, observed.core),
                "pet": observed.region,
                "density": np.ones(tissue.shape),
            }.items()
            if share is not None
        }
        self.pet, self.density = (None if a is None else self._tensor(a) for a in (observed.pet, observed.density))
        self.coefficients = {
            "diffusivity": Coefficient(0.3, 0.01, 10.0, log=True),
            "growth": Coefficient(0.1, 0.02, 0.64, log=True),
        }
        if self.density is None:
            if observed.has_core:
                self.coefficients["threshold_core"] = Coefficient(GLIODIL_START.core, *GLIODIL_FITTED.core)
            self.coefficients["threshold_whole"] = Coefficient(GLIODIL_START.whole, *GLIODIL_FITTED.whole)
        if self.pet is not None:
            self.coefficients |= {u.name: Coefficient(u.start, u.lower, u.upper) for u in UPTAKE}
        # centres of the 2³ parts of each voxel, so that a seed has its mass on a coarse grid too
        index = [np.arange(2 * n) / 2 - 0.25 for n in tissue.shape]
        self.points = [self._tensor(i * h) for i, h in zip(index, tissue.spacing, strict=True)]

    def _tensor(self, a: Any) -> torch.Tensor:
        return torch.as_tensor(np.asarray(a), dtype=torch.float32, device=self.device)

    def variables(self, origin: Any, **values: float) -> torch.Tensor:
        """
        The vector of scalar unknowns.

        Parameters
        ----------
        origin : array_like (3,)
            mm, in world space.
        **values
            Of `coefficients`; their starts where not given.
        """
        place = self.domain.tissue.to_voxel(origin) * self.domain.tissue.spacing / ORIGIN_UNIT_MM
        rest = [c.variable(values.get(name, c.start)) for name, c in self.coefficients.items()]
        return self._tensor([*place, *rest])

    def values(self, variables: torch.Tensor) -> tuple[np.ndarray, dict[str, float]]:
        """Origin (mm, world) and coefficients, inside their bounds, of a vector of unknowns."""
        tissue = self.domain.tissue
        place = variables[PLACE].detach().cpu().double().numpy() * ORIGIN_UNIT_MM / tissue.spacing
        origin = tissue.to_world(np.clip(place, 0, np.array(tissue.shape) - 1))
        found = {
            name: float(np.clip(c.value(v).item(), c.low, c.high))  # rounding may leave the bounds
            for (name, c), v in zip(self.coefficients.items(), variables[SCALARS].detach(), strict=True)
        }
        return origin, found

    def seed(self, origin: torch.Tensor) -> torch.Tensor:
        """The solver's initial density (`gliofit.growth.seed`), averaged over each voxel, for an origin in box mm."""
        square = [(p - o) ** 2 for p, o in zip(self.points, origin, strict=True)]
        gauss = PEAK * torch.exp(-(square[0][:, None, None] + square[1][:, None] + square[2]) / 20)
        u = ((gauss - FADE[0]) / (FADE[1] - FADE[0])).clamp(0, 1)
        fine = gauss * u * u * (3 - 2 * u)
        return torch.nn.functional.avg_pool3d(fine[None, None], 2)[0, 0] * self.inside

    def total(self, u: torch.Tensor, variables: torch.Tensor) -> torch.Tensor:
        """The sum of all terms."""
        return torch.stack(list(self.terms(u, variables).values())).sum()

    def terms(self, u: torch.Tensor, variables: torch.Tensor) -> dict[str, torch.Tensor]:
        """All terms, weighted, of a density [t, x, y, z] and the scalar unknowns."""
        value = {name: c.value(v) for (name, c), v in zip(self.coefficients.items(), variables[SCALARS], strict=True)}
        pde = SquaredResidual.apply(
            u, value["diffusivity"], value["growth"], self.faces, self.inside, self.dt, SCALES["pde"]
        )
        last = u[-1]
        seed = self.seed(variables[PLACE] * ORIGIN_UNIT_MM)
        terms = {"pde": self.pde_weight * pde, "initial": self._mean("initial", u[0] - seed, self.inside)}
        if self.density is not None:
            terms["density"] = self._mean("pet", last - self.density, self.weights["density"])
        else:
            terms |= self._outlines(last, value.get("threshold_core"), value["threshold_whole"])
        if self.pet is not None:
            seen = value["pet_scale"] * (self.pet - value["pet_background"])
            terms["pet"] = self.pet_weight * self._mean("pet", last - seen, self.weights["pet"])
        terms["range"], terms["csf"] = Strays.apply(u, self.outside, SCALES["range"], SCALES["csf"])
        return terms

    @property
    def outlines_scale(self) -> str:
        """Of `SCALES`: outlines count less where there is PET."""
        return "segmentation" if self.pet is None else "segmentation with PET"

    def _mean(self, kind: str, r: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        return SCALES[kind] ** 2 * (r * r * share).mean()

    def _outlines(self, c: torch.Tensor, up: torch.Tensor | None, down: torch.Tensor) -> dict[str, torch.Tensor]:
        """
        Core above θ_up, edema between θ_down and θ_up, the rest of the tissue below θ_down.

        Without a core, and so without θ_up, nothing bounds the density in what is called edema from above.
        """
        if self.penalty == "hinge":
            below, above = (lambda t: torch.relu(t - c)), (lambda t: torch.relu(c - t))
        else:
            below = lambda t: torch.sigmoid(STEEPNESS * (t - c - self.slack))  # noqa: E731
            above = lambda t: 1 - torch.sigmoid(STEEPNESS * (t - c + self.slack))  # noqa: E731
        wrong = {"edema": below(down), "background": above(down)}
        if up is not None:
            wrong |= {"core": below(up), "edema": below(down) + above(up)}
        return {name: self._mean(self.outlines_scale, r, self.weights[name]) for name, r in wrong.items()}
