"""Prepared patients: from the scan's grid to an inversion's working grid and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gliofit.anatomy.morph import Morph
from gliofit.anatomy.tissue import Tissue
from gliofit.anatomy.transforms import Registration
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume, load_scan, load_volume
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget
from gliofit.patients.labels import CAVITY, pet_region, read_recurrence
from gliofit.patients.sample_sheet import Patient

PET_PERCENTILE = 95.0
"""Of the uptake in enhancing core and edema, taken as that of density 1 (GliODIL: the maximum, which is one voxel)."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """
    What `gliofit.patients.preparation.prepare_patient` wrote, on the scan's grid.

    Parameters
    ----------
    tissue : Tissue
    labels : ndarray [x, y, z]
        uint8: 1 necrotic core, 2 edema, 3 enhancing core, 4 resection cavity.
    core, whole, brain : ndarray of bool [x, y, z]
    report : dict
        Of prepared.json.
    folder : path, optional
        That it was read from, where the registration is kept.
    """

    tissue: Tissue
    labels: Array
    core: Array
    whole: Array
    brain: Array
    report: dict
    folder: Path | None = None

    @property
    def affine(self) -> Array:
        """Voxel → mm of the scan, (4, 4)."""
        return self.tissue.affine

    @property
    def shape(self) -> tuple:
        return self.tissue.shape

    @property
    def patient(self) -> Patient:
        """The row of the sample sheet."""
        return Patient(**self.report["patient"])

    @cached_property
    def scan(self) -> Volume:
        """The image to draw results on (T1c first)."""
        return load_scan(self.patient.scan)

    @cached_property
    def fet(self) -> Array | None:
        """FET-PET [x, y, z] in the units of its file, if the patient has one."""
        return load_scan(self.patient.fet).data if self.patient.fet else None

    @cached_property
    def recurrence(self) -> Array | None:
        """
        Recurrence [x, y, z] in the labels of `labels` – a mask that tells no parts apart is 2 –, if there is one.
        """
        if not self.patient.recurrence:
            return None
        return read_recurrence(load_scan(self.patient.recurrence).data, self.patient.labels, self.patient.recurrence)

    @property
    def cavity(self) -> Array:
        """What a resection left, bool [x, y, z]: no tissue, and no part of the tumour."""
        return self.labels == CAVITY

    @property
    def fluid(self) -> Array:
        """Voxels that are CSF for the most part, bool [x, y, z]: what `plans.exclude_csf` leaves out."""
        return self.tissue.csf > 0.5

    def target(self, shape: tuple, affine: Array) -> SegmentationTarget:
        """
        Core and whole tumour as fractions of the voxels of a grid.

        Parameters
        ----------
        shape : tuple of int (3,)
        affine : ndarray (4, 4)
            Voxel → mm.
        """
        core, whole = (
            grids.resample(m.astype(np.float32), self.affine, shape, affine) for m in (self.core, self.whole)
        )
        return SegmentationTarget(core, whole)

    def pet_target(self, shape: tuple, affine: Array) -> PETTarget | None:
        """
        FET-PET in enhancing core and edema (GliODIL, Sec. 4.3), 1 at its `PET_PERCENTILE`; None without a scan.

        Parameters
        ----------
        shape, affine
            Of the grid that it is wanted on, as for `target`.

        Raises
        ------
        InputError
            If nothing is taken up there.
        """
        if self.fet is None:
            return None
        region = pet_region(self.fet, self.labels)
        full = float(np.percentile(self.fet[region], PET_PERCENTILE)) if region.any() else 0.0
        if not full > 0:
            raise InputError(f"{self.patient.fet}: no uptake in the enhancing core and edema")
        pet = np.clip(self.fet / full, 0, 1) * region
        # averaged over the region's part of each voxel: outside, PET may be cut away
        part, share = (grids.resample(m, self.affine, shape, affine) for m in (pet, region))
        return PETTarget(part / np.maximum(share, 1e-6), share)

    def morph(self, atlas: Tissue | None) -> Morph | None:
        """The way to an atlas on a working grid; None without one, or for a patient who was not registered to it."""
        if atlas is None or self.folder is None or self.report["tissue"] != "registration":
            return None
        return Morph(atlas, Registration(self.folder / "registration"))

    def to_scan(self, density: Array, affine: Array) -> Array:
        """
        A density on a working grid → the scan's grid.

        Parameters
        ----------
        density : ndarray [x, y, z]
        affine : ndarray (4, 4)
            Of the working grid.

        Returns
        -------
        ndarray [x, y, z], float32
            0 outside the brain and in a resection cavity, in [0, 1] if `density` is.
        """
        out = grids.resample(density, affine, self.shape, self.affine)
        return np.where(self.brain & ~self.cavity, out, 0).astype(np.float32)


def atlas_grid(paths: Sequence[str | Path], spacing: float) -> Tissue | None:
    """An atlas on its working grid from the paths of its wm, gm and csf; None without paths."""
    return Tissue.from_nifti(*paths).working_grid(spacing) if paths else None


def load_prepared(folder: str | Path) -> Prepared:
    """Read a folder of `prepare_patient`; InputError if it is not complete."""
    folder = Path(folder)
    report = folder / "prepared.json"
    if not report.is_file():
        raise InputError(f"{report}: no such file; the patient is not (completely) prepared")
    tissue = Tissue.from_nifti(*(folder / f"{name}.nii.gz" for name in ("wm", "gm", "csf")))
    names = ("seg", "core", "whole", "brain")
    masks = {name: load_volume(folder / f"{name}.nii.gz", np.uint8).data for name in names}
    for name, mask in masks.items():
        if mask.shape != tissue.shape:
            raise InputError(f"{folder / name}.nii.gz: shape {mask.shape} differs from {tissue.shape} of the tissue")
    core, whole, brain = (masks[name] > 0 for name in names[1:])
    about = json.loads(report.read_text(encoding="utf-8"))
    return Prepared(tissue, masks["seg"], core, whole, brain, about, folder)
