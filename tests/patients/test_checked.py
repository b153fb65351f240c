"""What a check found is what a preparation would find."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cases import BRATS, small_patient

from gliofit.anatomy.anatomy import Anatomy
from gliofit.base.nifti import Volume
from gliofit.patients.checked import load_checked, save_checked
from gliofit.patients.preparation import PREPARED, prepare_patient
from gliofit.patients.scans import load_scans


@pytest.mark.parametrize("maps", [False, True])
def test_scans_come_back_as_they_were(tmp_path, small_tissue, maps):
    patient = small_patient(tmp_path / "A", small_tissue, BRATS, maps=maps)
    scans = load_scans(patient)
    scans.warnings += ["Größe: “10 mm”"]
    save_checked(tmp_path / "checked.npz", scans)
    again = load_checked(tmp_path / "checked.npz", patient)
    assert (again.known, again.warnings, again.patient) == (scans.known, scans.warnings, patient)
    for name in ("affine", "labels", "brain", "core", "whole", "cavity"):
        kept, made = getattr(again, name), getattr(scans, name)
        assert kept.dtype == made.dtype
        np.testing.assert_array_equal(kept, made)
    np.testing.assert_array_equal(again.t1.data, scans.t1.data)


def test_a_preparation_of_checked_scans_is_the_same(tmp_path, small_tissue):
    t1 = Volume((700 * small_tissue.wm + 400 * small_tissue.gm).astype(np.float32), small_tissue.affine)
    patient = small_patient(tmp_path / "A", small_tissue, BRATS, maps=True)
    save_checked(tmp_path / "checked.npz", load_scans(patient))
    checked = load_checked(tmp_path / "checked.npz", patient)
    for name, scans in (("anew", None), ("checked", checked)):
        prepare_patient(patient, Anatomy(t1, small_tissue), "fast", tmp_path / name, scans=scans)
    for name in PREPARED:
        files = [(tmp_path / folder / f"{name}.nii.gz").read_bytes() for folder in ("anew", "checked")]
        assert files[0] == files[1]
    reports = [json.loads((tmp_path / folder / "prepared.json").read_text()) for folder in ("anew", "checked")]
    assert reports[0] | {"seconds": 0} == reports[1] | {"seconds": 0}
