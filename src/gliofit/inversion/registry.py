"""The methods by name. A new one is a module in `gliofit.inversion.methods` with a function under `@method(...)`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from gliofit.base.errors import InputError
from gliofit.growth import compile_kernels, growth_model
from gliofit.inversion.checks import check_settings
from gliofit.inversion.fit import Fit
from gliofit.inversion.problem import Problem
from gliofit.observation.given import as_observation


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
    """

    name: str
    run: Callable[..., Fit]
    title: str
    networks: tuple[str, ...]
    atlas: bool = False

    def settings(self) -> dict:
        """Names and defaults of the method's settings."""
        parameters = list(inspect.signature(self.run).parameters.values())[1:]
        return {p.name: p.default for p in parameters}


METHODS: dict[str, Method] = {}

OPTIONAL = ("inverse_segmentation",)
"""Networks that a method uses if they are given, and has a substitute for."""


def method(name: str, title: str, networks: tuple[str, ...] = (), *, atlas: bool = False):
    """Register a function `f(problem, **settings) -> Fit` as an inversion method."""

    def register(run):
        METHODS[name] = Method(name, run, title, networks, atlas)
        return run

    return register


def describe(name: str) -> Method:
    """The registered method, or an InputError naming those that exist."""
    if name not in METHODS:
        raise InputError(f"unknown method '{name}'; there are: {', '.join(sorted(METHODS))}")
    return METHODS[name]


def ready(name: str, paths) -> dict:
    """
    Networks of a method, loaded from `paths` in the order of its roles, with the solver's kernels compiled.

    The optional ones, which come last, may be missing.

    What is done once per job is out of `Fit.seconds` this way, which then tells the search alone.
    """
    from gliofit.networks.weights import load_network

    compile_kernels()
    return {role: load_network(path, role) for role, path in zip(describe(name).networks, paths, strict=False)}


def invert(
    target,
    tissue,
    method: str = "gauss_newton",
    *,
    networks=None,
    seed: int = 0,
    threads: int = 1,
    morph=None,
    model="fisher_kolmogorov",
    **settings,
):
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
        The growth model by name, or {"name": …, option: …}; see `gliofit.growth_model`.
    **settings
        The method's own settings.

    Returns
    -------
    Fit
    """
    chosen = describe(method)
    unknown = set(settings) - set(chosen.settings())
    if unknown:
        raise InputError(f"method {method} has no setting {', '.join(sorted(unknown))}")
    check_settings(chosen.settings(), settings, f"method {method}")
    target = as_observation(target, tissue)
    networks = networks or {}
    missing = [role for role in chosen.networks if role not in networks and role not in OPTIONAL]
    if missing:
        raise InputError(f"method {method} needs trained weights for: {', '.join(missing)}")
    fit = chosen.run(Problem(tissue, target, networks, seed, threads, morph, growth_model(model)), **settings)
    fit.method = method
    return fit
