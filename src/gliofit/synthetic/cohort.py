"""
A cohort without patients: simulated tumours whose outlines are as bad as those of real segmentations.

Two thresholds cut a density of `cohort_truth` into core and whole tumour, whose outlines are then made rough
(`rough_outlines`); some scans end in mid-tumour, as a field of view does. Fits are given the undeformed atlas. What was
drawn, and how it compares with real segmentations: docs/cohort.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import read_json, write_json
from gliofit.base.nifti import load_volume, save_volume
from gliofit.growth import growth_model
from gliofit.observation.thresholds import FITTED
from gliofit.patients.labels import EDEMA, ENHANCING
from gliofit.patients.preparation import fill
from gliofit.patients.prepared import Prepared
from gliofit.synthetic.cohort_truth import CORE_RANGE, OTHER_TENSOR, SHARE_RANGE, draw, head_of
from gliofit.synthetic.prior import Prior, samples
from gliofit.synthetic.rough_outlines import CORE, WHOLE, Roughness, rough
from gliofit.synthetic.turned_head import Truth, TurnedHead

CUT, CUT_SHARE = 0.1, (0.05, 0.3)
"""Share of the patients whose field of view ends in the tumour, and which share of it that takes."""

FINEST_MM = 1.0
"""No truth is grown on a finer grid: half a millimetre would take minutes a tumour."""

DRAWS = 100
"""Rough outlines that are tried until one has a core."""


def outlines(
    density: Array,
    truth: Truth,
    tissue: Tissue,
    rng: np.random.Generator,
    roughness: tuple[Roughness, Roughness] = (CORE, WHOLE),
) -> tuple[Array, Array]:
    """Rough outlines (core, whole) of a density [x, y, z] in a head, bool; the core may be empty."""
    core, whole = (density > t for t in (truth.threshold_core, truth.threshold_whole))
    if not core.any():
        return core, whole
    core = rough(core, tissue, roughness[0], rng)
    return core, rough(whole, tissue, roughness[1], rng) | core


def make_patient(
    atlas: Tissue,
    folder: str | Path,
    seed: int,
    spacing: float,
    foci: int | None = None,
    threads: int = 1,
    other_tensor: float = OTHER_TENSOR,
    gamma: float = 0.0,
) -> None:
    """
    Make one patient.

    Parameters
    ----------
    atlas : Tissue
    folder : path
        Gets seg.nii.gz, truth.nii.gz (the density), brain.nii.gz (the field of view's), all on the atlas's working grid
        of `scan_spacing`, and at last truth.json.
    seed : int
    spacing : float
        Of the grid that fits work on, mm.
    foci : int, optional
        How many; drawn if not given.
    threads : int
    other_tensor : float
        Probability that cells spread otherwise than fits assume.
    gamma : float
        kPa; how hard the tumour pushes (growth model "mass_effect"): of one focus, cells that spread as fits assume.

    Raises
    ------
    InputError
        If no tumour of the volumes that were drawn is found, or none of its rough outlines has a core.
    """
    folder, rng = Path(folder), np.random.default_rng([seed, 2])
    (folder / "truth.json").unlink(missing_ok=True)
    truth = draw(atlas, seed, foci, threads, other_tensor)
    head = head_of(atlas.working_grid(scan_spacing(spacing)), seed)
    if gamma and (len(truth.foci) > 1 or truth.other_tensor):
        raise InputError(f"{folder}: a tumour that pushes (gamma = {gamma:g} kPa) has one focus and no other tensor")
    if gamma:
        values = np.array([*truth.foci[0], truth.mu_D, truth.mu_rho, gamma])
        density = growth_model("mass_effect").simulate(head, values, threads=threads)
    else:
        turned = TurnedHead.of(head, truth, scan_spacing(spacing))
        density = grids.resample(turned.grow(truth, threads), turned.affine, head.shape, head.affine)
    density = np.where(head.mask, np.clip(density, 0, 1), 0)
    millilitres = float(np.prod(head.spacing)) / 1000
    for _ in range(DRAWS):
        core, whole = outlines(density, truth, head, rng)
        cut = field_of_view(whole, rng)
        seen = [np.count_nonzero(part & cut) * millilitres for part in (core, whole)]
        if seen[0] >= CORE_RANGE[0] and SHARE_RANGE[0] <= seen[0] / seen[1] <= SHARE_RANGE[1]:
            break
    else:
        raise InputError(f"{folder}: none of {DRAWS} rough outlines has a core")
    labels = np.where(cut, np.select([core, whole], [ENHANCING, EDEMA], 0), 0)
    volumes = {"seg": labels.astype(np.uint8), "truth": density, "brain": (head.brain & cut).astype(np.uint8)}
    for name, data in volumes.items():
        save_volume(folder / f"{name}.nii.gz", data, head.affine)
    about = {"synthetic": True, "seed": seed, "cut": not cut.all(), "gamma": gamma, **asdict(truth)}
    write_json(folder / "truth.json", about)


def load_patient(folder: str | Path, atlas: Tissue) -> tuple[Prepared, Array, Truth]:
    """A patient as the pipeline has real ones, on the undeformed atlas; its true density [x, y, z]; its truth."""
    folder = Path(folder)
    about = read_json(folder / "truth.json")
    labels, density, brain = (load_volume(folder / f"{name}.nii.gz") for name in ("seg", "truth", "brain"))
    tissue = atlas.resample_to(labels.shape, labels.affine)
    seg, inside = labels.data.astype(np.uint8), brain.data > 0
    core, whole = seg == ENHANCING, seg > 0
    wm, gm, csf = fill([tissue.wm, tissue.gm, tissue.csf], inside, whole, core)
    report = {"patient": {"id": folder.name, "seg": str(folder / "seg.nii.gz")}, "tissue": "atlas", "truth": about}
    known = {field.name: _tuples(about[field.name]) for field in fields(Truth)}
    return Prepared(Tissue(wm, gm, csf, labels.affine), seg, core, whole, inside, report), density.data, Truth(**known)


def plain_outlines(
    tissue: Tissue, prior: Prior, count: int, seed: int, threads: int = 1
) -> Iterator[tuple[Array, Array]]:
    """Outlines (core, whole), bool [x, y, z], of the prior's tumours at thresholds that fits search: smooth ones."""
    rng = np.random.default_rng([seed, 3])
    for sample in samples(tissue, prior, count, (seed, 3), threads=threads):
        core, whole = (sample.density > rng.uniform(*limits) for limits in FITTED)
        yield core, whole


def scan_spacing(spacing: float) -> float:
    """Voxel edge (mm) of the cohort's files and of its truth's growth, for fits on a grid of `spacing`."""
    return max(spacing / 2, FINEST_MM)


def field_of_view(whole: Array, rng: np.random.Generator) -> Array:
    """Where the scan shows anything, bool [x, y, z]: some end below or above a plane through the tumour."""
    seen = np.ones(whole.shape, bool)
    if rng.random() < CUT:
        share, above = rng.uniform(*CUT_SHARE), rng.random() < 0.5
        filled = np.cumsum(whole.sum((0, 1))) / max(whole.sum(), 1)
        place = int(np.searchsorted(filled, 1 - share if above else share))
        seen[:, :, place:] = not above
        seen[:, :, :place] = above
    return seen


def _tuples(value):
    """Lists of JSON as the tuples that they were."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
