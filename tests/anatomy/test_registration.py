"""Registration: settings, directions, orientation, and a real patient."""

from __future__ import annotations

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from gliofit import Tissue
from gliofit.anatomy.anatomy import Anatomy
from gliofit.anatomy.registration import Registration, load_settings, register
from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume
from gliofit.base.overlap import dice
from gliofit.patients.discovery import discover
from gliofit.patients.preparation import prepare_patient
from gliofit.patients.prepared import load_prepared


def quick():
    """Settings for seconds: 4 mm, few iterations."""
    settings = load_settings("fast")
    stages = [{**stage, "iterations": [100, 50], "shrink": [2, 1], "smoothing": [1, 0]} for stage in settings.linear]
    syn = {**settings.deformable, "iterations": [30, 5], "shrink": [2, 1], "smoothing": [1, 0]}
    return replace(settings, spacing=4.0, linear=stages, deformable=syn)


def turned(anatomy: Anatomy, degrees: float, shift: tuple) -> tuple[Volume, np.ndarray]:
    """
    The anatomy's T1 as a patient far from it: rotated about z, moved, stored as BraTS stores.

    Returns the scan and the world transform that took the anatomy there.
    """
    angle = np.deg2rad(degrees)
    move = np.eye(4)
    move[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    move[:3, 3] = shift
    shape = np.array(anatomy.t1.shape)
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    flip[:3, 3] = [shape[0] - 1, shape[1] - 1, 0]
    return Volume(anatomy.t1.data[::-1, ::-1], move @ anatomy.t1.affine @ flip), move


@pytest.fixture(scope="module")
def far(mni152, tmp_path_factory):
    """A patient 50–70 mm and 20° away whose tumour hides the left hemisphere's middle."""
    scan, move = turned(mni152, 20, (70, -50, 30))
    centre = move[:3, :3] @ np.array([-35, -20, 20]) + move[:3, 3]
    world = grids.to_world(scan.affine, np.moveaxis(np.indices(scan.shape), 0, -1))
    tumour = np.linalg.norm(world - centre, axis=-1) < 20
    spoiled = Volume(np.where(tumour, 3 * scan.data.max(), scan.data), scan.affine)
    folder = tmp_path_factory.mktemp("far")
    found = register(spoiled, scan.data > 0, tumour, mni152, quick(), folder, threads=1)
    return found, scan, tumour, move


def marker(anatomy: Anatomy, centre: tuple) -> Volume:
    """A smooth blob at a world position of the atlas."""
    world = anatomy.tissue.to_world(np.moveaxis(np.indices(anatomy.tissue.shape), 0, -1))
    blob = np.exp(-((world - np.array(centre)) ** 2).sum(-1) / (2 * 8.0**2))
    return Volume(blob.astype(np.float32), anatomy.tissue.affine)


def centre_of(data: np.ndarray, affine: np.ndarray) -> np.ndarray:
    return grids.to_world(affine, np.array(ndimage.center_of_mass(data)))


def test_finds_a_patient_far_away_in_another_orientation(far, mni152):
    found, scan, tumour, move = far
    brain, left = found.to_patient(
        [Volume(mni152.tissue.brain.astype(np.float32), mni152.tissue.affine), marker(mni152, (-45, 10, 10))],
        scan.shape,
        scan.affine,
    )
    assert nib.aff2axcodes(scan.affine) == ("L", "P", "S")
    assert dice(brain > 0.5, scan.data > 0) > 0.95
    expected = move[:3, :3] @ np.array([-45, 10, 10]) + move[:3, 3]
    mirrored = move[:3, :3] @ np.array([45, 10, 10]) + move[:3, 3]
    reached = centre_of(left, scan.affine)
    assert np.linalg.norm(reached - expected) < 5
    assert np.linalg.norm(reached - mirrored) > 60
    # the tumour took no part: the tissue behind it is where it was
    behind = found.to_patient([marker(mni152, (-35, -20, 20))], scan.shape, scan.affine)[0]
    assert np.linalg.norm(centre_of(behind, scan.affine) - centre_of(tumour, scan.affine)) < 4  # 7 without the mask


def test_transforms_serve_both_directions(far, mni152):
    found, scan, _, _ = far
    there = Registration(found.folder)
    blob = marker(mni152, (30, -30, 20))
    patient = Volume(there.to_patient([blob], scan.shape, scan.affine)[0], scan.affine)
    back = there.to_atlas([patient], mni152.tissue.shape, mni152.tissue.affine)[0]
    assert np.linalg.norm(centre_of(back, mni152.tissue.affine) - np.array([30, -30, 20])) < 2
    assert np.corrcoef(back.ravel(), blob.data.ravel())[0, 1] > 0.95


def test_result_does_not_depend_on_threads_or_chance(tmp_path, mni152):
    settings = quick()
    linear = [{**settings.linear[0], "iterations": [10, 0]}]
    settings = replace(settings, linear=linear, deformable={**settings.deformable, "iterations": [5, 1]})
    scan, _ = turned(mni152, 5, (10, 0, 0))
    nothing = np.zeros(scan.shape, bool)
    warps = []
    for threads in (1, 2):
        found = register(scan, scan.data > 0, nothing, mni152, settings, tmp_path / str(threads), threads)
        warps.append(np.asarray(nib.load(found.folder / "warp.nii.gz").dataobj))
    np.testing.assert_array_equal(*warps)


def test_settings(tmp_path):
    fast, precise = load_settings("fast"), load_settings("precise")
    assert fast.spacing == 2.0
    assert precise.spacing == 1.0
    with pytest.raises(InputError, match="unknown registration settings 'slow'; choose fast, greedy, precise"):
        load_settings("slow")
    path = tmp_path / "mine.json"
    values = json.loads(json.dumps(vars(fast)))
    path.write_text(json.dumps(values))
    assert load_settings(path) == fast
    path.write_text(json.dumps(values | {"speed": 1}))
    with pytest.raises(InputError, match=r"mine.json: must have exactly the keys"):
        load_settings(path)
    values["linear"][0]["shrink"] = [1]
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"mine.json: iterations, shrink and smoothing of Rigid\[0.1\] differ"):
        load_settings(path)
    path.write_text("{")
    with pytest.raises(InputError, match="not valid JSON"):
        load_settings(path)


def test_missing_transforms(tmp_path):
    with pytest.raises(InputError, match=r"affine.mat: no such file"):
        Registration(tmp_path)


def test_failure_tells_the_programs_last_words(tmp_path, mni152):
    settings = replace(quick(), linear=[{**quick().linear[0], "transform": "Origami[1]"}])
    nothing = np.zeros(mni152.t1.shape, bool)
    with pytest.raises(RuntimeError, match="antsRegistration ended with status"):
        register(mni152.t1, mni152.t1.data > 0, nothing, mni152, settings, tmp_path)
    assert not any(tmp_path.iterdir())


def test_real_patient(shared, tmp_path, mni152):
    """
    BraTS18_CBICA_AQN_1 with MNI152 (the anatomy that needs no download), by the default settings.

    Measured: brain Dice 0.99; white matter of the warped atlas is brighter in T1 than its CSF.
    """
    patients = discover(shared / "patients").patients
    patient = next(p for p in patients if p.id == "BraTS18_CBICA_AQN_1")
    report = prepare_patient(patient, mni152, "greedy", tmp_path / "out", threads=2)
    assert report["brain_dice"] > 0.97
    assert report["volumes_ml"]["whole"] == pytest.approx(26.5, abs=0.1)
    prepared = load_prepared(tmp_path / "out")
    scan = nib.load(patient.t1)
    assert prepared.shape == scan.shape
    np.testing.assert_allclose(prepared.affine, scan.affine, atol=1e-4)
    healthy = prepared.brain & ~prepared.whole
    t1 = np.asarray(scan.dataobj, np.float32)
    level = [np.median(t1[healthy & (m > 0.8)]) for m in (prepared.tissue.wm, prepared.tissue.gm, prepared.tissue.csf)]
    assert level[0] > level[1] > level[2]
    assert prepared.tissue.mask[prepared.whole].all()
    assert isinstance(prepared.tissue, Tissue)
