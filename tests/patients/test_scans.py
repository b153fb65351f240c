"""A patient's images: labels and brain read right, and each fault told in one sentence that names the file."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from cases import but_for_its_size, small_patient, write
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.patients import place
from gliofit.patients.scans import brain_of, check_patient, load_scans


def test_good_patient_has_no_warnings(tmp_path, small_tissue):
    scans = load_scans(small_patient(tmp_path / "A", small_tissue))
    assert but_for_its_size(scans.warnings) == []
    assert set(np.unique(scans.labels)) == {0, 1, 2, 3}
    assert (scans.core <= scans.whole).all()
    assert scans.core.sum() < scans.whole.sum()
    assert scans.images.keys() == {"t1", "t1c", "flair"}


@pytest.mark.parametrize(
    ("labels", "renamed"),
    [("brats", {1: 1, 2: 2, 3: 4}), ("brats", {1: 1, 2: 2, 3: 3}), ("gliodil", {1: 4, 2: 3, 3: 1})],
)
def test_labellings_mean_the_same(tmp_path, small_tissue, labels, renamed):
    usual = load_scans(small_patient(tmp_path / "A", small_tissue))
    seg = np.asarray(nib.as_closest_canonical(nib.load(usual.patient.seg)).dataobj)
    patient = small_patient(tmp_path / "B", small_tissue, seg=np.vectorize({0: 0, **renamed}.get)(seg))
    scans = load_scans(type(patient)(**(patient.to_dict() | {"labels": labels})))
    np.testing.assert_array_equal(scans.labels, usual.labels)


def test_a_tumour_without_core_is_a_warning(tmp_path, small_tissue):
    scans = load_scans(small_patient(tmp_path / "A", small_tissue))
    seg = np.asarray(nib.as_closest_canonical(nib.load(scans.patient.seg)).dataobj)
    warnings = check_patient(small_patient(tmp_path / "B", small_tissue, seg=2 * (seg > 0)))
    (warning,) = but_for_its_size(warnings)
    assert "has no tumour core" in warning


def broken(small_tissue, name):
    """What replaces which column, and the sentence that must come of it."""
    one = np.zeros(small_tissue.shape)
    one[8:11, 12:15, 12:15] = 1
    outside = np.zeros(small_tissue.shape)
    outside[:3, :3, :3] = 1
    nan = np.where(small_tissue.brain, 500.0, 0)
    nan[12, 12, 12] = np.nan
    return {
        "empty segmentation": ({"seg": np.zeros(small_tissue.shape)}, r"seg.nii.gz: the segmentation is empty"),
        "unknown label": ({"seg": 7 * one}, r"seg.nii.gz: unknown label 7; labels 'brats' has 0, 1, 2, 3, 4"),
        "both 3 and 4": ({"seg": 3 * one + one * (np.indices(one.shape)[0] > 8)}, r"labels 3 and 4, .* 'gliodil'"),
        "a probability map": ({"seg": 0.5 * one}, r"seg.nii.gz: holds values that are not whole numbers"),
        "tumour outside": ({"seg": outside}, r"seg.nii.gz: 100% of the tumour lies outside the brain"),
        "NaN": ({"t1": nan}, r"t1.nii.gz: holds 1 voxels that are not finite"),
        "zero image": ({"flair": np.zeros(small_tissue.shape)}, r"flair.nii.gz: is zero everywhere"),
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        "empty segmentation",
        "unknown label",
        "both 3 and 4",
        "a probability map",
        "tumour outside",
        "NaN",
        "zero image",
    ],
)
def test_faults_of_voxels(tmp_path, small_tissue, name):
    replaced, fault = broken(small_tissue, name)
    patient = small_patient(tmp_path / "A", small_tissue, **replaced)
    with pytest.raises(InputError, match=fault) as caught:
        check_patient(patient)
    assert "\n" not in str(caught.value)


def test_faults_of_grids(tmp_path, small_tissue):
    patient = small_patient(tmp_path / "A", small_tissue)
    write(patient.flair, np.ones((24, 24, 23), np.float32), small_tissue.affine)
    with pytest.raises(InputError, match=r"flair.nii.gz: shape \(24, 24, 23\) differs from \(24, 24, 24\) of .*t1.nii"):
        check_patient(patient)
    patient = small_patient(tmp_path / "B", small_tissue)
    moved = small_tissue.affine.copy()
    moved[0, 3] += 3
    write(patient.seg, np.ones((24, 24, 24), np.uint8), moved)
    with pytest.raises(InputError, match=r"seg.nii.gz: affine differs from that of .*t1.nii.gz"):
        check_patient(patient)
    patient = small_patient(tmp_path / "C", small_tissue)
    write(patient.seg, np.ones((24, 24, 24), np.uint8), small_tissue.affine, ("R", "A", "S"))
    with pytest.raises(InputError, match="affine differs"):
        check_patient(patient)


def test_faults_of_files(tmp_path, small_tissue):
    patient = small_patient(tmp_path / "A", small_tissue)
    patient.t1c.unlink()
    with pytest.raises(InputError, match=r"t1c.nii.gz: no such file"):
        check_patient(patient)
    patient = small_patient(tmp_path / "B", small_tissue)
    patient.flair.write_bytes(b"not an image")
    with pytest.raises(InputError, match=r"flair.nii.gz: cannot be read as NIfTI"):
        check_patient(patient)
    patient = small_patient(tmp_path / "C", small_tissue)
    patient.t1.write_bytes(patient.t1.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"t1.nii.gz: cannot be read as NIfTI"):
        check_patient(patient)


def test_a_head_is_not_a_brain(tmp_path, small_tissue):
    big = small_tissue.affine.copy()
    big[:3] *= 2.5
    data = np.where(small_tissue.brain, 500.0, 0).astype(np.float32)
    patient = small_patient(tmp_path / "A", small_tissue)
    files = {name: write(tmp_path / f"big_{name}.nii.gz", data, big) for name in ("t1", "t1c", "flair")}
    seg = write(tmp_path / "big_seg.nii.gz", (data > 0).astype(np.uint8), big)
    with pytest.raises(InputError, match=r"big_t1.nii.gz: a brain of \d+ ml is none; is the scan skull-stripped"):
        check_patient(type(patient)("A", **files, seg=seg))


def test_without_t1_and_maps_only_atlas_space_will_do(tmp_path, small_tissue):
    patient = small_patient(tmp_path / "A", small_tissue, t1=None, t1c=None)
    with pytest.raises(InputError, match="has no T1, no tissue maps and is not in the atlas's space"):
        check_patient(patient)


def test_brain_leaves_out_a_dim_rim_and_fills_holes(small_tissue):
    scan = np.where(small_tissue.brain, 500.0, 0.0)
    brain = scan > 0
    scan[12, 12, 12] = 0
    rim = (small_tissue.wm + small_tissue.gm + small_tissue.csf > 0.001) & ~brain
    scan[rim] = 3
    scan[0, 0, 0] = 900
    np.testing.assert_array_equal(brain_of(scan, np.array([4.0, 4.0, 4.0])), brain)


def test_a_mask_of_the_whole_tumour_adds_edema_to_a_core(tmp_path, small_tissue):
    """As in GliomaSolver's example: labels of the core from T1c, a mask from FLAIR, tissue maps of its own."""
    full = load_scans(small_patient(tmp_path / "full", small_tissue))
    seg = nib.load(small_patient(tmp_path / "A", small_tissue, maps=True).seg)
    labels = np.asarray(nib.as_closest_canonical(seg).dataobj)
    core = np.where(labels == 2, 0, labels)
    split = small_patient(tmp_path / "B", small_tissue, maps=True, seg=core, whole=(labels > 0).astype(float))
    np.testing.assert_array_equal(load_scans(split).labels, full.labels)


def test_a_recurrence_is_checked_like_a_segmentation(tmp_path, small_tissue):
    mask = (small_tissue.wm > 0.9).astype(float)
    warnings = load_scans(small_patient(tmp_path / "A", small_tissue, recurrence=mask)).warnings
    assert any("is a mask without parts" in warning for warning in warnings)
    warnings = load_scans(small_patient(tmp_path / "B", small_tissue, recurrence=0 * mask)).warnings
    assert any("recurrence.nii.gz: is empty" in warning for warning in warnings)
    with pytest.raises(InputError, match=r"recurrence\.nii\.gz: unknown label 7"):
        load_scans(small_patient(tmp_path / "C", small_tissue, recurrence=7 * mask))
    with pytest.raises(InputError, match=r"recurrence\.nii\.gz: holds values that are not whole"):
        load_scans(small_patient(tmp_path / "D", small_tissue, recurrence=0.4 * mask))


def test_a_spread_by_sums_is_that_of_the_voxels():
    rng = np.random.default_rng(0)
    mask = ndimage.gaussian_filter(rng.normal(size=(20, 30, 24)), 3) > 0.02
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * [1.0, 2.0, 0.7], [40, -30, 12]
    voxels = grids.to_world(affine, np.argwhere(mask)).std(0)
    np.testing.assert_allclose(place._spread(mask, affine), voxels, rtol=1e-9)
