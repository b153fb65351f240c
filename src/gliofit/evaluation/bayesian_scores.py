"""Posteriors by the solver and by a surrogate, against the truth and against each other (Ezhov 2021, Table II)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gliofit.base.arrays import Array
from gliofit.inversion.fit import Fit

SEEN = 0.01
"""Densities are compared where either is above this."""

KINDS = {"solver": "The numerical solver", "surrogate": "The surrogate"}
"""What computes densities in a search, and its title."""

DEFINITIONS = {
    "origin_off": "Distance of the posterior's mean origin from the true one, mm.",
    "mu_D_off": "|μ_D − true μ_D| / true μ_D, of the posterior's mean.",
    "mu_rho_off": "|μ_ρ − true μ_ρ| / true μ_ρ, of the posterior's mean.",
    "inside_90": "Share of the true values inside the posterior's 90 % intervals.",
    "mae_truth": f"Mean |ĉ − c| where either is above {SEEN}, ĉ the solver's run with the most likely θ.",
    "mae_between": "The same between the most likely θ by the solver and that by the surrogate.",
}


def mean_difference(one: Array, two: Array) -> float:
    """Mean absolute difference of two densities [x, y, z] where either is seen."""
    seen = (one > SEEN) | (two > SEEN)
    return float(np.abs(one[seen].astype(np.float64) - two[seen]).mean()) if seen.any() else 0.0


def described(fit: Fit, truth: Mapping[str, float] | None) -> list[dict[str, Any]]:
    """
    A row for each parameter: truth, most likely value, mean, standard deviation and 90 % interval.

    Parameters
    ----------
    fit : Fit
        By a method that samples.
    truth : mapping of str → float, optional
    """
    assert fit.posterior is not None
    found = fit.posterior.summary()["parameters"]
    likely = fit.details["most_likely"]
    return [
        {
            "parameter": name,
            "truth": np.nan if truth is None else truth.get(name, np.nan),
            "most_likely": likely[name],
            **{key: about[key] for key in ("mean", "sd", "q05", "q95")},
        }
        for name, about in found.items()
    ]


def scores(fit: Fit, density: Array, truth: Mapping[str, float] | None, true_density: Array | None) -> dict[str, float]:
    """
    Scores of a posterior; those of a patient, whose truth nobody knows, are its costs alone.

    Parameters
    ----------
    fit : Fit
        By a method that samples.
    density : ndarray [x, y, z]
        The solver's run with the most likely θ.
    truth : mapping of str → float, optional
    true_density : ndarray [x, y, z], optional
    """
    found = {"runs": float(fit.evaluations), "cpu_seconds": float(fit.cpu_seconds or np.nan)}
    if truth is None or true_density is None:
        return found
    rows = {row["parameter"]: row for row in described(fit, truth)}
    away = [rows[name]["mean"] - rows[name]["truth"] for name in "xyz"]
    inside = [row["q05"] <= row["truth"] <= row["q95"] for row in rows.values() if np.isfinite(row["truth"])]
    found |= {f"{name}_off": abs(rows[name]["mean"] / rows[name]["truth"] - 1) for name in ("mu_D", "mu_rho")}
    return found | {
        "origin_off": float(np.linalg.norm(away)),
        "inside_90": float(np.mean(inside)),
        "mae_truth": mean_difference(density, true_density),
    }


def side_by_side(rows: pd.DataFrame, kinds: Sequence[str]) -> list[list[str]]:
    """
    Of each parameter of each case: truth, then most likely value and mean ± sd of each kind.

    Parameters
    ----------
    rows : DataFrame
        Those of `described`, with columns case and forward, a kind.
    kinds : sequence of str

    Returns
    -------
    list of rows of text
        The first is the head.
    """
    table = [["case", "parameter", "truth", *(f"{kind}: {what}" for kind in kinds for what in ("MAP", "mean ± sd"))]]
    for (case, parameter), group in rows.groupby(["case", "parameter"], sort=False):
        found = {row.forward: row for row in group.itertuples()}
        line = [case, parameter, _text(group["truth"].iloc[0])]
        for kind in kinds:
            row = found.get(kind)
            line += ["–", "–"] if row is None else [_text(row.most_likely), f"{_text(row.mean)} ± {_text(row.sd)}"]
        table.append(line)
    return table


def _text(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:.3g}"
