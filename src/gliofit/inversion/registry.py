"""The methods by name. A new one is a module in `gliofit.inversion.methods` with a function under `@method(...)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.anatomy.morph import Morph
from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.extras import require
from gliofit.base.section import unknown
from gliofit.growth import GrowthModel, compile_kernels, growth_model
from gliofit.inversion.checks import check_settings, defaults, no_weights
from gliofit.inversion.fit import Fit
from gliofit.inversion.problem import Problem
from gliofit.networks.grids import GROWTH_MODEL
from gliofit.observation.given import as_observation
from gliofit.observation.observation import Observation

Run = Callable[..., Fit]
"""A method's function: `run(problem, **settings)`."""


@dataclass(frozen=True)
class Method:
    """
    A registered method.

    Parameters
    ----------
    name : str
    run : callable
        `run(problem, **settings) -> Fit`; its keyword arguments are the method's settings with defaults.
    title : str
        As written in tables.
    networks : tuple of str
        Roles of the weights it needs.
    atlas : bool
        Whether it works in the atlas's space (`Problem.morph`).
    foci : tuple of str
        What it can do about several foci: "given", search with as many as it is told; "auto", find their number.
    models : tuple of str
        Growth models that it can fit, if not any; those with networks know the networks' own.
    posterior : bool
        Whether it samples the posterior (`Fit.posterior`).
    extra : str
        Optional packages that it needs, if any (`gliofit.base.extras`).
    together : callable, optional
        Raises an InputError for settings (by name, all of them) that are right each, and do not go together.
    """

    name: str
    run: Callable[..., Fit]
    title: str
    networks: tuple[str, ...]
    atlas: bool = False
    foci: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    posterior: bool = False
    extra: str = ""
    together: Callable[..., None] | None = None

    def check_settings(self, settings: Mapping[str, Any], prefix: str) -> None:
        """InputError for a setting that the method does not have or cannot take (`checks.check_settings`)."""
        check_settings(self.run, settings, prefix)
        if self.together is not None:
            try:
                self.together(**{**self.settings(), **settings})
            except InputError as error:
                raise InputError(f"{prefix.rstrip(': .')}: {error}") from None

    def check_installed(self) -> None:
        """InputError, which says how to install them, if packages that the method needs are missing."""
        if self.extra:
            require(self.extra, f"method {self.name}")

    def check_model(self, model: GrowthModel) -> None:
        """InputError unless the method can fit the growth model."""
        known = self.models or (GROWTH_MODEL,) * bool(self.networks)
        if known and model.name not in known:
            raise InputError(f"method {self.name} knows growth model {', '.join(known)}, not {model.name}")

    def settings(self) -> dict:
        """Names and defaults of the method's settings."""
        return defaults(self.run)


METHODS: dict[str, Method] = {}

OPTIONAL = ("inverse_segmentation",)
"""Networks that a method uses if they are given, and has a substitute for."""


def method(
    name: str,
    title: str,
    networks: tuple[str, ...] = (),
    *,
    atlas: bool = False,
    foci: tuple[str, ...] = (),
    models: tuple[str, ...] = (),
    posterior: bool = False,
    extra: str = "",
    together: Callable[..., None] | None = None,
) -> Callable[[Run], Run]:
    """
    Register a function `f(problem, **settings) -> Fit` as an inversion method.

    Parameters
    ----------
    name, title, networks, atlas, foci, models, posterior, extra, together
        As of `Method`.

    Returns
    -------
    callable
        A decorator that leaves the function as it is. Its keyword arguments with defaults are the method's settings.
    """

    def register(run: Run) -> Run:
        METHODS[name] = Method(name, run, title, networks, atlas, foci, models, posterior, extra, together)
        return run

    return register


def describe(name: str) -> Method:
    """The registered method, or an InputError naming those that exist."""
    if not isinstance(name, str) or name not in METHODS:
        raise InputError(unknown("method", str(name), list(METHODS)))
    return METHODS[name]


def check_models(names: Iterable[str], model: GrowthModel) -> None:
    """InputError with all methods that cannot fit the growth model, and with the lines that take them out."""
    unable: dict[str, str] = {}
    for name in names:
        try:
            describe(name).check_model(model)
        except InputError as error:
            unable[name] = str(error)
    if unable:
        _, *others = unable
        also = f", nor do {', '.join(others)}" if others else ""
        out = ", ".join(f"{name}: false" for name in unable)
        first = next(iter(unable.values()))
        raise InputError(f"{first}{also}; take out what does not (methods: {{{out}}}) or choose another model")


def ready(name: str, paths: Iterable[str | Path]) -> dict[str, Any]:
    """
    Networks of a method by role, loaded, with the solver's kernels compiled.

    What is done once per job is out of `Fit.seconds` this way, which then tells the search alone.

    Parameters
    ----------
    name : str
        Of the method.
    paths : iterable of path
        Weights in the order of the method's roles. The optional ones, which come last, may be missing.

    Raises
    ------
    InputError
        If there is no such method, it is not installed, or a file is missing or of another role.
    """
    describe(name).check_installed()
    compile_kernels()
    wanted = dict(zip(describe(name).networks, paths, strict=False))
    if not wanted:
        return {}  # and no seconds for torch
    from gliofit.networks.weights import load_network

    return {role: load_network(path, role) for role, path in wanted.items()}


def invert(
    target: Array | Observation,
    tissue: Tissue,
    method: str = "gauss_newton",
    *,
    networks: Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int = 1,
    morph: Morph | None = None,
    model: str | Mapping[str, Any] | GrowthModel = "fisher_kolmogorov",
    **settings: Any,
) -> Fit:
    """
    Fit a growth model to an observed tumour.

    Parameters
    ----------
    target : array_like, torch tensor, nibabel image or path [x, y, z], or an `Observation` (`gliofit.observation`)
        All but the last are taken as the density itself, in [0, 1] on the tissue's grid; a segmentation is
        `SegmentationTarget.from_labels(labels)`.
    tissue : Tissue
    method : str
        See `gliofit.inversion.METHODS`.
    networks : dict of str → path, optional
        Weights by role ("surrogate", "inverse", "inverse_segmentation"), for the learned methods. Without the last,
        segmentations are shown to "inverse" as a density (`outlines.density_from_segmentation`).
    seed, threads : int
    morph : gliofit.anatomy.morph.Morph, optional
        The way to the atlas, for methods that work there; without it, `tissue` is taken as the atlas.
    model : str or mapping
        The growth model by name, or {"name": …, option: …}; see `gliofit.growth_model`. Of foci "auto", methods that
        cannot find their number fit one.
    **settings
        The method's own settings.

    Returns
    -------
    Fit
    """
    chosen = describe(method)
    chosen.check_installed()
    chosen.check_settings(settings, f"method {method}: ")
    for name, value, least in (("seed", seed, 0), ("threads", threads, 1)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise InputError(f"{name} = {value!r} must be a whole number, {least} or more")
    observed = as_observation(target, tissue)
    if not isinstance(networks, Mapping | None):
        raise InputError(
            f'networks is {type(networks).__name__}, not a dict of role and weights; give networks={{"surrogate": …}}'
        )
    networks = dict(networks or {})
    _check_networks(networks)
    if not isinstance(morph, Morph | None):
        raise InputError(f"morph is {type(morph).__name__}, not a Morph (gliofit.anatomy.morph)")
    missing = [role for role in chosen.networks if role not in networks and role not in OPTIONAL]
    if missing:
        raise no_weights(f"method {method}", missing)
    problem = Problem(tissue, observed, networks, seed, threads, morph, _model_for(chosen, growth_model(model)))
    fit = chosen.run(problem, **settings)
    fit.method = method
    return fit


def _check_networks(networks: Mapping[str, Any]) -> None:
    """Raise an InputError for a role that no method asks for, or what is neither a path nor a network."""
    roles = sorted({role for each in METHODS.values() for role in each.networks})
    for role, network in networks.items():
        if role not in roles:
            raise InputError(unknown("network", str(role), roles))
        if not isinstance(network, str | Path) and not hasattr(network, "spacing"):
            raise InputError(f"networks: {role} is {type(network).__name__}, not the path of weights")


def _model_for(chosen: Method, model: GrowthModel) -> GrowthModel:
    """The model that a method can fit; InputError if it is asked for several foci and knows one."""
    chosen.check_model(model)
    least, most = model.foci_range
    if least == most == 1 or (least < most and "auto" in chosen.foci) or (least == most and "given" in chosen.foci):
        return model
    if least == 1:
        return model.with_one_focus()
    able = ", ".join(sorted(name for name, method in METHODS.items() if "given" in method.foci))
    raise InputError(f"method {chosen.name} fits one focus, not {least}; those that fit several are: {able}")
