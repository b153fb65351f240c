"""The solver for callers: what it is given is checked, so that no run ends in an empty density without a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import TISSUE_THRESHOLD, Tissue
from gliofit.base.errors import InputError
from gliofit.base.section import unknown
from gliofit.growth import fisher_kolmogorov
from gliofit.growth.theta import Theta

MOST = {"mu_D": 200.0, "mu_rho": 40.0}
"""Five times what any tumour has; a run takes time in proportion to their squares, in micrometres for ever."""

NEAREST_MM = 30.0
"""An origin in CSF moves to the nearest tissue within this; the ventricles are no wider."""


def seeded(tissue: Tissue, origin: Any) -> tuple[float, float, float]:
    """
    An origin (3,), mm, that cells can grow from.

    One in tissue stays as it is. In CSF, where no cells live, the nearest tissue is taken, as the inversion does with
    its candidates.

    Raises
    ------
    InputError
        If the origin lies outside the head (the grid, or all tissue and CSF of it).
    """
    x, y, z = (float(v) for v in origin)
    origin = (x, y, z)
    where = f"the origin ({', '.join(f'{v:.4g}' for v in origin)}) mm"
    voxel = tissue.to_voxel(np.array(origin))
    index = np.round(voxel).astype(int)
    if np.any(voxel < -0.5) or np.any(voxel > np.array(tissue.shape) - 0.5):
        low, high = np.sort(tissue.to_world(np.array([(0, 0, 0), np.array(tissue.shape) - 1])), axis=0)
        limits = " × ".join(f"{a:.4g}…{b:.4g}" for a, b in zip(low, high, strict=True))
        raise InputError(f"{where} lies outside the tissue grid ({limits} mm); origins are in mm of the tissue's space")
    here = tuple(np.clip(index, 0, np.array(tissue.shape) - 1))
    if tissue.wm[here] + tissue.gm[here] >= TISSUE_THRESHOLD:
        return origin
    if tissue.wm[here] + tissue.gm[here] + tissue.csf[here] < TISSUE_THRESHOLD:
        raise InputError(f"{where} lies outside the head: no tissue, no CSF is there")
    places = np.argwhere(tissue.mask)
    if not len(places):
        raise InputError("the tissue maps hold no white and no grey matter")
    squares = (((places - voxel) * tissue.spacing) ** 2).sum(1)
    nearest = squares.argmin()
    if squares[nearest] > NEAREST_MM**2:
        raise InputError(f"{where} lies {np.sqrt(squares[nearest]):.0f} mm away from all tissue")
    x, y, z = (float(v) for v in tissue.to_world(places[nearest]))
    return x, y, z


def check_tissue(tissue: Any) -> None:
    """Raise an InputError unless it is a Tissue."""
    if not isinstance(tissue, Tissue):
        raise InputError(f"tissue is {type(tissue).__name__}, not a Tissue (Tissue.from_nifti reads three maps)")


def check_size(name: str, value: float) -> None:
    """Raise an InputError on a μ_D or μ_ρ that no tumour has."""
    most = MOST.get(name, np.inf)
    if value > most:
        unit = " mm (in micrometres?)" if name == "mu_D" else ""
        raise InputError(f"{name} = {value:.4g}{unit} is none of a tumour; it is at most {most:g}")


@wraps(fisher_kolmogorov.simulate)
def simulate(tissue: Tissue, theta: Theta, **options: Any) -> Any:
    # searches call the solver itself: they keep origins in tissue, and may ask beyond it
    check_tissue(tissue)
    if not isinstance(theta, Theta):
        raise InputError(f"theta is {type(theta).__name__}, not a Theta(origin in mm, mu_D in mm, mu_rho)")
    for name in MOST:
        check_size(name, getattr(theta, name))
    for name in ("refine", "ratio"):
        value = options.get(name, 1.0)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < np.inf:
            raise InputError(f"{name} = {value!r} must be a positive number")
    if options.get("dtype", np.float32) not in (np.float32, np.float64, "float32", "float64"):
        raise InputError(f"dtype = {options['dtype']!r} is neither float32 nor float64")
    if not isinstance(options.get("further", ()), Sequence | np.ndarray):
        raise InputError(f"further = {options['further']!r} is no list of origins")
    if options.get("initial") is None:
        theta = replace(theta, origin=seeded(tissue, theta.origin))
        if len(options.get("further", ())):
            options["further"] = [seeded(tissue, replace(theta, origin=tuple(o)).origin) for o in options["further"]]
    return fisher_kolmogorov.simulate(tissue, theta, **options)


def check_option(model: str, name: str, value: Any, what: str = "a number, not negative") -> None:
    """Raise an InputError unless an option of a growth model is `what`."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < np.inf:
        raise InputError(f"growth model {model}: {name} = {value!r} must be {what}")


def _by_name(model: Any, values: Mapping[str, Any]) -> np.ndarray:
    """Values (n,) in the model's order; InputError on a name that it does not know."""
    for name in values:
        if name not in model.names:
            raise InputError(f"growth model {model.name}: {unknown('parameter', str(name), list(model.names))}")
    return model.values_of(values)


def for_callers(run: Callable[..., Any]) -> Callable[..., Any]:
    """A growth model's `simulate`, whose tissue and values are checked as `simulate`'s are; values by name will do."""

    @wraps(run)
    def checked(model: Any, tissue: Tissue, values: Any, **options: Any) -> Any:
        check_tissue(tissue)
        try:
            numbers = np.array(_by_name(model, values) if isinstance(values, Mapping) else values, float)
        except InputError:
            raise
        except (TypeError, ValueError):
            names, what = ", ".join(model.names), type(values).__name__
            raise InputError(f"growth model {model.name} takes numbers ({names}), not {what}") from None
        values = model.checked(numbers)
        for name, value in zip(model.names, values, strict=True):
            check_size(name, value)
        for places in model.origins:
            values[places] = seeded(tissue, values[places])
        return run(model, tissue, values, **options)

    return checked
