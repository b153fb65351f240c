"""
Growth models: what a simulation has for unknowns, and how it runs.

A model owns the names, units, ranges and starting values of its parameters, its constants, and `simulate`. All else –
methods, tables, pages, JSON – asks the model. Adding one is adding a file to `gliofit.growth.models`
(docs/adding_a_growth_model.md).
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.base.section import unknown
from gliofit.growth.checks import for_callers
from gliofit.growth.parameter import AXES, Parameter
from gliofit.growth.simpler import Simpler
from gliofit.growth.theta import Theta


class GrowthModel(ABC):
    """
    A growth model with its options.

    A subclass sets `name` and `title`, makes `parameters` and `constants`, and has `simulate`. Parameters must hold the
    coordinates of one or more origins, as `origin_parameters` makes them, and `mu_D` and `mu_rho`, which all foci
    share.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    refinable: ClassVar[bool]
    """Whether `simulate` takes `refine`, which divides its time steps; told from its signature."""
    parameters: tuple[Parameter, ...]
    constants: Mapping[str, float]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "simulate" in vars(cls):
            cls.refinable = "refine" in inspect.signature(cls.simulate).parameters
            cls.simulate = for_callers(cls.simulate)  # type: ignore[method-assign]

    @abstractmethod
    def simulate(self, tissue: Tissue, values: Array, *, jacobian: bool = False, threads: int | None = None) -> Any:
        """
        Grow a tumour.

        Parameters
        ----------
        tissue : Tissue
        values : array_like (n,), or mapping by name
            In the order of `names`; origins in mm of the tissue's space. One in CSF moves to the nearest tissue.
        jacobian : bool
        threads : int, optional
            All cores if not given.

        Returns
        -------
        c : ndarray [x, y, z]
            Density of tumour cells in [0, 1] at the time of the scan.
        J : ndarray [n, x, y, z], with `jacobian`
            ∂c/∂values.

        Raises
        ------
        InputError
            If `values` are not n finite numbers that a tumour can have, or an origin lies outside the head.
        """

    def grow(self, tissue: Tissue, values: Array, *, refine: float = 1.0, **options: Any) -> Any:
        """
        `simulate` for searches, which may ask beyond tissue and find nothing there: checks are left out.

        `refine` divides the time steps of a model that is `refinable`.
        """
        if self.refinable:
            options["refine"] = refine
        return inspect.unwrap(type(self).simulate)(self, tissue, values, **options)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters, in the order of `values`."""
        return tuple(p.name for p in self.parameters)

    @property
    def units(self) -> tuple[str, ...]:
        return tuple(p.unit for p in self.parameters)

    @property
    def start(self) -> Array:
        """Where searches begin (n,); NaN where the observation gives it: at origins."""
        return np.array([p.start for p in self.parameters])

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.parameters)

    @cached_property
    def origins(self) -> Array:
        """Places [foci, 3] of the origins' coordinates in `values`."""
        return np.array([i for i, p in enumerate(self.parameters) if p.coordinate]).reshape(-1, len(AXES))

    @cached_property
    def theta_places(self) -> Array:
        """Places [foci, 5] of each focus's θ = (origin, μ_D, μ_ρ) in `values`."""
        shared = [self.names.index("mu_D"), self.names.index("mu_rho")]
        return np.array([[*origin, *shared] for origin in self.origins])

    def options(self) -> dict[str, Any]:
        """What it was made with, as `growth_model` takes it."""
        return {name: getattr(self, name) for name in settings_of(type(self))}

    def to_dict(self) -> dict[str, Any]:
        """Name and options, JSON-ready; `growth_model` reads it."""
        return {"name": self.name, **self.options()}

    def begin(self, centre: Array) -> Array:
        """`start`, with every origin at `centre` (mm)."""
        values = self.start
        values[self.origins] = np.asarray(centre, float)
        return values

    def from_theta(self, theta: Array) -> Array:
        """Values for θ = [x, y, z, μ_D, μ_ρ]: every focus there, what θ does not have at its start."""
        values = self.start
        values[self.theta_places] = np.asarray(theta, float)
        return values

    def with_another_focus(self) -> GrowthModel | None:
        """The same model with one focus more; None if it cannot have one."""
        return None

    def add_focus(self, values: Array, origin: Array) -> Array:
        """Values for `with_another_focus`, of this model's `values` and the further origin (mm)."""
        more = self.with_another_focus()
        if more is None:
            raise InputError(f"growth model {self.name} cannot have another focus")
        found = np.empty(more.size)
        places = more.origins[: len(self.origins)]
        found[places], found[more.origins[-1]] = values[self.origins], np.asarray(origin, float)
        found[np.setdiff1d(np.arange(more.size), more.origins)] = np.delete(values, self.origins)
        return found

    @property
    def foci_range(self) -> tuple[int, int]:
        """Fewest and most foci that a fit may have; its own number, unless that is to be found."""
        return len(self.origins), len(self.origins)

    def with_one_focus(self) -> GrowthModel:
        """The model that searches begin with: several foci at one start would never part."""
        return self

    def simpler(self) -> Simpler[GrowthModel] | None:
        """A model that searches begin with; None if they begin with this one."""
        return None

    def doubts(self, values: Array) -> list[str]:
        """A sentence for each reason why a run at these values may be wrong; fits have them among their warnings."""
        return []

    def box(self, centre: Array, corners: Array) -> Box:
        """
        Where searches look.

        Parameters
        ----------
        centre : ndarray (3,)
            Of the visible tumour, mm.
        corners : ndarray [2, 3]
            Of the grid, mm: the solver cannot start outside.
        """
        lower, upper = (np.array([getattr(p, end) for p in self.parameters]) for end in ("lower", "upper"))
        lower[self.origins] = np.maximum(centre + lower[self.origins], corners.min(0))
        upper[self.origins] = np.minimum(centre + upper[self.origins], corners.max(0))
        return Box(lower, upper)

    def on_tissue(self, tissue: Tissue, values: Array) -> Array:
        """`values` with every origin where a tumour can begin (`Tissue.nearest_tissue`)."""
        values = np.array(values, float)
        for places in self.origins:
            values[places] = tissue.nearest_tissue(values[places])
        return values

    def with_front(self, values: Array, distance: float, width: float) -> Array:
        """
        `values` whose front, in white matter, travels `distance` (mm) and is `width` = √(D/ρ) (mm) wide.

        A front moves at 2·√(Dρ), so that distance = 2·μ_D·μ_ρ and width = μ_D/μ_ρ.
        """
        values = np.array(values, float)
        by_name = {p.name: p for p in self.parameters}
        for name, wanted in (("mu_D", np.sqrt(distance / 2 * width)), ("mu_rho", np.sqrt(distance / 2 / width))):
            parameter = by_name[name]
            # a little inside the range: searches in unbounded variables have no slope at its ends
            values[self.names.index(name)] = np.clip(wanted, parameter.lower * 1.02, parameter.upper * 0.98)
        return values

    def theta(self, values: Array, tissue: Tissue | None = None, density: Array | None = None) -> Theta:
        """θ of the focus with the most cells: of those nearer to its origin than to another's, given the `density`."""
        values = np.asarray(values, float)
        chosen = 0
        if len(self.origins) > 1 and tissue is not None and density is not None:
            index = np.argwhere(density > 0)
            points = tissue.to_world(index)
            apart = [((points - values[places]) ** 2).sum(1) for places in self.origins]
            cells = np.bincount(np.argmin(apart, axis=0), density[tuple(index.T)], len(self.origins))
            chosen = int(cells.argmax())
        return Theta.from_array(values[self.theta_places[chosen]])

    def values_of(self, parameters: Mapping[str, float]) -> Array:
        """A vector in the order of `names` from a mapping by name."""
        missing = [name for name in self.names if name not in parameters]
        if missing:
            raise InputError(f"growth model {self.name}: parameter {missing[0]} is missing")
        return np.array([float(parameters[name]) for name in self.names])

    def checked(self, values: Array) -> Array:
        """`values` as a float vector; InputError unless there are as many as parameters, all finite."""
        values = np.asarray(values, float)
        if values.shape != (self.size,) or not np.isfinite(values).all():
            given = np.array2string(values, threshold=10)
            raise InputError(
                f"growth model {self.name} takes {self.size} finite numbers ({', '.join(self.names)}), not {given}"
            )
        return values


MODELS: dict[str, type[GrowthModel]] = {}


def register(model: type[GrowthModel]) -> type[GrowthModel]:
    """Make a model known by its `name`."""
    MODELS[model.name] = model
    return model


def settings_of(model: type[GrowthModel]) -> dict[str, Any]:
    """Names and defaults of a model's options."""
    return {p.name: p.default for p in inspect.signature(model).parameters.values()}


def growth_model(name: str | Mapping[str, Any] | GrowthModel = "fisher_kolmogorov", **options: Any) -> GrowthModel:
    """
    A growth model.

    Parameters
    ----------
    name : str, mapping or GrowthModel
        A model's name, or {"name": …, option: …} as in the config and in results; a model is returned as it is.
    **options
        Of the model.

    Raises
    ------
    InputError
        On an unknown name, or an option that the model does not have or take.
    """
    if isinstance(name, GrowthModel):
        if options:
            raise InputError(f"growth model {name.name} is made already; its options are no longer to be chosen")
        return name
    if isinstance(name, Mapping):
        options = {**name, **options}
        if "name" not in options:
            raise InputError(f"growth model {dict(name)!r} has no name; there are: {', '.join(sorted(MODELS))}")
        name = options.pop("name")
    if not isinstance(name, str) or name not in MODELS:
        raise InputError(unknown("growth model", str(name), list(MODELS)))
    known = settings_of(MODELS[name])
    for option in options:
        if option not in known:
            raise InputError(f"growth model {name} has no option '{option}'; there are: {', '.join(known) or 'none'}")
    return MODELS[name](**options)
