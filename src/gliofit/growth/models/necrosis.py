"""Growth of proliferating cells that starve and become necrotic, with their consumption as a sixth unknown."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.checks import check_option
from gliofit.growth.cpu.crew import threads_of
from gliofit.growth.differences import side_by_side, steps_of
from gliofit.growth.model import GrowthModel, register
from gliofit.growth.models.fisher_kolmogorov import MU_D, MU_RHO
from gliofit.growth.necrosis import Rates, Run, steps
from gliofit.growth.parameter import Parameter, origin_parameters
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.growth.theta import Theta

CONSUMPTION = Parameter("consumption", "", 0.0, 2.0, 0.36, symbol="a/ρ")
"""Of nutrient, per rate of growth; starts as in TumorGrowthToolkit's example (0.05 a day, ρ = 0.14 a day)."""


@register
class Necrosis(GrowthModel):
    """
    `growth.necrosis`: the density is that of all cells, P + N.

    Parameters
    ----------
    death : float
        Rate at which starving cells die, per rate of growth.
    threshold : float
        Nutrient below which cells starve, in 0 … 1.
    nutrient_diffusion : float
        D_s/D_w. Defaults are those of TumorGrowthToolkit's example.
    """

    name = "necrosis"
    title = "Proliferating and necrotic cells, nutrient"
    constants = MappingProxyType({"grey_matter_ratio": GREY_MATTER_RATIO})

    def __init__(self, death: float = 2.5, threshold: float = 0.5, nutrient_diffusion: float = 1.44):
        for name, value in (("death", death), ("threshold", threshold), ("nutrient_diffusion", nutrient_diffusion)):
            check_option("necrosis", name, value)
        self.death, self.threshold, self.nutrient_diffusion = float(death), float(threshold), float(nutrient_diffusion)
        self.parameters = (*origin_parameters(), MU_D, MU_RHO, CONSUMPTION)

    def simulate(
        self,
        tissue: Tissue,
        values: Array,
        *,
        jacobian: bool = False,
        threads: int | None = None,
        compartments: bool = False,
    ) -> Any:
        """
        See `GrowthModel.simulate`.

        Parameters
        ----------
        tissue : Tissue
        values : array_like (6,)
        jacobian : bool
            Derivatives are differences of runs on the same steps.
        threads : int, optional
        compartments : bool
            Also return what the density is made of.

        Returns
        -------
        c : ndarray [x, y, z]
            P + N.
        J : ndarray [6, x, y, z], with `jacobian`
        parts : gliofit.growth.necrosis.Compartments, with `compartments`
        """
        values = self.checked(values)
        if values[5] < 0:
            raise InputError(f"growth model necrosis: consumption = {values[5]:g} must not be negative")
        threads = threads_of(threads)
        length = steps(tissue, Theta.from_array(values[:5]))
        by = steps_of(tissue, values) if jacobian else np.zeros(0)
        points = [values, *(values + step * one for step, one in zip(by, np.eye(self.size), strict=False))]
        found: list[Any] = [None] * len(points)

        def run(place: int, point: Array, threads: int) -> None:
            rates = Rates(point[5], self.death, self.threshold, self.nutrient_diffusion)
            run = Run(tissue, Theta.from_array(point[:5]), rates, length, threads)
            found[place] = run.go().compartments()

        run(0, values, threads)
        side_by_side(threads, [(i, point, 1) for i, point in enumerate(points[1:], 1)], run)
        total = [parts.proliferating + parts.necrotic for parts in found]
        out: list[Any] = [np.minimum(total[0], 1)]
        if jacobian:
            out.append(np.stack([(c - total[0]) / np.float32(step) for c, step in zip(total[1:], by, strict=True)]))
        if compartments:
            out.append(found[0])
        return out[0] if len(out) == 1 else tuple(out)
