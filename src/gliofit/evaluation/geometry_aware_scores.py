"""How well surrogates stand in for the solver on tumours of given D, ρ and T (Ezhov 2021, Sec. III)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.overlap import dice
from gliofit.evaluation.metrics import tidy
from gliofit.synthetic.physical_shards import PhysicalDataset

if TYPE_CHECKING:
    import pandas as pd

LEVELS = {"dice_2": 0.2, "dice_4": 0.4, "dice_8": 0.8}
"""Densities that Dice is taken at."""

THERE = 1e-3
"""Density that is tumour."""

CLASSES = {"mae_csf": 1, "mae_gm": 2, "mae_wm": 3}
"""Labels (`Tissue.labels`) of the classes of tissue that errors are told apart by."""

Model = Callable[[PhysicalDataset, int], Array]
"""The density [x, y, z] of a sample by a surrogate."""

SET = "geometry_aware"
"""Of Table I's metrics, whose names have validation or test in front."""


def geometry_aware(network: Any) -> Model:
    """Ezhov's network as a model: from tissue, D, ρ and T; the origin is the crop's middle voxel."""
    import torch

    def predict(data: PhysicalDataset, index: int) -> Array:
        case = data[index]
        with torch.inference_mode():
            density = network(torch.from_numpy(case.tissue)[None], torch.from_numpy(case.theta)[None])[0]
        return density.clamp(0, 1).numpy()

    return predict


def forward_surrogate(surrogate: Any) -> Model:
    """A surrogate of θ (`gliofit.networks.surrogate.Surrogate`) as a model: from tissue, origin, μ_D and μ_ρ."""
    import torch

    def predict(data: PhysicalDataset, index: int) -> Array:
        theta = torch.tensor(data.theta(index).to_array()[None], dtype=torch.float32)
        with torch.no_grad():  # inference mode's tensors have no version, by which it tells anatomies apart
            return surrogate(surrogate.channels(torch.from_numpy(data[index].tissue)), theta)[0].numpy()

    return predict


def case_scores(predicted: Array, truth: Array, maps: Array) -> dict[str, float]:
    """
    Scores of one density.

    Parameters
    ----------
    predicted, truth : ndarray [x, y, z]
    maps : ndarray [3, x, y, z]
        Fractions of WM, GM and CSF.

    Returns
    -------
    dict
        dice_2, dice_4, dice_8: Dice of what lies above 0.2, 0.4, 0.8 (NaN if nothing does in either); mae_tumour: mean
        absolute error where the truth is at least 0.001; mae_wm, mae_gm, mae_csf: in each class of tissue; mae: over
        the crop. NaN where a class is absent.
    """
    error = np.abs(predicted.astype(np.float64) - truth)
    labels = Tissue(maps[0], maps[1], maps[2], np.eye(4)).labels()
    regions = {"mae_tumour": truth >= THERE} | {name: labels == label for name, label in CLASSES.items()}
    overlaps = {name: dice(predicted > level, truth > level) for name, level in LEVELS.items()}
    means = {name: float(error[inside].mean()) if inside.any() else float("nan") for name, inside in regions.items()}
    return overlaps | means | {"mae": float(error.mean())}


def scores(data: PhysicalDataset, models: Mapping[str, Model], where: str, cases: str) -> pd.DataFrame:
    """
    Scores of all models on all samples of a data set.

    Parameters
    ----------
    data : PhysicalDataset
    models : mapping of name → Model
    where : str
        Set of cases: validation, test or unseen.
    cases : str
        What the cases' names begin with: ratio and anatomy.

    Returns
    -------
    DataFrame
        `gliofit.evaluation.metrics.COLUMNS`; metrics are those of `case_scores`, `days` (T) and `ms`, milliseconds of
        processor time for one density.
    """
    import pandas as pd

    rows = []
    for index in range(len(data)):
        case = data[index]
        for name, model in models.items():
            started = time.process_time()
            predicted = model(data, index)
            took = 1000 * (time.process_time() - started)
            found = case_scores(predicted, case.density, case.tissue) | {"days": float(case.theta[2]), "ms": took}
            rows.append(tidy(f"{cases}/{index}", where, name, found))
    return pd.concat(rows)


def of_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Scores as Table I has them: one set, metrics named by the set that they are of ("test_dice_2")."""
    chosen = frame[frame["set"].isin(["validation", "test"])]
    return chosen.assign(metric=chosen["set"] + "_" + chosen["metric"], set=SET)
