"""
GliODIL's two studies of itself: how much the growth equation counts (Fig. 2), and how much the start does (Sec. 4.8).

Both look at the optimised field as it is, whose low densities λ_PDE alone holds: with its leading edge put in place of
them (`tail: front`) λ_PDE would seem not to matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gliofit.base.arrays import Array
from gliofit.evaluation.gliodil_scores import errors
from gliofit.evaluation.intervals import bootstrap
from gliofit.evaluation.patient_scores import data_fit
from gliofit.inversion.patient_problem import patient_problem
from gliofit.inversion.registry import invert
from gliofit.patients.prepared import Prepared

COLUMNS = ("study", "setting", "method", "metric", "value")

METRICS = ("rmse", "rmse_hidden", "dice_low", "dice_core", "dice_whole", "dice_edema", "pet_correlation")


def weight_rows(
    patient: Prepared,
    truth: Array,
    weights: Sequence[float],
    *,
    spacing: float,
    seed: int,
    threads: int,
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """
    Scores with every λ_PDE, of the field (gliodil) and of the solver at its coefficients (pde_gliodil).

    Parameters
    ----------
    patient : Prepared
    truth : ndarray [x, y, z]
        True density on the patient's grid.
    weights : sequence of float
        λ_PDE.
    spacing : float
        Of the working grid, mm.
    seed, threads : int
    settings : mapping
        Of gliodil.

    Returns
    -------
    list of dict
        `COLUMNS`.
    """
    problem = patient_problem(patient, spacing)
    rows = []
    for weight in weights:
        own = {**settings, "pde_weight": float(weight), "tail": "field"}
        fit = invert(problem.target, problem.tissue, "gliodil", seed=seed, threads=threads, **own)
        values = np.array([*fit.parameters.values(), *fit.extras.values()])
        for method, density in (("gliodil", fit.density), ("pde_gliodil", problem.density(values))):
            assert density is not None
            rows += _rows("pde_weight", float(weight), method, density, patient, truth, problem.tissue.affine)
    return rows


def guess_rows(
    patient: Prepared,
    truth: Array,
    guesses: int,
    scatter: float,
    *,
    spacing: float,
    seed: int,
    threads: int,
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The same from `guesses` starts of which D, ρ and the origin are off by up to `scatter` of themselves."""
    problem = patient_problem(patient, spacing)
    rows = []
    for number in range(guesses):
        own = {**settings, "tail": "field", "scatter": scatter}
        fit = invert(problem.target, problem.tissue, "gliodil", seed=seed + number, threads=threads, **own)
        assert fit.density is not None
        rows += _rows("guess", float(number), "gliodil", fit.density, patient, truth, problem.tissue.affine)
    return rows


def _rows(
    study: str, setting: float, method: str, density: Array, patient: Prepared, truth: Array, affine: Array
) -> list[dict[str, Any]]:
    on_scan = patient.to_scan(density, affine)
    scores = {**errors(on_scan, truth, patient), **data_fit(on_scan, patient)}
    return [dict(zip(COLUMNS, (study, setting, method, m, scores[m]), strict=True)) for m in METRICS]


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """
    Means with intervals over patients, by set, study, setting, method and metric; of guesses, the spread of a patient.

    A guess is no setting of its own: its rows are the standard deviation within a patient over the guesses
    (metric_spread), and the mean of the patient's mean.
    """
    table = []
    weights = rows[rows["study"] == "pde_weight"]
    for key, part in weights.groupby(["set", "study", "setting", "method", "metric"]):
        table.append((*key, *_interval(part["value"])))
    guesses = rows[rows["study"] == "guess"]
    for key, part in guesses.groupby(["set", "method", "metric"]):
        by_case = part.groupby("case")["value"]
        chosen, method, metric = key
        for name, values in ((metric, by_case.mean()), (f"{metric}_spread", by_case.std())):
            table.append((chosen, "guess", np.nan, method, name, *_interval(values)))
    return pd.DataFrame(table, columns=["set", "study", "setting", "method", "metric", "n", "mean", "low", "high"])


def _interval(values: pd.Series) -> tuple[int, float, float, float]:
    found = bootstrap(values)
    return found.n, found.mean, found.low, found.high


def markdown(table: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """For people: λ_PDE down, scores across; then the spread that guesses make."""
    shown = {
        "rmse_hidden": "RMSE unseen",
        "dice_low": "Dice 10 %",
        "dice_core": "Core Dice",
        "dice_edema": "Edema Dice",
    }
    lines: list[str] = []
    for chosen, foci in (("single", "One focus"), ("multi", "Three foci")):
        part = table[(table["set"] == chosen) & (table["study"] == "pde_weight")]
        if part.empty:
            continue
        lines += [f"**{foci}**, N = {int(part['n'].max())}", ""]
        heads = [f"{title}, {label}" for title in titles.values() for label in shown.values()]
        lines += ["| λ_PDE | " + " | ".join(heads) + " |", "|--:|" + "--:|" * len(heads)]
        for weight, rows in part.groupby("setting"):
            by = rows.set_index(["method", "metric"])
            cells = [f"{by.loc[(method, metric), 'mean']:.3f}" for method in titles for metric in shown]
            lines.append(f"| {weight:g} | " + " | ".join(cells) + " |")
        lines.append("")
        off = table[(table["set"] == chosen) & (table["study"] == "guess")].set_index("metric")
        if len(off):
            means = ", ".join(
                f"{label} {off.loc[m, 'mean']:.3f} ± {off.loc[m + '_spread', 'mean']:.3f}" for m, label in shown.items()
            )
            lines += [
                f"From guesses that are off (mean ± spread within a patient, N = {int(off['n'].max())}): {means}.",
                "",
            ]
    return "\n".join(lines) + "\n"
