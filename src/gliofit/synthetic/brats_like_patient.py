"""
Synthetic patients: tumours grown on a healthy anatomy and dressed up as BraTS cases, with their truth beside them.

Nothing about them is a scan of a person: the T1 is the template's, T1c and FLAIR are made from its tissue maps, and the
segmentation is cut from a simulated density. Their ids begin with "synthetic".
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofit.anatomy.anatomy import Anatomy
from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import write_text
from gliofit.base.grids import resample
from gliofit.base.nifti import save_volume
from gliofit.growth import simulate
from gliofit.growth.theta import Theta
from gliofit.observation.thresholds import SYNTHETIC_PATIENT
from gliofit.patients.labels import EDEMA, ENHANCING, NECROTIC
from gliofit.patients.sample_sheet import Patient
from gliofit.synthetic.prior import Prior, samples

PRIOR = Prior(mu_D=(8.0, 20.0), mu_rho=(2.0, 5.0), volume=(30.0, 120.0))
"""Tumours of the size that BraTS has most, diffuse enough to have edema about as large as their core."""

FILES = ("t1n", "t1c", "t2f", "seg")

CORE_SHARE = (0.25, 0.65)
DRAWS = 100
DRAWING_MM = 4.0
"""θ is drawn and accepted on a grid of this spacing, in seconds."""

FLAIR = {"wm": 0.45, "gm": 0.6, "csf": 0.1}
"""Intensity of healthy tissue, relative to white matter in T1."""

PARTS = {"necrotic": NECROTIC, "edema": EDEMA, "enhancing": ENHANCING}


def make_synthetic_patient(
    anatomy: Anatomy,
    folder: str | Path,
    theta: Theta | None = None,
    seed: int = 0,
    thresholds: tuple[float, float, float] = SYNTHETIC_PATIENT,
    spacing: float | None = 2.0,
    noise: float = 0.03,
    threads: int = 1,
) -> Patient:
    """
    Grow a tumour on an anatomy and write it as a BraTS-like case.

    Parameters
    ----------
    anatomy : Anatomy
    folder : path
        Of the case; its name is the patient's id and must begin with "synthetic". Gets t1n, t1c, t2f and seg.nii.gz,
        truth.nii.gz (the density) and at last truth.json (θ, thresholds, volumes).
    theta : Theta, optional
        Origin in mm of the anatomy's space; drawn by `draw_theta` with `seed` if not given.
    seed : int
        Of θ and of the scans' noise.
    thresholds : tuple of float
        Ascending densities at which edema, enhancing and necrotic core begin.
    spacing : float, optional
        Voxel edge of the scans, mm; the anatomy's own grid if None.
    noise : float
        Standard deviation of the scans' noise relative to white matter in T1.
    threads : int

    Raises
    ------
    InputError
        If the id or the thresholds are not fit, or the tumour has no visible part.
    """
    folder = Path(folder)
    if not folder.name.startswith("synthetic"):
        raise InputError(f"patient id '{folder.name}' of a synthetic patient must begin with 'synthetic'")
    if not 0 < thresholds[0] < thresholds[1] < thresholds[2] <= 1:
        raise InputError(f"thresholds {tuple(thresholds)} must ascend within 0 … 1")
    (folder / "truth.json").unlink(missing_ok=True)
    theta = theta or draw_theta(anatomy.tissue, seed, thresholds, threads)
    tissue = anatomy.tissue if spacing is None else anatomy.tissue.working_grid(spacing)
    density = simulate(tissue, theta, threads=threads)
    t1 = anatomy.t1.data if spacing is None else _resampled(anatomy, tissue)
    labels = np.where(t1 > 0, segment(density, thresholds), 0).astype(np.uint8)
    if not labels.any():
        raise InputError(f"synthetic patient {folder.name}: the tumour reaches no visible density; choose another θ")
    images = scans(tissue, t1, density, labels, thresholds, noise, np.random.default_rng([seed, 1]))
    for name, data in {**images, "seg": labels, "truth": density}.items():
        save_volume(folder / f"{name}.nii.gz", data, tissue.affine)
    millilitres = float(np.prod(tissue.spacing)) / 1000
    truth = {
        "synthetic": True,
        "theta": theta.to_dict(),
        "thresholds": dict(zip(("edema", "enhancing", "necrotic"), thresholds, strict=True)),
        "seed": seed,
        "spacing": float(tissue.spacing[0]),
        "whole_ml": float((labels > 0).sum()) * millilitres,
        "core_ml": float(np.isin(labels, (NECROTIC, ENHANCING)).sum()) * millilitres,
    }
    write_text(folder / "truth.json", json.dumps(truth, indent=1) + "\n")
    paths = [folder / f"{name}.nii.gz" for name in FILES]
    return Patient(folder.name, t1=paths[0], t1c=paths[1], flair=paths[2], seg=paths[3])


def draw_theta(
    tissue: Tissue, seed: int, thresholds: tuple[float, float, float] = SYNTHETIC_PATIENT, threads: int = 1
) -> Theta:
    """θ from `PRIOR` on this anatomy, with a tumour core that takes 25–65 % of the whole tumour."""
    for sample in samples(tissue.working_grid(DRAWING_MM), PRIOR, DRAWS, seed, threads=threads):
        whole, core = (np.count_nonzero(sample.density >= t) for t in thresholds[:2])
        if CORE_SHARE[0] * whole <= core <= CORE_SHARE[1] * whole:
            return sample.theta
    raise InputError(f"none of {DRAWS} tumours has a core and an edema at the thresholds {tuple(thresholds)}")


def segment(density: Array, thresholds: tuple[float, float, float] = SYNTHETIC_PATIENT) -> Array:
    """Labels of a density [x, y, z]: 1 necrotic core, 2 edema, 3 enhancing core; uint8."""
    steps = [density >= t for t in thresholds]
    return np.select(steps[::-1], [NECROTIC, ENHANCING, EDEMA], 0).astype(np.uint8)


def scans(
    tissue: Tissue,
    t1: Array,
    density: Array,
    labels: Array,
    thresholds: tuple[float, float, float],
    noise: float,
    rng: np.random.Generator,
) -> dict[str, Array]:
    """
    T1, T1c and FLAIR of a tumour, float32 [x, y, z], white matter near 500, exactly 0 outside the brain.

    T1: the tumour is dark where it is dense. T1c: its enhancing part is bright. FLAIR: edema and core are bright.
    """
    brain = t1 > 0
    wm = np.median(t1[tissue.wm > 0.8])
    soft = {name: ndimage.gaussian_filter((labels == label).astype(np.float32), 0.5) for name, label in PARTS.items()}
    t1n = t1 / wm * (1 - 0.15 * soft["edema"] - 0.3 * soft["enhancing"] - 0.5 * soft["necrotic"])
    t1c = t1n + 0.9 * soft["enhancing"]
    healthy = sum(level * getattr(tissue, name) for name, level in FLAIR.items())
    visible = np.clip((density - thresholds[0]) / (thresholds[1] - thresholds[0]), 0, 1) * (labels > 0)
    t2f = healthy + soft["edema"] * (0.4 + 0.2 * visible) + 0.4 * soft["enhancing"] + 0.1 * soft["necrotic"]
    out = {}
    for name, image in (("t1n", t1n), ("t1c", t1c), ("t2f", t2f)):
        noisy = 500 * (image + noise * rng.standard_normal(image.shape))
        out[name] = np.where(brain, np.clip(noisy, 1, None), 0).astype(np.float32)
    return out


def _resampled(anatomy: Anatomy, tissue: Tissue) -> Array:
    """The T1 on the tissue's grid, 0 outside the brain."""
    t1 = resample(anatomy.t1.data, anatomy.t1.affine, tissue.shape, tissue.affine)
    brain = resample((anatomy.t1.data > 0).astype(np.float32), anatomy.t1.affine, tissue.shape, tissue.affine)
    return np.where(brain >= 0.5, t1, 0)
