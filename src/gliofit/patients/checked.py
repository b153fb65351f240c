"""What the check of a patient's scans found, kept for the preparation, which need not look for it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gliofit.base import grids
from gliofit.base.files import whole_file
from gliofit.base.nifti import load_scan
from gliofit.patients.sample_sheet import Patient
from gliofit.patients.scan_set import Scans

NEEDED = ("wm", "gm", "csf")
"""Images that a preparation reads, beside the one that the atlas is registered to."""


def save_checked(path: str | Path, scans: Scans) -> None:
    """
    Write brain, labels and warnings (.npz).

    Parameters
    ----------
    path : path
    scans : Scans
        As `load_scans` returns them.
    """
    box = grids.box_of(scans.brain | (scans.labels > 0))
    found: dict[str, Any] = {"affine": scans.affine, "shape": scans.shape, "known": scans.known}
    found |= {"corner": [side.start for side in box], "labels": scans.labels[box]}
    found |= {"brain": np.packbits(scans.brain[box])}
    found |= {"warnings": np.array(scans.warnings, str)}
    with whole_file(path) as part:
        np.savez_compressed(part, **found)


def load_checked(path: str | Path, patient: Patient) -> Scans:
    """
    The scans of a patient as a preparation needs them, without checking them again.

    Parameters
    ----------
    path : path
        From `save_checked`, of the files as they are.
    patient : Patient
    """
    with np.load(path) as found:
        shape = tuple(map(int, found["shape"]))
        part, corner = found["labels"], found["corner"]
        brain = np.unpackbits(found["brain"], count=part.size).reshape(part.shape).astype(bool)
        labels, brain = grids.put(part, corner, shape), grids.put(brain, corner, shape)
        affine, known, warnings = found["affine"], bool(found["known"]), [str(text) for text in found["warnings"]]
    scan = "t1" if "t1" in patient.files else "t1c"
    names = [name for name in (scan, *NEEDED) if name in patient.files]
    images = {name: load_scan(patient.files[name]).data for name in names}
    return Scans(patient, affine, images, labels, brain, known, warnings)
