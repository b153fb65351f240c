"""
GliODIL's synthetic patients (Sec. 4.7, Table 1): tumours of one or of three foci whose true density is known.

Ground truth is grown on the atlas at 1 mm by the solver, from one seed or several superposed ones, with a ratio R of
diffusivities that the fit does not know; thresholds cut it into a segmentation, and a noisy, coarse FET-PET with a
hole where it is necrotic is made of it. Fits therefore meet wrong physics (R, the number of foci), noise and another
grid, as they do in patients.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numba
import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import read_json, write_json
from gliofit.base.nifti import load_volume, save_volume
from gliofit.growth import simulate
from gliofit.growth.seed import initial_density
from gliofit.growth.theta import Theta
from gliofit.observation.thresholds import GLIODIL_DRAWN
from gliofit.patients.labels import EDEMA, ENHANCING, NECROTIC
from gliofit.patients.prepared import Prepared
from gliofit.synthetic.brats_like_patient import segment
from gliofit.synthetic.recurrence import grow_back, kind_of

RANGES = {
    "diffusivity": (0.035, 0.2),
    "growth_rate": (0.035, 0.2),
    "ratio": (10.0, 30.0),
    **GLIODIL_DRAWN,
}
"""Uniform distributions of D_w (mm²/day), ρ (1/day), R = D_w/D_g and the three thresholds (Table 1)."""

DAYS = 100.0
BOX_MM, CENTRE = 192.0, (0.3, 0.5)
"""The first focus lies within these fractions of a cube around the brain (Table 1: 57.6–96 of 192 mm)."""

FOCUS_MM = 9.6
"""Each further focus lies within this of the one before, along each axis."""

DRAWS = 100
"""How many places of the foci, and how many tumours until one is visible, are tried."""

FOCI = {"single": 1, "multi": 3}

GIBBS_SWEEPS, GIBBS_SIGMA = 3, 0.005
PET_SCALE, PET_MM, PET_BASELINE = 0.75, 4.0, 0.9
"""FET-PET: gain, resolution, and the share of its mean that is taken off as background."""


@dataclass(frozen=True)
class Truth:
    """What a synthetic patient was made with; units as in `RANGES`, `foci` in mm of the tissue's space."""

    diffusivity: float
    growth_rate: float
    ratio: float
    necrotic: float
    enhancing: float
    edema: float
    foci: tuple[tuple[float, float, float], ...]

    @property
    def thresholds(self) -> tuple[float, float, float]:
        """Density at which edema, enhancing and necrotic core begin."""
        return self.edema, self.enhancing, self.necrotic


def draw(tissue: Tissue, foci: int, rng: np.random.Generator) -> Truth:
    """Draw a patient from Table 1 whose foci all lie in tissue; InputError if there is no place for them."""
    values = {name: float(rng.uniform(*limits)) for name, limits in RANGES.items()}
    inside = np.argwhere(tissue.brain)
    middle = tissue.to_world((inside.min(0) + inside.max(0)) / 2)
    for _ in range(DRAWS):
        steps = rng.uniform(-FOCUS_MM, FOCUS_MM, (foci, 3))
        steps[0] = middle + BOX_MM * (rng.uniform(*CENTRE, 3) - 0.5)
        points = steps.cumsum(axis=0)
        index = np.round(tissue.to_voxel(points)).astype(int)
        if np.all((index >= 0) & (index < tissue.shape)) and tissue.mask[tuple(index.T)].all():
            return Truth(**values, foci=tuple(map(tuple, points.tolist())))
    raise InputError("found no place in tissue for the foci of a synthetic patient")


def grow(tissue: Tissue, truth: Truth, threads: int = 1) -> Array:
    """True density [x, y, z], float32, at `DAYS`: the foci's seeds, superposed (at most 1), grow together."""
    initial = np.zeros(tissue.shape)
    for focus in truth.foci:
        corner, seed, _ = initial_density(tissue, focus)
        initial[tuple(slice(c, c + n) for c, n in zip(corner, seed.shape, strict=True))] += seed
    theta = Theta.from_physical(truth.foci[0], truth.diffusivity, truth.growth_rate, DAYS)
    return simulate(tissue, theta, ratio=truth.ratio, initial=np.minimum(initial, 1), threads=threads)


def fet_pet(density: Array, necrotic: float, tissue: Tissue, rng: np.random.Generator) -> Array:
    """
    FET-PET of a density: correlated noise, no uptake in necrosis, a resolution of 4 mm, background taken off.

    Parameters
    ----------
    density : ndarray [x, y, z]
    necrotic : float
        Density from which there is no uptake.
    tissue : Tissue
        On the same grid; outside its mask there is no uptake.

    Returns
    -------
    ndarray [x, y, z], float32
        In [0, 1], its maximum 1.
    """
    noise = rng.random(density.shape)
    for _ in range(GIBBS_SWEEPS):
        _gibbs_sweep(noise, GIBBS_SIGMA * rng.standard_normal(density.shape))
    uptake = density + noise
    uptake *= PET_SCALE / uptake.max()
    uptake[density >= necrotic] = 0
    step = np.maximum(np.round(PET_MM / tissue.spacing), 1).astype(int)
    coarse = uptake[:: step[0], :: step[1], :: step[2]]
    affine = tissue.affine.copy()
    affine[:3, :3] = affine[:3, :3] * step
    uptake = grids.resample(coarse, affine, tissue.shape, tissue.affine)
    uptake = np.where(tissue.mask, np.clip(uptake - PET_BASELINE * uptake.mean(), 0, None), 0)
    return (uptake / uptake.max()).astype(np.float32)


def make_patient(tissue: Tissue, folder: str | Path, kind: str, seed: int, threads: int = 1) -> None:
    """
    Make one patient.

    Parameters
    ----------
    tissue : Tissue
        The atlas at 1 mm.
    folder : path
        Gets seg, fet, recurrence and truth.nii.gz (the density), all on the tissue's grid, and at last truth.json.
    kind : "single" or "multi"
    seed : int
    """
    folder, rng = Path(folder), np.random.default_rng([seed, FOCI[kind]])
    (folder / "truth.json").unlink(missing_ok=True)
    for _ in range(DRAWS):
        truth = draw(tissue, FOCI[kind], rng)
        density = grow(tissue, truth, threads)
        labels = segment(density, truth.thresholds)
        if {EDEMA, ENHANCING} <= set(np.unique(labels)):
            break
    else:
        raise InputError(f"{folder}: none of {DRAWS} synthetic tumours has an enhancing core and edema")
    volumes = {"seg": labels, "fet": fet_pet(density, truth.necrotic, tissue, rng), "truth": density}
    growth, later = (truth.diffusivity, truth.growth_rate, truth.ratio), np.random.default_rng([seed, FOCI[kind], 1])
    again = grow_back(density, labels, tissue, growth, truth.thresholds, kind_of(seed), later, threads)
    for name, data in (volumes | {"recurrence": again.labels}).items():
        save_volume(folder / f"{name}.nii.gz", data, tissue.affine)
    about = {"synthetic": True, "seed": seed, "days": DAYS, **asdict(truth), "recurrence": again.about()}
    write_json(folder / "truth.json", about)


def load_patient(folder: str | Path, tissue: Tissue) -> tuple[Prepared, Array]:
    """A patient as the pipeline has real ones, with the atlas as it is for tissue, and the true density [x, y, z]."""
    folder = Path(folder)
    labels, truth = (load_volume(folder / f"{name}.nii.gz") for name in ("seg", "truth"))
    if labels.shape != tissue.shape or not np.allclose(labels.affine, tissue.affine, atol=1e-3):
        raise InputError(f"{folder / 'seg.nii.gz'}: not on the grid of the tissue")
    seg = labels.data.astype(np.uint8)
    row = {"id": folder.name, "labels": "brats2024"}
    row |= {name: str(folder / f"{name}.nii.gz") for name in ("seg", "fet", "recurrence")}
    report = {"patient": row, "truth": read_json(folder / "truth.json")}
    core = np.isin(seg, (NECROTIC, ENHANCING))
    return Prepared(tissue, seg, core, seg > 0, tissue.brain, report), truth.data


@numba.njit(cache=True)
def _gibbs_sweep(field, noise):
    """Each voxel in turn becomes the mean of its 3³ neighbourhood, itself included, plus noise; in place."""
    nx, ny, nz = field.shape
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                total, count = 0.0, 0
                for x in range(max(i - 1, 0), min(i + 2, nx)):
                    for y in range(max(j - 1, 0), min(j + 2, ny)):
                        for z in range(max(k - 1, 0), min(k + 2, nz)):
                            total += field[x, y, z]
                            count += 1
                field[i, j, k] = total / count + noise[i, j, k]
