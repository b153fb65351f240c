"""Synthetic patients: BraTS-like files whose truth is known, the same for the same seed."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from cases import but_for_its_size

from gliofit import Theta, simulate
from gliofit.anatomy.anatomy import Anatomy
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume, load_volume
from gliofit.observation.thresholds import SYNTHETIC_PATIENT
from gliofit.patients.discovery import discover
from gliofit.patients.scans import load_scans
from gliofit.synthetic.brats_like_patient import CORE_SHARE, draw_theta, make_synthetic_patient, segment

THETA = Theta((-14.0, 4.0, 2.0), 10.0, 3.2)


@pytest.fixture
def anatomy(small_tissue):
    t1 = np.where(small_tissue.brain, 700 * small_tissue.wm + 400 * small_tissue.gm + 100 * small_tissue.csf, 0)
    return Anatomy(Volume(t1.astype(np.float32), small_tissue.affine), small_tissue)


def test_files_and_truth(tmp_path, anatomy):
    patient = make_synthetic_patient(anatomy, tmp_path / "synthetic-small-1", THETA, spacing=None)
    assert patient.id == "synthetic-small-1"
    truth = json.loads((tmp_path / "synthetic-small-1/truth.json").read_text())
    assert truth["synthetic"] is True
    assert Theta.from_dict(truth["theta"]) == THETA
    density = load_volume(tmp_path / "synthetic-small-1/truth.nii.gz").data
    np.testing.assert_array_equal(density, simulate(anatomy.tissue, THETA))
    scans = load_scans(patient)
    assert but_for_its_size(scans.warnings) == []
    brain = anatomy.t1.data > 0
    np.testing.assert_array_equal(scans.whole, (density >= SYNTHETIC_PATIENT[0]) & brain)
    np.testing.assert_array_equal(scans.core, (density >= SYNTHETIC_PATIENT[1]) & brain)
    assert truth["whole_ml"] == pytest.approx(scans.whole.sum() * 0.064)


def test_contrasts_are_those_of_a_glioma(tmp_path, anatomy):
    scans = load_scans(make_synthetic_patient(anatomy, tmp_path / "synthetic-small-1", THETA, spacing=None))
    image, labels = scans.images, scans.labels
    healthy = scans.brain & (labels == 0) & (anatomy.tissue.wm > 0.8)
    assert image["t1c"][labels == 3].mean() > 1.3 * image["t1c"][healthy].mean()
    assert image["flair"][labels == 2].mean() > 1.3 * image["flair"][healthy].mean()
    assert image["t1"][labels > 0].mean() < image["t1"][healthy].mean()
    for data in image.values():
        assert not data[anatomy.t1.data == 0].any()
        assert (data[anatomy.t1.data > 0] > 0).all()


def test_same_seed_same_patient(tmp_path, anatomy):
    folders = [tmp_path / name / "synthetic-1" for name in ("a", "b", "c")]
    for folder, seed in zip(folders, (5, 5, 6), strict=True):
        make_synthetic_patient(anatomy, folder, THETA, seed=seed, spacing=None)
    first, again, other = (load_volume(folder / "t1n.nii.gz").data for folder in folders)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_drawn_tumours_have_core_and_edema(small_tissue):
    theta = draw_theta(small_tissue, 3)
    assert theta == draw_theta(small_tissue, 3)
    assert theta != draw_theta(small_tissue, 4)
    labels = segment(simulate(small_tissue.working_grid(4.0), theta))
    share = np.isin(labels, (1, 3)).sum() / (labels > 0).sum()
    assert CORE_SHARE[0] <= share <= CORE_SHARE[1]


def test_other_spacing_is_the_same_anatomy(tmp_path, anatomy):
    patient = make_synthetic_patient(anatomy, tmp_path / "synthetic-1", THETA, spacing=2.0)
    image = nib.load(patient.t1)
    assert image.header.get_zooms() == (2, 2, 2)
    scans = load_scans(patient)
    coarse = load_scans(make_synthetic_patient(anatomy, tmp_path / "synthetic-2", THETA, spacing=None))
    volumes = [float(s.brain.sum()) * s.millilitres for s in (scans, coarse)]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.1)


def test_is_found_as_a_brats_case(tmp_path, anatomy):
    made = make_synthetic_patient(anatomy, tmp_path / "synthetic-1", THETA, spacing=None)
    found = discover(tmp_path)
    patients, warnings = found.patients, found.warnings
    assert patients == [made]
    assert warnings == []


def test_refuses_what_cannot_be(tmp_path, anatomy):
    with pytest.raises(InputError, match="must begin with 'synthetic'"):
        make_synthetic_patient(anatomy, tmp_path / "patient-1", THETA)
    with pytest.raises(InputError, match="must ascend"):
        make_synthetic_patient(anatomy, tmp_path / "synthetic-1", THETA, thresholds=(0.6, 0.25, 0.9))
    faint = Theta(THETA.origin, 10.0, 0.1)
    with pytest.raises(InputError, match="no visible density"):
        make_synthetic_patient(anatomy, tmp_path / "synthetic-1", faint, spacing=None)
    assert not (tmp_path / "synthetic-1/truth.json").exists()
