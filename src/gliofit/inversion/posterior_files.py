"""What a method that samples leaves of a patient beside its fit: samples, a summary in numbers and words, and maps."""

from __future__ import annotations

from pathlib import Path

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import write_json
from gliofit.base.nifti import save_volume
from gliofit.inversion.fit import Fit
from gliofit.inversion.identifiability import directions, in_words, labels_in_words
from gliofit.inversion.samples import save_samples
from gliofit.patients.prepared import Prepared

MAPS = ("mean", "sd", "above_0.01", "above_0.1", "above_0.5")
"""Volumes on the scan's own grid: the density's mean and standard deviation, and probabilities that it is exceeded."""


def write_posterior(folder: str | Path, fit: Fit, patient: Prepared, affine: Array) -> None:
    """
    Write samples.npz, posterior.json and `MAPS`.

    Parameters
    ----------
    folder : path
    fit : Fit
        With `posterior` and its maps.
    patient : Prepared
    affine : ndarray (4, 4)
        Of the working grid.

    Raises
    ------
    InputError
        If the fit has no samples or no maps.
    """
    if fit.posterior is None or fit.posterior.predicted is None:
        raise InputError(f"the fit by {fit.method} has no maps of a posterior: its setting predictive must not be 0")
    samples, maps, folder = fit.posterior, fit.posterior.predicted, Path(folder)
    save_samples(folder / "samples.npz", samples)
    found = directions(samples)
    words = in_words(found)
    if samples.labels is not None:
        words = [labels_in_words(samples.labels), *words]
    write_json(folder / "posterior.json", {**samples.summary(), "directions": found, "words": words})
    volumes = {"mean": maps.mean, "sd": maps.deviation} | {f"above_{k:g}": a for k, a in maps.above.items()}
    for name in MAPS:
        kind = {"mean": "density", "sd": "deviation"}.get(name, "fraction")
        save_volume(folder / f"{name}.nii.gz", patient.to_scan(volumes[name], affine), patient.affine, kind)
