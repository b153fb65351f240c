"""Learn-Morph-Infer's Table 2: tumours inferred by networks with different targets, against the true ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gliofit.anatomy.brain_window import window_affine
from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import BeyondModelError
from gliofit.base.files import read_json
from gliofit.base.overlap import dice
from gliofit.evaluation.lmi_table import DENSE, EXPERIMENTS, LEVELS, PRESENT, REFINED, TISSUES
from gliofit.evaluation.metrics import tidy, tumour_volume
from gliofit.growth.theta import ORIGIN, Theta
from gliofit.inversion import invert
from gliofit.networks.lmi import Lmi
from gliofit.networks.lmi_part import View, theta_of
from gliofit.networks.weights import card_path, load_network
from gliofit.observation.segmentation import SHARP, STEEPNESS, SegmentationTarget
from gliofit.observation.thresholds import Values
from gliofit.synthetic.lmi_models import MODELS
from gliofit.synthetic.lmi_tumours import grown
from gliofit.synthetic.shards import ShardDataset
from gliofit.training.whole_brain import WholeBrainDataset

STEEPER = (STEEPNESS, SHARP, 1000.0)
"""β of searches one after the other: blurred outlines lead from further away, sharp ones end nearer."""

ITERATIONS = 15
"""Of each, at most."""


def load_networks(paths: Mapping[Any, str | Path]) -> dict[Any, Lmi]:
    """Networks for all of θ and for parts of it, by their card's role."""
    return {name: load_network(path, read_json(card_path(path))["role"]) for name, path in paths.items()}


@dataclass(frozen=True, eq=False)
class TestTumour:
    """
    A tumour that no network has seen.

    Parameters
    ----------
    density : ndarray [x, y, z]
        On the atlas's working grid.
    thresholds : Values
        Of the outlines.
    theta : Theta
    """

    __test__ = False  # not a test class, whatever its name suggests to pytest

    density: Array
    thresholds: Values
    theta: Theta

    def outlines(self) -> tuple[Array, Array]:
        """Core and whole tumour on the atlas's working grid, bool [x, y, z]."""
        return self.density >= self.thresholds.core, self.density >= self.thresholds.whole


class TestTumours(ShardDataset):
    """Those of shards, with their densities on the working grid of `tissue`, and as networks see them."""

    __test__ = False

    def __init__(self, paths: Sequence, tissue: Tissue):
        super().__init__(paths)
        self.tissue = tissue
        self._windows: dict[Any, WholeBrainDataset] = {}

    def _window(self, network: Lmi) -> WholeBrainDataset:
        size = network.spacing, network.shape
        if size not in self._windows:
            self._windows[size] = WholeBrainDataset(self.paths, network.spacing, shape=network.shape)
        return self._windows[size]

    def view(self, index: int, network: Lmi) -> View:
        """A tumour as a network sees it."""
        data = self._window(network)
        case = data[index]
        window = window_affine(self.tissue, data.shape, data.spacing)
        return View(case.density, case.tissue, grids.to_world(window, (np.array(data.shape) - 1) / 2))

    def tumour(self, index: int, network: Lmi) -> TestTumour:
        """A tumour; its thresholds are those that the network sees it through."""
        path, row = self._where[index]
        file = self._open(path)
        stored = file["density"][row].astype(np.float32) * np.float32(file["density"].attrs["scale"])
        density = grids.put(stored, file["offset"][row], self.tissue.shape)
        return TestTumour(density, self._window(network).seen(index)[1], Theta.from_array(file["theta"][row]))


def inferred(
    tests: TestTumours, index: int, networks: Sequence[Lmi], model: str, gamma: float, threads: int = 1
) -> Array:
    """
    The density [x, y, z] that outlines lead to: θ̂ by the networks, its origin put into tissue, and a run of the model.

    A θ̂ whose tumour pushes harder than the model can describe is run without mass effect.
    """
    return _at(tests, _theta(tests, index, networks), model, gamma, threads)[0]


def _theta(tests: TestTumours, index: int, networks: Sequence[Lmi]) -> Array:
    theta = theta_of(networks, [tests.view(index, network) for network in networks])
    theta[ORIGIN] = tests.tissue.nearest_tissue(theta[ORIGIN])
    return theta


def _at(tests: TestTumours, theta: Array, model: str, gamma: float, threads: int) -> tuple[Array, str]:
    """Density [x, y, z] at θ, and which model it is of: without mass effect where that pushes too hard."""
    try:
        return grown(tests.tissue, Theta.from_array(theta), model, gamma, threads), model
    except BeyondModelError:
        return grown(tests.tissue, Theta.from_array(theta), MODELS[0], gamma, threads), MODELS[0]


def refined(tests: TestTumours, index: int, network: Lmi, model: str, gamma: float, threads: int = 1) -> Array:
    """
    The density [x, y, z] that Gauss–Newton on the outlines ends at, from a network's θ̂.

    Thresholds are unknown to it; γ is known, as it is to the runs of networks' answers. A θ̂ that the model describes no
    tumour for is left as it is.
    """
    theta, target = _theta(tests, index, [network]), target_of(tests.tumour(index, network))
    density, of = _at(tests, theta, model, gamma, threads)
    if of != model:
        return density
    values = np.concatenate([theta, target.best_extras(density)])
    given = {"name": model, **({"gamma": gamma, "derivatives": "carried"} if model == "mass_effect" else {})}
    for steepness in STEEPER:
        target = replace(target, steepness=steepness)
        how: dict[str, Any] = {"iterations": ITERATIONS, "uncertainty": False, "threads": threads}
        try:
            fit = invert(target, tests.tissue, "gauss_newton", model=given, start=values, **how)
        except BeyondModelError:  # where a coarser grid's search has ended
            break
        assert fit.density is not None  # of a fit just made
        density, values = fit.density, np.array([*fit.parameters.values(), *fit.extras.values()])
    return density


def target_of(tumour: TestTumour) -> SegmentationTarget:
    """Its outlines as a search sees them, thresholds unknown."""
    core, whole = (mask.astype(np.float32) for mask in tumour.outlines())
    return SegmentationTarget(core, whole)


def scores(density: Array, truth: Array, tissue: Tissue) -> dict[str, float]:
    """MAE by tissue and Dice by level; see `lmi_table.DEFINITIONS`. NaN is what does not apply."""
    there = np.maximum(density, truth) >= PRESENT
    error, labels = np.abs(density - truth), tissue.labels()
    out = {}
    for name, label in TISSUES.items():
        chosen = there & (labels == label)
        out[f"mae_{name}"] = float(error[chosen].mean(dtype=np.float64)) if chosen.any() else float("nan")
    for name, level in LEVELS.items():
        out[name] = dice(density >= level, truth >= level) if truth.max() >= level else float("nan")
    return out | {"too_dense": float("nan") if truth.max() >= DENSE else float(density.max() >= DENSE)}


def score(
    tests: TestTumours,
    networks: Mapping[str, Lmi],
    model: str,
    gamma: float,
    name: str,
    *,
    refine: bool = False,
    threads: int = 1,
) -> pd.DataFrame:
    """
    All experiments of a growth model on a shard.

    Parameters
    ----------
    tests : TestTumours
    networks : mapping of "all", "origin", "growth", "times" → Lmi
    model : str
    gamma : float
        kPa.
    name : str
        Of the shard: cases are numbered behind it.
    refine : bool
        Also go on by Gauss–Newton from the answer of the network for all of θ (`lmi_table.REFINED`).
    threads : int

    Returns
    -------
    DataFrame
        Columns of `gliofit.evaluation.metrics`, the experiment as the method; with the true μ_D, μ_ρ and volume.
    """
    rows = []
    for index in range(len(tests)):
        tumour = tests.tumour(index, networks["all"])
        about = {"true_mu_D": tumour.theta.mu_D, "true_mu_rho": tumour.theta.mu_rho}
        about["true_volume"] = tumour_volume(tumour.density, tests.tissue) / 1000
        densities = {
            experiment: inferred(tests, index, [networks[target] for target in targets], model, gamma, threads)
            for experiment, (of, targets) in EXPERIMENTS.items()
            if of == model
        }
        if refine:
            further = next(row for row, (_, of) in REFINED.items() if of == model)
            densities[further] = refined(tests, index, networks["all"], model, gamma, threads)
        for experiment, density in densities.items():
            found = scores(density, tumour.density, tests.tissue)
            rows.append(tidy(f"{name}_{index}", "lmi", experiment, found | about))
    return pd.concat(rows)
