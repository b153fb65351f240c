"""Samples of a posterior: what a fit carries, and their file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file, whole_file


@dataclass(frozen=True, eq=False)
class Predicted:
    """
    Of some samples, by the numerical solver on the whole grid.

    Parameters
    ----------
    mean, deviation : ndarray [x, y, z], float32
    above : dict of float → ndarray [x, y, z], float32
        Probability that the density exceeds 0.01, 0.1 and 0.5.
    volumes : dict of str → ndarray [K]
        Of each sample, ml: "visible_ml", c above the whole tumour's threshold; "infiltrated_ml", c above 0.01 more than
        15 mm from the core that was seen.
    """

    mean: Array
    deviation: Array
    above: dict[float, Array]
    volumes: dict[str, Array]


class Labels(NamedTuple):
    """
    What the labels of the outlines were taken for.

    Parameters
    ----------
    power : float
        Of their likelihood: one over the number of labels that count as one.
    errors_mm : float
        Distance over which they err together; NaN if it was not measured.
    voxel_mm : float
        Spacing of those that are counted.
    """

    power: float = 1.0
    errors_mm: float = float("nan")
    voxel_mm: float = float("nan")


@dataclass(frozen=True, eq=False)
class Samples:
    """
    A posterior by samples.

    Parameters
    ----------
    names : tuple of str
        Of the columns of `values`: values of the growth model, extras, noise.
    values : ndarray [M, n]
    unknowns : dict of str → ndarray [M]
        What was sampled, by name; in the unified set the columns of `values`.
    weights : ndarray [M]
        Add up to 1.
    log_likelihood : ndarray [M]
    errors : ndarray [n]
        Monte Carlo standard error of the means of `values`.
    effective : ndarray [n]
        Independent samples that would have these errors.
    log_evidence, log_evidence_error : float
    stages : list of dict
        Power, variation of the weights, share accepted, runs and seconds of each stage.
    prior : dict of str → (float, float, bool)
        Range of each of `unknowns`, and whether the prior is flat in its logarithm.
    volumes : dict of str → ndarray [K]
        Of K samples (`gliofit.inversion.posterior.predictive`).
    predicted : Predicted, optional
        Maps on the grid of the fit; not in the file.
    labels : Labels, optional
        None without outlines.
    """

    names: tuple[str, ...]
    values: Array
    unknowns: dict[str, Array]
    weights: Array
    log_likelihood: Array
    errors: Array
    effective: Array
    log_evidence: float
    log_evidence_error: float
    stages: list[dict[str, float]]
    prior: dict[str, tuple[float, float, bool]]
    volumes: dict[str, Array]
    predicted: Predicted | None = None
    labels: Labels | None = None

    @property
    def mean(self) -> Array:
        """(n,)"""
        return self.weights @ self.values

    @property
    def covariance(self) -> Array:
        """(n, n)"""
        return np.cov(self.values.T, aweights=self.weights).reshape(len(self.names), -1)

    def intervals(self, share: float = 0.9) -> dict[str, tuple[float, float]]:
        """Equal-tailed credible intervals by name, of values, unknowns and volumes."""
        every = dict(zip(self.names, self.values.T, strict=True)) | self.unknowns | self.volumes
        tails = (1 - share) / 2, (1 + share) / 2
        return {name: (float(low), float(high)) for name, a in every.items() for low, high in [np.quantile(a, tails)]}

    @property
    def correlations(self) -> Array:
        """Of `values` [n, n]; 0 with what does not vary."""
        covariance = self.covariance
        deviation = np.sqrt(np.diag(covariance))
        scale = np.outer(deviation, deviation)
        return np.divide(covariance, scale, out=np.eye(len(scale)), where=scale > 0)

    def arviz(self) -> dict[str, dict[str, Array]]:
        """As `arviz.from_dict` takes it: arrays [1 chain, M draws] by name."""
        return {
            "posterior": {name: column[None] for name, column in zip(self.names, self.values.T, strict=True)},
            "sample_stats": {"lp": self.log_likelihood[None], "weight": self.weights[None]},
        }

    def summary(self) -> dict[str, Any]:
        """What to say of it, JSON-ready: means, deviations, 90 % intervals, correlations, diagnostics."""
        deviation = np.sqrt(np.diag(self.covariance))
        intervals = self.intervals(0.9)
        return {
            "parameters": {
                name: {
                    "mean": float(m),
                    "sd": float(s),
                    "q05": intervals[name][0],
                    "q95": intervals[name][1],
                    "error_of_mean": float(e),
                    "effective": float(n),
                }
                for name, m, s, e, n in zip(self.names, self.mean, deviation, self.errors, self.effective, strict=True)
            },
            "unknowns": {name: _described(a) for name, a in self.unknowns.items() if name not in self.names},
            "volumes": {name: _described(a) for name, a in self.volumes.items()},
            "names": list(self.names),
            "correlations": self.correlations.tolist(),
            "log_evidence": self.log_evidence,
            "log_evidence_error": self.log_evidence_error,
            "samples": len(self.values),
            "stages": self.stages,
        }


def _described(a: Array) -> dict[str, float]:
    low, high = np.quantile(a, (0.05, 0.95))
    return {"mean": float(a.mean()), "sd": float(a.std()), "q05": float(low), "q95": float(high)}


def save_samples(path: str | Path, samples: Samples) -> None:
    """Write an npz: `names`, `samples` [M, n], `weights`, `log_likelihood`, unknowns and volumes by name."""
    arrays: dict[str, Any] = {
        "names": np.array(samples.names),
        "samples": samples.values,
        "weights": samples.weights,
        "log_likelihood": samples.log_likelihood,
        "errors": samples.errors,
        "effective": samples.effective,
        "log_evidence": np.array([samples.log_evidence, samples.log_evidence_error]),
        "stages": np.array(json.dumps(samples.stages)),
        "prior": np.array(json.dumps(samples.prior)),
    }
    if samples.labels is not None:
        arrays["labels"] = np.array(samples.labels)
    arrays |= {f"unknown.{name}": a for name, a in samples.unknowns.items()}
    arrays |= {f"volume.{name}": a for name, a in samples.volumes.items()}
    with whole_file(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load_samples(path: str | Path) -> Samples:
    """
    Read what `save_samples` wrote.

    Raises
    ------
    InputError
        If there is no such file, or it is no file of samples.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: {no_such_file(path)}")
    try:
        with np.load(path) as found:
            groups = {
                kind: {name[len(kind) + 1 :]: found[name] for name in found.files if name.startswith(f"{kind}.")}
                for kind in ("unknown", "volume")
            }
            return Samples(
                tuple(found["names"].tolist()),
                found["samples"],
                groups["unknown"],
                found["weights"],
                found["log_likelihood"],
                found["errors"],
                found["effective"],
                float(found["log_evidence"][0]),
                float(found["log_evidence"][1]),
                json.loads(str(found["stages"])),
                {name: (u[0], u[1], u[2]) for name, u in json.loads(str(found["prior"])).items()},
                groups["volume"],
                labels=Labels(*found["labels"].tolist()) if "labels" in found.files else None,
            )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        raise InputError(f"{path}: is no file of posterior samples, or is damaged") from None
