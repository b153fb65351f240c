"""Fisher–Kolmogorov growth that pushes the brain aside, with the strength of the push as a sixth unknown."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from scipy.ndimage import map_coordinates

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.checks import check_option
from gliofit.growth.cpu.crew import threads_of
from gliofit.growth.differences import steps_of
from gliofit.growth.mass_effect.medium import CSF, GM, POISSON, SCREENING_MM, WM, YOUNG, C, Medium
from gliofit.growth.mass_effect.simulate import Values, run
from gliofit.growth.mass_effect.tumour import Tumour
from gliofit.growth.model import GrowthModel, growth_model, register
from gliofit.growth.models.fisher_kolmogorov import MU_D, MU_RHO
from gliofit.growth.parameter import Parameter, origin_parameters
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.growth.simpler import Simpler

GAMMA = Parameter("gamma", "kPa", 0.0, 30.0, 12.0, symbol="γ", digits=1)
"""
γ, the pressure of dense tumour.

At its start a compact tumour of 40 ml moves its rim by 3 mm: γ/(3λ_t + 2μ_t + 4μ_w) of its radius (a spherical
inclusion). Learn-Morph-Infer's solver has 16.
"""

SOUGHT_FROM = (2.0, 8.0, 16.0)
"""kPa, where searches begin: from one alone they may end where a border of tissue passes a voxel."""

STEPS = (1e-3, 1e-3, 1e-2)
"""Shares of μ_D, μ_ρ and γ for differences."""

CARRIED_STEP = 0.5
"""kPa, for the difference by γ where all else is carried along."""

FAST, SLIGHT = 20.0, 0.5
"""
ρ from which fronts pass much of what they push from one solve to the next, and γ (kPa) below which that is little.

Displacements are 5 to 9 % off at ρ of 15 to 20, and a fifth to a third at 30 (docs/mass_effect.md).
"""

FORCES = ("gradient", "tanh")

DERIVATIVES = ("differences", "carried")

_media: WeakKeyDictionary[Tissue, dict[float, Medium]] = WeakKeyDictionary()


@register
class MassEffect(GrowthModel):
    """
    `growth.mass_effect.simulate`: growth, linear elasticity and transport.

    Parameters
    ----------
    force : {"gradient", "tanh"}
        γ∇c, or GLIA's γ·tanh(c)∇c.
    screening : float
        Length in mm over which healthy tissue holds displacements back; 0 for none.
    derivatives : {"differences", "carried"}
        Of all unknowns by differences of runs, or those of growth without a push, moved to where tissue has been pushed
        to, and γ's by a difference. The latter are a quarter off, four times as fast, and smooth: searches need
        as many steps with them, and do not end early. `gauss_newton` searches by them, whatever is chosen, and takes
        what is chosen for the last steps towards a density and for its covariance.
    gamma : float, optional
        kPa, where γ is known: it is no unknown then, and searches begin with it. Learn-Morph-Infer takes one for all.
    """

    name = "mass_effect"
    title = "Fisher–Kolmogorov with mass effect"
    constants = MappingProxyType(
        {"grey_matter_ratio": GREY_MATTER_RATIO}
        | {f"young_{kind}": value for kind, value in YOUNG.items()}
        | {f"poisson_{kind}": value for kind, value in POISSON.items()}
    )

    def __init__(
        self,
        force: str = "gradient",
        screening: float = SCREENING_MM,
        derivatives: str = "differences",
        gamma: float | None = None,
    ):
        if force not in FORCES:
            raise InputError(f"growth model mass_effect: unknown force '{force}'; there are: {', '.join(FORCES)}")
        check_option("mass_effect", "screening", screening, "a length in mm, 0 for none")
        if derivatives not in DERIVATIVES:
            known = ", ".join(DERIVATIVES)
            raise InputError(f"growth model mass_effect: unknown derivatives '{derivatives}'; there are: {known}")
        if gamma is not None:
            check_option("mass_effect", "gamma", gamma, "a pressure in kPa, 0 for none")
            gamma = float(gamma)
        self.force, self.screening, self.derivatives, self.gamma = force, float(screening), derivatives, gamma
        self.parameters = (*origin_parameters(), MU_D, MU_RHO, *([GAMMA] if gamma is None else []))

    def simpler(self) -> Simpler[GrowthModel]:
        """Growth that does not push; then γ's starts unless it is known, with carried derivatives."""
        starts = tuple((gamma,) for gamma in SOUGHT_FROM) if self.gamma is None else ((),)
        return Simpler(growth_model(), starts, MassEffect(self.force, self.screening, "carried", self.gamma))

    def doubts(self, values: Array) -> list[str]:
        """That growth is too fast for the time steps of a push."""
        rho, gamma = float(values[4]) ** 2, float(values[5]) if self.gamma is None else self.gamma
        if rho <= FAST or gamma <= SLIGHT:
            return []
        return [
            f"mass effect at rho = {rho:.3g} (mu_rho = {values[4]:.3g}): growth is so fast that density and "
            "displacement may be a tenth to a third off"
        ]

    def simulate(
        self,
        tissue: Tissue,
        values: Array,
        *,
        jacobian: bool = False,
        threads: int | None = None,
        displacement: bool = False,
        displaced: bool = False,
    ) -> Any:
        """
        See `GrowthModel.simulate`; `tissue` is as it was before the tumour.

        Parameters
        ----------
        tissue : Tissue
        values : array_like (6,)
            (5,) where γ is known.
        jacobian : bool
            By `derivatives`; differences are those of runs in lockstep.
        threads : int, optional
        displacement, displaced : bool
            Also return these.

        Returns
        -------
        c : ndarray [x, y, z]
            Where the tumour is now, that is in the displaced anatomy.
        J : ndarray [6, x, y, z], with `jacobian`
            [5, x, y, z] where γ is known.
        u : ndarray [3, x, y, z], with `displacement`
            mm along the axes of the tissue's space, of the voxels' centres; −∇·σ(u) + κu = −γ∇c there.
        moved : Tissue, with `displaced`
            The anatomy as the tumour has displaced it; fractions exceed 1 where it is compressed.

        Raises
        ------
        InputError
            Also if γ is negative, or too large for the scheme.
        """
        values = self.checked(values)
        values = values if self.gamma is None else np.append(values, self.gamma)
        if values[5] < 0:
            raise InputError(f"growth model mass_effect: gamma = {values[5]:g} kPa must not be negative")
        threads = threads_of(threads)
        medium = _medium(tissue, self.screening)
        carried = self.derivatives == "carried"
        # by which unknowns there are differences, and how large they are
        places = list(range(5 if carried else 0, self.size)) if jacobian else []
        steps = steps_of(tissue, values, STEPS)
        steps[5] = CARRIED_STEP if carried else steps[5]
        others = [_values(values + steps[place] * np.eye(6)[place]) for place in places]
        first, *rest = run(tissue, medium, _values(values), others, force=self.force, threads=threads)
        out: list[Any] = [_whole(medium, np.minimum(first.state[C], 1), tissue)]
        if jacobian:
            columns = [(t.state[C] - first.state[C]) / np.float32(s) for t, s in zip(rest, steps[places], strict=True)]
            found = [_whole(medium, column, tissue) for column in columns]
            pushed = _pushed(medium, first, tissue, values, threads) if carried else []
            out.append(np.stack([*pushed, *found]))
        if displacement:
            out.append(_displacement(medium, first, tissue))
        if displaced:
            out.append(_displaced(medium, first, tissue))
        return out[0] if len(out) == 1 else tuple(out)


def _medium(tissue: Tissue, screening: float) -> Medium:
    known = _media.setdefault(tissue, {})
    if screening not in known:
        known.clear()
        known[screening] = Medium.of(tissue, screening)
    return known[screening]


def _values(values: Array) -> Values:
    x, y, z, mu_D, mu_rho, gamma = (float(v) for v in values)
    return Values((x, y, z), mu_D, mu_rho, 1000 * gamma)


def _whole(medium: Medium, field: Array, tissue: Tissue) -> Array:
    return grids.put(medium.grid.cells(field), medium.offset, tissue.shape)


def _displacement(medium: Medium, tumour: Tumour, tissue: Tissue) -> Array:
    along, grid = [], medium.grid
    for axis in range(3):
        faces = grid.component(tumour.u, axis)
        # no cell is inside in the outermost ones, so that what comes around at the ends is 0
        middle = (faces + np.roll(faces, -1, axis)) / 2
        along.append(grids.put(middle[grid.inner], medium.offset, tissue.shape))
    return np.einsum("ij,jxyz->ixyz", tissue.direction.astype(np.float32), np.stack(along))


def _pushed(medium: Medium, tumour: Tumour, tissue: Tissue, values: Array, threads: int) -> list[Array]:
    """Derivatives of growth without a push by θ, where the tissue that they belong to is now."""
    _, tangents = growth_model("fisher_kolmogorov").grow(tissue, values[:5], jacobian=True, threads=threads)
    to_voxels = np.linalg.inv(tissue.affine[:3, :3])
    came_from = np.indices(tissue.shape) - np.einsum("ij,jxyz->ixyz", to_voxels, _displacement(medium, tumour, tissue))
    return [map_coordinates(tangent, came_from, order=1, mode="nearest") for tangent in tangents]


def _displaced(medium: Medium, tumour: Tumour, tissue: Tissue) -> Tissue:
    wm, gm, csf = (
        np.maximum(healthy + _whole(medium, tumour.state[row] - medium.rest[row], tissue), 0)
        for healthy, row in ((tissue.wm, WM), (tissue.gm, GM), (tissue.csf, CSF))
    )
    return Tissue.pressed(wm, gm, csf, tissue.affine)
