"""
What a posterior is of: unknowns with their prior, in one of two parameter sets.

A sampler sees a point of the unit cube, where the prior is flat: an unknown that is uniform in its logarithm is mapped
there by it. The likelihood sees the growth model's values, the observation's extras and the noise, whatever the set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth import GrowthModel
from gliofit.inversion.problem import Problem

PRIORS = ("log_uniform", "uniform")
SETS = ("unified", "paper")

SHARPEST_LABELS = 0.05
"""The least width σ_α of the double logistic, a density (Ezhov 2021, Table II)."""

VAGUEST_LABELS = 0.5
"""The most. The paper's range ends at 0.08; beyond it, the scan itself says how far its labels may be wrong."""

SIGMA = (0.01, 0.25)
"""Standard deviation of the uptake, or of an observed density (Ezhov 2021, Table II)."""

PAPER = {
    "D": (0.01, 0.08),
    "rho": (0.0001, 0.03),
    "T": (30.0, 1000.0),
    "sigma": (0.01, 0.25),
    "b": (0.6, 1.02),
    "u_T1c": (0.6, 0.8),
    "u_FLAIR": (0.05, 0.6),
    "sigma_alpha": (0.05, 0.08),
}
"""Ranges of Ezhov 2021, Table II: D_w in mm²/day, ρ in 1/day, T in days, the rest without unit."""


@dataclass(frozen=True)
class Unknown:
    """
    One unknown and its prior.

    Parameters
    ----------
    name : str
    lower, upper : float
    log : bool
        Uniform in its logarithm.
    """

    name: str
    lower: float
    upper: float
    log: bool = False

    def __post_init__(self) -> None:
        if not np.isfinite([self.lower, self.upper]).all() or not self.lower < self.upper:
            raise InputError(f"prior: the range {self.name} = {self.lower:g} … {self.upper:g} must be ascending")
        if self.log and not self.lower > 0:
            raise InputError(f"prior: {self.name} cannot be uniform in its logarithm down to {self.lower:g}")


class Unknowns:
    """
    The unknowns of a posterior.

    Parameters
    ----------
    unknowns : sequence of Unknown
    names : sequence of str
        Of what the likelihood takes: values of the growth model, extras of the observation, noise.
    """

    def __init__(self, unknowns: Sequence[Unknown], names: Sequence[str]):
        self.unknowns, self.parameter_names = tuple(unknowns), tuple(names)
        self._log = np.array([u.log for u in unknowns])
        low, high = (np.array([getattr(u, end) for u in unknowns]) for end in ("lower", "upper"))
        self._box = Box(self._scaled(low), self._scaled(high))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(u.name for u in self.unknowns)

    @property
    def size(self) -> int:
        return len(self.unknowns)

    def from_unit(self, unit: Array) -> Array:
        """Unknowns [..., d] of points of the unit cube."""
        scaled = self._box.from_unit(unit)
        return np.where(self._log, np.exp(np.where(self._log, scaled, 0)), scaled)

    def to_unit(self, unknowns: Array) -> Array:
        """The inverse."""
        return self._box.to_unit(self._scaled(unknowns))

    def _scaled(self, values: Array) -> Array:
        return np.where(self._log, np.log(np.where(self._log, values, 1)), values)

    def slope(self, unknowns: Array) -> Array:
        """∂unknowns/∂unit [..., d]."""
        return (self._box.upper - self._box.lower) * np.where(self._log, unknowns, 1)

    def parameters(self, unknowns: Array) -> Array:
        """What the likelihood takes [..., n], of unknowns [..., d]."""
        return np.asarray(unknowns, float)

    def of_fit(self, fitted: Array, others: Array) -> Array:
        """Unknowns [d] of fitted values and extras; what a fit says nothing of is that of `others` [d]."""
        return np.concatenate([fitted, others[len(fitted) :]])

    def derivative(self, unknowns: Array) -> Array:
        """∂parameters/∂unknowns [n, d] at one point."""
        return np.eye(self.size)


class PaperUnknowns(Unknowns):
    """
    The eleven of Ezhov 2021: D_w, ρ, T, x, y, z, σ, b, u_T1c, u_FLAIR, σ_α.

    D_w, ρ and T act through μ_D = √(D_w·T) and μ_ρ = √(ρ·T) alone (Weidner 2026, Sec. 2.1). Uptake is b·u, without a
    background (Eq. 7).
    """

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    def parameters(self, unknowns: Array) -> Array:
        unknowns = np.asarray(unknowns, float)
        own = {name: unknowns[..., place] for name, place in self._places.items()}
        own |= {
            "mu_D": np.sqrt(own["D"] * own["T"]),
            "mu_rho": np.sqrt(own["rho"] * own["T"]),
            "threshold_core": own["u_T1c"],
            "threshold_whole": own["u_FLAIR"],
            "pet_scale": 1 / own["b"],
            "pet_background": np.zeros_like(own["b"]),
        }
        return np.stack([own[name] for name in self.parameter_names], -1)

    def of_fit(self, fitted: Array, others: Array) -> Array:
        """With the duration in the middle of those that leave D and ρ in their ranges."""
        given = dict(zip(self.parameter_names, fitted, strict=False))
        limits = {u.name: (u.lower, u.upper) for u in self.unknowns}
        squares = {"D": given["mu_D"] ** 2, "rho": given["mu_rho"] ** 2}
        low = max(limits["T"][0], *(square / limits[name][1] for name, square in squares.items()))
        high = min(limits["T"][1], *(square / limits[name][0] for name, square in squares.items()))
        own = dict(zip(self.names, others, strict=True)) | {name: given[name] for name in "xyz"}
        own |= {"T": np.sqrt(low * high), "b": 1 / given["pet_scale"]}
        own |= {name: square / own["T"] for name, square in squares.items()}
        own |= {"u_T1c": given["threshold_core"], "u_FLAIR": given["threshold_whole"]}
        ends = np.array([limits[name] for name in self.names])
        return np.clip([own[name] for name in self.names], ends[:, 0], ends[:, 1])

    def derivative(self, unknowns: Array) -> Array:
        own = {name: float(unknowns[place]) for name, place in self._places.items()}
        mu_D, mu_rho = np.sqrt(own["D"] * own["T"]), np.sqrt(own["rho"] * own["T"])
        slopes = {
            ("mu_D", "D"): mu_D / 2 / own["D"],
            ("mu_D", "T"): mu_D / 2 / own["T"],
            ("mu_rho", "rho"): mu_rho / 2 / own["rho"],
            ("mu_rho", "T"): mu_rho / 2 / own["T"],
            ("threshold_core", "u_T1c"): 1.0,
            ("threshold_whole", "u_FLAIR"): 1.0,
            ("pet_scale", "b"): -1 / own["b"] ** 2,
        }
        slopes |= {(name, name): 1.0 for name in ("x", "y", "z", "sigma", "sigma_alpha")}
        found = np.zeros((len(self.parameter_names), self.size))
        for (parameter, unknown), slope in slopes.items():
            found[self.parameter_names.index(parameter), self._places[unknown]] = slope
        return found


def unknowns_of(
    problem: Problem,
    noise: Sequence[str],
    kind: str = "unified",
    prior: str = "log_uniform",
    ranges: Mapping[str, Sequence[float]] | None = None,
) -> Unknowns:
    """
    The unknowns of a problem.

    Parameters
    ----------
    problem : Problem
    noise : sequence of str
        Names of the likelihood's own unknowns, "sigma_alpha", "sigma", …
    kind : {"unified", "paper"}
        The growth model's values with everything else, or the eleven of Ezhov 2021.
    prior : {"log_uniform", "uniform"}
        Of all but the origin, which is uniform in space, and of what may be 0.
    ranges : mapping of str → (lower, upper), optional
        In place of the model's, the observation's or the paper's.

    Raises
    ------
    InputError
        On ranges outside of the model's, of nothing that is unknown here, or a set that the observation is too little
        for.
    """
    if prior not in PRIORS:
        raise InputError(f"prior '{prior}' is unknown; there are: {', '.join(PRIORS)}")
    if kind not in SETS:
        raise InputError(f"parameters '{kind}' are unknown; there are: {', '.join(SETS)}")
    model, extras = problem.model, problem.target.extra_names
    names = (*model.names, *extras, *noise)
    box = problem.box
    limits = dict(zip(names, zip(box.lower, box.upper, strict=True), strict=False))
    limits |= {name: (SHARPEST_LABELS, VAGUEST_LABELS) if name == "sigma_alpha" else SIGMA for name in noise}
    if kind == "paper":
        _check_paper(model, names)
        origin = {name: limits[name] for name in ("x", "y", "z")}
        three = {name: PAPER[name] for name in ("D", "rho", "T")}
        limits = three | origin | {name: PAPER[name] for name in list(PAPER)[3:]}
    try:
        given: dict[str, tuple[float, ...]] = {n: tuple(float(v) for v in pair) for n, pair in (ranges or {}).items()}
    except (TypeError, ValueError):
        raise InputError(f"prior: ranges = {ranges!r} must be pairs of numbers by name, {{mu_D: [2, 20]}}") from None
    for name, pair in given.items():
        if name not in limits:
            missing = " (there is no PET)" if name in ("sigma", "b", "pet_scale", "pet_background") else ""
            raise InputError(f"prior: '{name}' is no unknown here{missing}; there are: {', '.join(limits)}")
        if len(pair) != 2:
            raise InputError(f"prior: the range of {name} is two numbers, not {len(pair)}")
        low, high = limits[name]
        if kind == "unified" and name in (*model.names, *extras) and not low <= pair[0] < pair[1] <= high:
            raise InputError(
                f"prior: {name} = {pair[0]:g} … {pair[1]:g} must be ascending and lie within the range of the "
                f"{'growth model' if name in model.names else 'observation'}, {low:g} … {high:g}"
            )
    limits |= {name: (pair[0], pair[1]) for name, pair in given.items()}
    places = {p.name for p in model.parameters if p.coordinate}
    logarithmic = {n for n, (low, _) in limits.items() if prior == "log_uniform" and n not in places and low > 0}
    made = [Unknown(name, low, high, name in logarithmic) for name, (low, high) in limits.items()]
    return PaperUnknowns(made, names) if kind == "paper" else Unknowns(made, names)


def _check_paper(model: GrowthModel, names: Sequence[str]) -> None:
    """InputError unless the paper's eleven unknowns are those of the problem."""
    if model.names != ("x", "y", "z", "mu_D", "mu_rho"):
        raise InputError(f"the paper's parameters are of one focus with μ_D and μ_ρ, not of: {', '.join(model.names)}")
    for name, what in (("pet_scale", "a PET (σ, b)"), ("threshold_core", "a tumour core (u_T1c)")):
        if name not in names:
            raise InputError(f"the paper's eleven parameters need {what}, which was not observed")
    if "sigma_density" in names:
        raise InputError("the paper's eleven parameters are of outlines and a PET, not of an observed density")
