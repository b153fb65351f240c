"""What a check found is what a preparation would find."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cases import BRATS, small_patient

from gliofit.anatomy.anatomy import Anatomy
from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.nifti import Volume, load_volume
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


def test_a_scan_in_much_air_is_prepared_as_one_in_little(tmp_path, small_tissue):
    t1 = Volume((700 * small_tissue.wm + 400 * small_tissue.gm).astype(np.float32), small_tissue.affine)
    wide = ((12, 20), (15, 9), (11, 30))
    airy = Tissue(
        *(np.pad(m, wide) for m in (small_tissue.wm, small_tissue.gm, small_tissue.csf)),
        grids.shifted(small_tissue.affine, -np.array(wide)[:, 0]),
    )
    reports = []
    for name, tissue in (("little", small_tissue), ("much", airy)):
        patient = small_patient(tmp_path / name / "A", tissue, BRATS, maps=True)
        reports.append(prepare_patient(patient, Anatomy(t1, small_tissue), "fast", tmp_path / name / "prepared"))
    for name in PREPARED:
        little, much = (load_volume(tmp_path / folder / "prepared" / f"{name}.nii.gz") for folder in ("little", "much"))
        assert much.shape == airy.shape
        corner = np.rint(grids.to_voxel(much.affine, little.affine[:3, 3])).astype(int)
        np.testing.assert_array_equal(grids.put(little.data, corner, airy.shape), much.data)
    assert reports[0]["volumes_ml"] == reports[1]["volumes_ml"]
    assert reports[0]["tissue_agreement"] == pytest.approx(reports[1]["tissue_agreement"], abs=0.02)
