"""
Training cases of nnU-Net: GliODIL's synthetic patients, what is seen of them, and where their tumours come back.

They are made as those that methods are compared on, with seeds of their own: no patient is learnt and tested.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import whole_file
from gliofit.networks.nnunet import channels
from gliofit.patients.prepared import Prepared
from gliofit.synthetic.gliodil_patient import FOCI, load_patient, make_patient

APART = 5000
"""Added to a run's seed of patients: seeds of training cases begin here, those of patients that are tested at 0."""

INFILTRATED = 0.1
"""Density from which a voxel counts as infiltrated."""


@dataclass(frozen=True)
class TrainingCase:
    """
    A case.

    Parameters
    ----------
    name : str
        Letters, digits and underscores.
    maps : ndarray [channel, x, y, z]
        What the network sees, FET-PET too.
    label : ndarray of bool [x, y, z]
        What it is to predict.
    affine : ndarray (4, 4)
    """

    name: str
    maps: Array
    label: Array
    affine: Array


def training_case(patient: Prepared, truth: Array, spacing: float, predicts: str) -> TrainingCase:
    """
    A patient as the network sees one, on the working grid.

    Parameters
    ----------
    patient : Prepared
        With FET-PET and a recurrence.
    truth : ndarray [x, y, z]
        Density at the scan, on the patient's grid.
    spacing : float
        mm.
    predicts : {"recurrence", "infiltration"}
        The recurrence with what was tumour core, as all plans have that; or where there are cells.
    """
    tissue = patient.tissue.working_grid(spacing)
    grid = tissue.shape, tissue.affine
    outlines, pet = patient.target(*grid).arrays(), patient.pet_target(*grid)
    if predicts == "recurrence":
        returned = patient.recurrence
        assert returned is not None  # made with one
        sought = patient.core | (returned > 0)
    else:
        sought = truth > INFILTRATED
    label = grids.resample(sought.astype(np.float32), patient.affine, *grid) >= 0.5
    uptake = None if pet is None else pet.pet * pet.region
    return TrainingCase(
        patient.patient.id, channels(tissue, outlines["core"], outlines["whole"], uptake), label, tissue.affine
    )


def make_cases(
    tissue: Tissue,
    path: str | Path,
    indices: Sequence[int],
    *,
    spacing: float,
    predicts: str,
    seed: int = 0,
    threads: int = 1,
) -> None:
    """
    Make patients of one focus and of three, and keep what training needs of them.

    Parameters
    ----------
    tissue : Tissue
        That tumours grow in, on the grid that they grow on.
    path : path
        Of an npz: for each case its maps (float16), label and affine.
    indices : sequence of int
        Of the patients; each is one of one focus and one of three.
    spacing : float
        Of the network's grid, mm.
    predicts : str
        See `training_case`.
    seed : int
    threads : int
    """
    arrays: dict[str, Array] = {}
    for index in indices:
        for kind in FOCI:
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch) / f"{kind}_{index}"
                make_patient(tissue, folder, kind, seed + APART + index, threads)
                case = training_case(*load_patient(folder, tissue), spacing, predicts)
            kept = {"maps": case.maps.astype(np.float16), "label": case.label, "affine": case.affine}
            arrays |= {f"{case.name}/{name}": a for name, a in kept.items()}
    with whole_file(path) as part:
        np.savez_compressed(part, allow_pickle=False, **arrays)


def load_cases(paths: Sequence[str | Path]) -> Iterator[TrainingCase]:
    """The cases of files that `make_cases` wrote; InputError if one is none."""
    for path in paths:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                for name in dict.fromkeys(key.partition("/")[0] for key in arrays.files):
                    maps, label, affine = (arrays[f"{name}/{part}"] for part in ("maps", "label", "affine"))
                    yield TrainingCase(name, maps.astype(np.float32), label, affine)
        except (KeyError, ValueError, EOFError, OSError) as error:
            raise InputError(f"{path}: holds no training cases of nnU-Net ({error})") from error
