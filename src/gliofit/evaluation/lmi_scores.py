"""Learn-Morph-Infer's Table 2: tumours inferred by networks with different targets, against the true ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gliofit.anatomy.brain_window import window_affine
from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import read_json
from gliofit.base.overlap import dice
from gliofit.evaluation.lmi_table import EXPERIMENTS, LEVELS, PRESENT, TISSUES
from gliofit.evaluation.metrics import tidy, tumour_volume
from gliofit.growth.theta import ORIGIN, Theta
from gliofit.networks.lmi import Lmi
from gliofit.networks.lmi_part import theta_of
from gliofit.networks.weights import card_path, load_network
from gliofit.observation.thresholds import Values
from gliofit.synthetic.lmi_models import MODELS
from gliofit.synthetic.lmi_tumours import grown
from gliofit.training.whole_brain import WholeBrainDataset


def load_networks(paths: Mapping[Any, str | Path]) -> dict[Any, Lmi]:
    """Networks for all of θ and for parts of it, by their card's role."""
    return {name: load_network(path, read_json(card_path(path))["role"]) for name, path in paths.items()}


@dataclass(frozen=True, eq=False)
class TestTumour:
    """
    A tumour that no network has seen.

    Parameters
    ----------
    image : ndarray [x, y, z]
        Its outlines on the networks' window.
    density : ndarray [x, y, z]
        On the atlas's working grid.
    thresholds : Values
        Of the outlines.
    theta : Theta
    """

    __test__ = False  # not a test class, whatever its name suggests to pytest

    image: Array
    density: Array
    thresholds: Values
    theta: Theta


class TestTumours(WholeBrainDataset):
    """Those of a shard, with their densities on the working grid of `tissue`."""

    __test__ = False

    def __init__(self, paths: Sequence, network: Lmi, tissue: Tissue):
        super().__init__(paths, network.spacing, shape=network.shape)
        self.tissue = tissue
        window = window_affine(tissue, network.shape, network.spacing)
        self.centre = grids.to_world(window, (np.array(network.shape) - 1) / 2)

    def tumour(self, index: int) -> TestTumour:
        case = self[index]
        path, row = self._where[index]
        file = self._open(path)
        stored = file["density"][row].astype(np.float32) * np.float32(file["density"].attrs["scale"])
        density = grids.put(stored, file["offset"][row], self.tissue.shape)
        return TestTumour(case.density, density, self.seen(index)[1], Theta.from_array(file["theta"][row]))


def inferred(
    tissue: Tissue, networks: Sequence[Lmi], image: Array, centre: Array, model: str, gamma: float, threads: int = 1
) -> Array:
    """
    The density [x, y, z] that outlines lead to: θ̂ by the networks, its origin put into tissue, and a run of the model.

    A θ̂ whose tumour pushes harder than the model can describe is run without mass effect.
    """
    theta = theta_of(networks, image)
    theta[ORIGIN] = tissue.nearest_tissue(theta[ORIGIN] + centre)
    found = Theta.from_array(theta)
    try:
        return grown(tissue, found, model, gamma, threads)
    except InputError:
        return grown(tissue, found, MODELS[0], gamma, threads)


def scores(density: Array, truth: Array, tissue: Tissue) -> dict[str, float]:
    """MAE by tissue and Dice by level; see `lmi_table.DEFINITIONS`."""
    there = np.maximum(density, truth) >= PRESENT
    error, labels = np.abs(density - truth), tissue.labels()
    out = {}
    for name, label in TISSUES.items():
        chosen = there & (labels == label)
        out[f"mae_{name}"] = float(error[chosen].mean(dtype=np.float64)) if chosen.any() else float("nan")
    return out | {name: dice(density >= level, truth >= level) for name, level in LEVELS.items()}


def score(
    tissue: Tissue,
    tests: TestTumours,
    networks: Mapping[str, Lmi],
    model: str,
    gamma: float,
    name: str,
    threads: int = 1,
) -> pd.DataFrame:
    """
    All experiments of a growth model on a shard.

    Parameters
    ----------
    tissue : Tissue
        Whole brain on the working grid.
    tests : TestTumours
    networks : mapping of "all", "origin", "growth", "times" → Lmi
    model : str
    gamma : float
        kPa.
    name : str
        Of the shard: cases are numbered behind it.
    threads : int

    Returns
    -------
    DataFrame
        Columns of `gliofit.evaluation.metrics`, the experiment as the method; with the true μ_D, μ_ρ and volume.
    """
    rows = []
    for index in range(len(tests)):
        tumour = tests.tumour(index)
        about = {"true_mu_D": tumour.theta.mu_D, "true_mu_rho": tumour.theta.mu_rho}
        about["true_volume"] = tumour_volume(tumour.density, tissue) / 1000
        for experiment, (of, targets) in EXPERIMENTS.items():
            if of == model:
                chosen = [networks[target] for target in targets]
                density = inferred(tissue, chosen, tumour.image, tests.centre, model, gamma, threads)
                found = scores(density, tumour.density, tissue)
                rows.append(tidy(f"{name}_{index}", "lmi", experiment, found | about))
    return pd.concat(rows)
