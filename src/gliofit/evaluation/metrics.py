"""
How well a fit reproduces the truth: the paper's metrics, independent of the grid they are computed on.

Weidner 2026 averages over the voxels of one 240×240×155 volume at 1 mm. A mean over voxels depends on how much
background a grid holds, so here every sum over voxels is an integral in mm³ and every mean divides by the paper's
volume, `PAPER_VOLUME_MM3`. On the paper's own grid this is its mean over voxels exactly; on any other grid it is what
the field would give when embedded in that volume. Fields count as zero outside tissue (p_WM + p_GM < 0.1).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file
from gliofit.base.overlap import dice
from gliofit.growth.theta import Theta
from gliofit.inversion.fit import Fit
from gliofit.observation.thresholds import VISIBLE

PAPER_IMAGE_MM = (240.0, 240.0, 155.0)
"""Extent (right–left, anterior–posterior, inferior–superior) of the paper's image, whose fractions measure origins."""

PAPER_VOLUME_MM3 = 240.0 * 240.0 * 155.0
"""The volume that means are taken over."""

ITERATIONS = (5, 10)
"""After which the losses of searches are kept, to compare how fast they are."""

COLUMNS = ("case", "set", "method", "metric", "value")
"""Columns of results/metrics.csv; sets are sri24 (test cases), mni152 (unseen anatomy) and patients."""

DEFINITIONS = {
    "mse": "∫(ĉ − c)² dx / V, with V = 240·240·155 mm³, the volume the paper averages over.",
    "mae": "∫|ĉ − c| dx / V.",
    "mse_norm": "MSE divided by the reference tumour's volume ∫c dx in mm³ (no threshold).",
    "mae_norm": "MAE divided by the reference tumour's volume ∫c dx in mm³ (no threshold).",
    "ncc": "Pearson correlation of ĉ and c over V (means removed); undefined, and left out, if a field is constant.",
    "minutes": "Wall time of the search, loading of networks included, without the final solver run "
    "(a hybrid's includes the solver runs by which it chooses).",
    "dice": f"Dice overlap of ĉ > {VISIBLE} and c > {VISIBLE}.",
    "growth_mse": "((μ̂_ρ − μ_ρ) / μ_ρ)².",
    "growth_mae": "|μ̂_ρ − μ_ρ| / μ_ρ.",
    "diffusion_mse": "((μ̂_D − μ_D) / μ_D)².",
    "diffusion_mae": "|μ̂_D − μ_D| / μ_D.",
    "origin_mse": "‖Δ‖², with Δ the origin's error in fractions of the paper's image (240, 240, 155 mm per axis).",
    "origin_mae": "‖Δ‖, with Δ the origin's error in fractions of the paper's image (240, 240, 155 mm per axis).",
}
"""What each number is, as printed in the report."""


def _inside(predicted: Array, truth: Array, tissue: Tissue) -> tuple[Array, Array, float]:
    """Both fields within tissue as float64 vectors, and the volume of a voxel in mm³."""
    fields = []
    for name, field in (("predicted", predicted), ("reference", truth)):
        if np.shape(field) != tissue.shape:
            raise InputError(f"the {name} density has shape {np.shape(field)}, the tissue {tissue.shape}")
        inside = np.asarray(field)[tissue.mask].astype(np.float64)
        if not np.isfinite(inside).all():
            raise InputError(f"the {name} density holds values that are not finite")
        fields.append(inside)
    return fields[0], fields[1], float(np.prod(tissue.spacing))


def mse(predicted: Array, truth: Array, tissue: Tissue, volume: float = PAPER_VOLUME_MM3) -> float:
    """
    Mean squared error.

    Parameters
    ----------
    predicted, truth : ndarray [x, y, z]
        Densities on the tissue's grid.
    tissue : Tissue
        Fields count as zero outside `tissue.mask`.
    volume : float
        mm³ that the mean is taken over. For an error over a network's crop, as in the paper's Sec. 3.1, pass the
        crop's volume.
    """
    p, c, voxel = _inside(predicted, truth, tissue)
    return float(np.sum((p - c) ** 2)) * voxel / volume


def mae(predicted: Array, truth: Array, tissue: Tissue, volume: float = PAPER_VOLUME_MM3) -> float:
    """Mean absolute error; parameters as for `mse`."""
    p, c, voxel = _inside(predicted, truth, tissue)
    return float(np.sum(np.abs(p - c))) * voxel / volume


def tumour_volume(density: Array, tissue: Tissue) -> float:
    """∫c dx within tissue, mm³, without a threshold, of a density [x, y, z] on the tissue's grid."""
    return float(np.sum(density[tissue.mask], dtype=np.float64)) * float(np.prod(tissue.spacing))


def _per_volume(error: float, truth: Array, tissue: Tissue) -> float:
    size = tumour_volume(truth, tissue)
    return error / size if size > 0 else float("nan")


def mse_norm(predicted: Array, truth: Array, tissue: Tissue, volume: float = PAPER_VOLUME_MM3) -> float:
    """`mse` divided by the reference tumour's volume in mm³; NaN if the reference is empty. Parameters as for `mse`."""
    return _per_volume(mse(predicted, truth, tissue, volume), truth, tissue)


def mae_norm(predicted: Array, truth: Array, tissue: Tissue, volume: float = PAPER_VOLUME_MM3) -> float:
    """`mae` divided by the reference tumour's volume in mm³; NaN if the reference is empty. Parameters as for `mse`."""
    return _per_volume(mae(predicted, truth, tissue, volume), truth, tissue)


def ncc(predicted: Array, truth: Array, tissue: Tissue, volume: float = PAPER_VOLUME_MM3) -> float:
    """
    Normalised cross-correlation: zero-mean Pearson correlation over all of `volume`, background included.

    Parameters
    ----------
    predicted, truth, tissue, volume
        As for `mse`.

    Returns
    -------
    float
        In [−1, 1]; NaN where it is undefined, that is if either field is constant (an empty prediction, say). Tables
        leave such cases out of the mean and print the smaller N.
    """
    p, c, voxel = _inside(predicted, truth, tissue)
    n = volume / voxel  # voxels of this size that fill the volume; those not given are zero
    p_mean, c_mean = p.sum() / n, c.sum() / n

    def covariance(a: Array, a_mean: float, b: Array, b_mean: float) -> float:
        return float((a - a_mean) @ (b - b_mean)) + (n - a.size) * a_mean * b_mean

    spreads = [np.sqrt(max(covariance(f, m, f, m), 0.0)) for f, m in ((p, p_mean), (c, c_mean))]
    constant = [s <= 1e-9 * np.sqrt(n) * np.abs(f).max(initial=0) for s, f in zip(spreads, (p, c), strict=True)]
    return float("nan") if any(constant) else float(covariance(p, p_mean, c, c_mean) / spreads[0] / spreads[1])


def parameter_errors(theta: Theta, truth: Theta) -> dict[str, float]:
    """
    Errors of θ̂ as in the paper's Table 1.

    Growth (μ_ρ) and diffusion (μ_D) errors are relative to the true value. The origin's error is measured per axis in
    fractions of the paper's image (`PAPER_IMAGE_MM`; world axes, which its images share up to sign), then ‖Δ‖² and
    ‖Δ‖.

    Parameters
    ----------
    theta, truth : Theta
        Found and true; origins in mm of one space.

    Returns
    -------
    dict
        growth_mse, growth_mae, diffusion_mse, diffusion_mae, origin_mse, origin_mae. NaN where the true value is 0.
    """
    errors = {}
    for name, found, true in (("growth", theta.mu_rho, truth.mu_rho), ("diffusion", theta.mu_D, truth.mu_D)):
        relative = abs(found - true) / true if true > 0 else float("nan")
        errors[f"{name}_mse"], errors[f"{name}_mae"] = relative**2, relative
    shift = float(np.linalg.norm((np.array(theta.origin) - np.array(truth.origin)) / PAPER_IMAGE_MM))
    return errors | {"origin_mse": shift**2, "origin_mae": shift}


def evaluate_fit(
    density: Array,
    truth: Array,
    tissue: Tissue,
    *,
    theta: Theta | None = None,
    true_theta: Theta | None = None,
    seconds: float | None = None,
) -> dict[str, float]:
    """
    All metrics of one fit.

    Parameters
    ----------
    density : ndarray [x, y, z]
        The numerical solver's density at θ̂ (a surrogate's own output would hide its error), or a method's own result.
    truth : ndarray [x, y, z]
        Reference density on the same grid.
    tissue : Tissue
    theta, true_theta : Theta, optional
        With both, the errors of Table 1 are added. With `true_theta`, also true_mu_D (mm) and true_mu_rho, the axes of
        Figure 5.
    seconds : float, optional
        Wall time of the search; reported as minutes.

    Returns
    -------
    dict of str → float
        mse, mae, mse_norm, mae_norm, ncc, dice, true_volume (ml), and as above.
    """
    inside = tissue.mask
    result = {f.__name__: f(density, truth, tissue) for f in (mse, mae, mse_norm, mae_norm, ncc)}
    result["dice"] = dice(inside & (density > VISIBLE), inside & (truth > VISIBLE))
    result["true_volume"] = tumour_volume(truth, tissue) / 1000.0
    if true_theta is not None:
        result |= {"true_mu_D": true_theta.mu_D, "true_mu_rho": true_theta.mu_rho}
        if theta is not None:
            result |= parameter_errors(theta, true_theta)
    if seconds is not None:
        result["minutes"] = seconds / 60.0
    return result


def search_metrics(fit: Fit) -> dict[str, float]:
    """
    How a search went, as far as a fit tells.

    Parameters
    ----------
    fit : Fit
        As in `results/cases`.

    Returns
    -------
    dict
        `cpu_seconds`; `loss_after_N`, the lowest of the method's own losses in its first N iterations; `corrected`, the
        solver's loss over what it was before the surrogate's error was taken off (`hybrid`).
    """
    found = {} if fit.cpu_seconds is None else {"cpu_seconds": fit.cpu_seconds}
    history = fit.history[: fit.comparable]
    found |= {f"loss_after_{n}": min(history[: n + 1]) for n in ITERATIONS if history}
    if fit.uncorrected_loss:
        found["corrected"] = fit.loss / fit.uncorrected_loss
    return found


def tidy(case: str, cases: str, method: str, values: dict[str, float]) -> pd.DataFrame:
    """Rows of results/metrics.csv for one fit: case, the set it belongs to, method, metric, value."""
    return pd.DataFrame([(case, cases, method, name, float(value)) for name, value in values.items()], columns=COLUMNS)


def read_metrics(table: str | Path | pd.DataFrame) -> pd.DataFrame:
    """
    The tidy per-case table, checked.

    Raises
    ------
    InputError
        If columns are missing, or if one case has two values of one metric by one method.
    """
    name = "the metrics"
    if isinstance(table, pd.DataFrame):
        frame = table
    else:
        name = str(table)
        if not Path(table).is_file():
            raise InputError(f"{table}: {no_such_file(table)}")
        frame = pd.read_csv(table, dtype={"case": str, "set": str, "method": str, "metric": str})
    missing = [column for column in COLUMNS if column not in frame]
    if missing:
        raise InputError(f"{name}: column {', '.join(missing)} is missing")
    twice = frame.duplicated(["case", "set", "method", "metric"])
    if twice.any():
        case, _, method, metric = frame.loc[twice, ["case", "set", "method", "metric"]].iloc[0]
        raise InputError(f"{name}: {metric} of {method} on case {case} occurs twice")
    return frame
