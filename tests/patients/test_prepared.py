"""Prepared patients: the scan's grid and the working grid hold the same tumour, whatever the scan's orientation."""

from __future__ import annotations

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from cases import BRATS, TUMOUR_MM, but_for_its_size, oblique, small_patient

from gliofit import Theta, invert, simulate
from gliofit.anatomy.anatomy import Anatomy
from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.base.nifti import Volume, save_volume
from gliofit.base.overlap import dice
from gliofit.evaluation.patient_scores import data_fit
from gliofit.inversion.patient_problem import patient_problem
from gliofit.patients.agreement import GOOD, tissue_agreement
from gliofit.patients.preparation import PREPARED, fill, prepare_patient
from gliofit.patients.prepared import load_prepared


@pytest.fixture
def anatomy(small_tissue):
    t1 = np.where(small_tissue.brain, 700 * small_tissue.wm + 400 * small_tissue.gm + 100 * small_tissue.csf, 0)
    return Anatomy(Volume(t1.astype(np.float32), small_tissue.affine), small_tissue)


@pytest.fixture(params=[BRATS, ("R", "A", "S"), ("P", "I", "R")], ids="".join)
def prepared(request, tmp_path, small_tissue, anatomy):
    """With the patient's own tissue maps: no registration."""
    patient = small_patient(tmp_path / "A", small_tissue, request.param, maps=True)
    prepare_patient(patient, anatomy, "fast", tmp_path / "out")
    return load_prepared(tmp_path / "out")


def test_everything_lies_on_the_scans_own_grid(prepared, tmp_path):
    scan = nib.load(prepared.patient.t1)
    for name in PREPARED:
        image = nib.load(tmp_path / "out" / f"{name}.nii.gz")
        assert image.shape == scan.shape
        np.testing.assert_array_equal(image.affine, scan.affine)
    total = prepared.tissue.wm + prepared.tissue.gm + prepared.tissue.csf
    np.testing.assert_allclose(total[prepared.brain], 1, atol=1e-5)
    assert not total[~prepared.brain].any()


def test_left_stays_left(prepared):
    centre = prepared.tissue.centre_of_mass(prepared.whole.astype(float))
    np.testing.assert_allclose(centre, TUMOUR_MM, atol=1)
    problem = patient_problem(prepared, 2.0)
    assert nib.aff2axcodes(problem.tissue.affine) == ("R", "A", "S")
    np.testing.assert_allclose(problem.centre, TUMOUR_MM, atol=1)


def test_round_trip_between_grids(prepared):
    problem = patient_problem(prepared, 2.0)
    millilitres = 64 / 1000
    assert problem.target.whole.sum() * 8 / 1000 == pytest.approx(prepared.whole.sum() * millilitres, rel=0.02)
    assert problem.target.core.sum() * 8 / 1000 == pytest.approx(prepared.core.sum() * millilitres, rel=0.05)
    back = prepared.to_scan(problem.target.whole, problem.tissue.affine)
    assert back.shape == prepared.shape
    assert back.dtype == np.float32
    assert not back[~prepared.brain].any()
    assert 2 * (back[prepared.whole] > 0.5).sum() / ((back > 0.5).sum() + prepared.whole.sum()) > 0.95
    # a linear ramp in world space is the same on both grids
    world = problem.tissue.to_world(np.moveaxis(np.indices(problem.tissue.shape), 0, -1))
    ramp = prepared.to_scan(world[..., 0].astype(np.float32), problem.tissue.affine)
    here = prepared.tissue.to_world(np.moveaxis(np.indices(prepared.shape), 0, -1))[..., 0]
    np.testing.assert_allclose(ramp[prepared.brain], here[prepared.brain], atol=1e-2)


def test_an_oblique_anisotropic_scan_gives_the_same_fit(tmp_path, small_tissue, anatomy):
    """A simulated tumour on the head's own grid and on a scanner's: what it shows is found in its place on both."""
    density = simulate(small_tissue, Theta(TUMOUR_MM, 8.0, 3.2))
    seg = np.select([density > 0.9, density > 0.65, density > 0.25], [1, 3, 2], 0)
    straight = small_patient(tmp_path / "A", small_tissue, maps=True, seg=seg)
    slanted = oblique(tmp_path / "B", straight)
    assert nib.aff2axcodes(nib.load(slanted.seg).affine) == ("L", "P", "S")
    for patient in (straight, slanted):
        prepare_patient(patient, anatomy, "fast", tmp_path / f"{patient.id}-out")
        prepared = load_prepared(tmp_path / f"{patient.id}-out")
        problem = patient_problem(prepared, 4.0)
        fit = invert(problem.target, problem.tissue, "gauss_newton", uncertainty=False)
        found = prepared.to_scan(fit.density, problem.tissue.affine)
        found = grids.resample(found, prepared.affine, small_tissue.shape, small_tissue.affine)
        for name, mask in (("threshold_core", np.isin(seg, (1, 3))), ("threshold_whole", seg > 0)):
            assert dice(found > fit.extras[name], mask) > 0.85


def test_report(prepared):
    report = prepared.report
    assert report["tissue"] == "maps"
    assert report["brain_dice"] is None
    assert but_for_its_size(report["warnings"]) == []
    assert report["volumes_ml"]["whole"] == pytest.approx(prepared.whole.sum() * 0.064, abs=1e-3)
    assert prepared.patient.id == "A"
    np.testing.assert_array_equal(np.isin(prepared.labels, (1, 3)), prepared.core)


def test_csf_in_the_tumour(tmp_path, small_tissue, anatomy):
    csf = np.where(np.indices(small_tissue.shape)[0] < 9, 1.0, small_tissue.csf) * small_tissue.brain
    wm, gm = (np.where(csf == 1, 0, m) for m in (small_tissue.wm, small_tissue.gm))
    patient = small_patient(tmp_path / "A", small_tissue, maps=True, wm=wm, gm=gm, csf=csf)
    report = prepare_patient(patient, anatomy, "fast", tmp_path / "csf", tumour_tissue="csf")
    assert report["core_csf_before"] > 0.2
    filled = load_prepared(tmp_path / "csf")
    assert not filled.tissue.csf[filled.whole].any()
    assert filled.tissue.mask[filled.whole].all()
    prepare_patient(patient, anatomy, "fast", tmp_path / "keep", tumour_tissue="keep")
    kept = load_prepared(tmp_path / "keep")
    assert kept.tissue.csf[kept.core].mean() == pytest.approx(report["core_csf_before"], abs=1e-5)
    np.testing.assert_array_equal(kept.tissue.csf[~kept.whole], filled.tissue.csf[~kept.whole])
    np.testing.assert_array_equal(kept.tissue.gm, filled.tissue.gm)
    prepare_patient(patient, anatomy, "fast", tmp_path / "core")
    white = load_prepared(tmp_path / "core")
    assert white.tissue.wm[white.core].min() == 1
    assert not white.tissue.gm[white.core].any()
    np.testing.assert_array_equal(white.tissue.gm[~white.core], filled.tissue.gm[~white.core])
    with pytest.raises(InputError, match="tumour_tissue = 'gm' is unknown"):
        prepare_patient(patient, anatomy, "fast", tmp_path / "x", tumour_tissue="gm")


def test_csf_is_the_rest_of_the_brain_when_it_is_not_given(tmp_path, small_tissue, anatomy):
    patient = small_patient(tmp_path / "A", small_tissue, maps=True, csf=None)
    prepare_patient(patient, anatomy, "fast", tmp_path / "out", tumour_tissue="keep")
    tissue = load_prepared(tmp_path / "out").tissue
    ventricle = np.asarray(nib.as_closest_canonical(nib.load(tmp_path / "out/csf.nii.gz")).dataobj)[11:13, 11:13, 11:13]
    assert ventricle.min() > 0.8
    assert tissue.csf.sum() > 100


def test_fill_closes_the_rim_and_keeps_fractions():
    brain = np.array([[[True, True, True, False]]])
    whole = np.array([[[False, True, True, False]]])
    maps = [np.array([[v]], np.float32) for v in ([0.2, 0, 0.5, 1], [0, 0.2, 0.9, 0], [0, 0.3, 0.6, 0])]
    wm, gm, csf = (m.ravel() for m in fill(maps, brain, whole, np.zeros_like(brain)))
    np.testing.assert_allclose(wm, [0.2, 0.8, 0.55, 0], atol=1e-6)
    np.testing.assert_allclose(gm, [0, 0.2, 0.45, 0], atol=1e-6)
    np.testing.assert_allclose(csf, [0.8, 0, 0, 0], atol=1e-6)


def test_maps_that_are_no_fractions(tmp_path, small_tissue, anatomy):
    patient = small_patient(tmp_path / "A", small_tissue, maps=True, gm=255 * small_tissue.gm)
    with pytest.raises(InputError, match=r"gm.nii.gz: not a map of fractions"):
        prepare_patient(patient, anatomy, "fast", tmp_path / "out")
    assert not (tmp_path / "out/prepared.json").exists()


def test_bad_scans_end_before_the_registration(tmp_path, small_tissue, anatomy, monkeypatch):
    def never(*_, **__):
        raise AssertionError("registration must not start")

    monkeypatch.setattr("gliofit.patients.preparation.register", never)
    patient = small_patient(tmp_path / "A", small_tissue, seg=np.zeros(small_tissue.shape))
    with pytest.raises(InputError, match="the segmentation is empty"):
        prepare_patient(patient, anatomy, "fast", tmp_path / "out")


def test_a_folder_that_is_not_complete(tmp_path, prepared):
    folder = tmp_path / "out"
    save_volume(folder / "core.nii.gz", np.zeros((2, 2, 2), np.uint8), np.eye(4))
    with pytest.raises(InputError, match=r"core.nii.gz: shape \(2, 2, 2\) differs"):
        load_prepared(folder)
    report = json.loads((folder / "prepared.json").read_text())
    assert report["patient"]["id"] == "A"
    (folder / "prepared.json").unlink()
    with pytest.raises(InputError, match="not \\(completely\\) prepared"):
        load_prepared(folder)


def test_atlas_space_patient_without_t1(shared, tmp_path, small_tissue):
    """A GliODIL case: segmentation, FET and brain mask only, in the atlas's space."""
    from gliofit.patients.discovery import discover

    patient = next(p for p in discover(shared / "patients").patients if p.id == "GliODIL-data_001")
    # any anatomy that fills a head serves here; the real one needs a download
    affine = np.array([[-1.0, 0, 0, -119.5], [0, 1, 0, 119.5], [0, 0, 1, 77.5], [0, 0, 0, 1]]) @ small_tissue.affine
    from gliofit import Tissue

    tissue = Tissue(small_tissue.wm, small_tissue.gm, small_tissue.csf, affine)
    t1 = Volume(np.where(tissue.brain, tissue.wm, 0), affine)
    report = prepare_patient(patient, Anatomy(t1, tissue), "fast", tmp_path / "out")
    assert report["tissue"] == "atlas"
    assert any("unregistered" in w for w in report["warnings"])
    assert any("brain Dice" in w for w in report["warnings"])
    prepared = load_prepared(tmp_path / "out")
    assert prepared.shape == (240, 240, 155)
    assert prepared.fet.max() > 0
    assert set(np.unique(prepared.recurrence)) == {0, 2}  # a mask
    assert prepared.tissue.mask[prepared.whole].all()


def test_a_cavity_holds_no_tissue_and_no_cells(tmp_path, small_tissue, anatomy):
    """BraTS 2024's label 4: 0 in the maps, out of outlines, and 0 in a density that comes back to the scan."""
    world = small_tissue.to_world(np.moveaxis(np.indices(small_tissue.shape), 0, -1))
    distance = np.linalg.norm(world - np.array(TUMOUR_MM), axis=-1)
    seg = np.select([distance < 7, distance < 11, distance < 15], [4, 3, 2], 0) * small_tissue.brain
    patient = replace(small_patient(tmp_path / "A", small_tissue, maps=True, seg=seg), labels="brats2024")
    report = prepare_patient(patient, anatomy, "fast", tmp_path / "out")
    prepared = load_prepared(tmp_path / "out")
    cavity = prepared.cavity
    assert cavity.sum() == (seg == 4).sum() > 0
    assert report["volumes_ml"]["cavity"] == pytest.approx(cavity.sum() * 0.064, abs=1e-3)
    for fraction in (prepared.tissue.wm, prepared.tissue.gm, prepared.tissue.csf):
        assert not fraction[cavity].any()
    assert not (prepared.whole & cavity).any()
    assert prepared.brain[cavity].all()
    problem = patient_problem(prepared, 4.0)
    fit = invert(problem.target, problem.tissue, iterations=30, uncertainty=False)
    density = prepared.to_scan(fit.density, problem.tissue.affine)
    assert density.max() > 0.3
    assert not density[cavity].any()
    scores = data_fit(density, prepared)
    assert scores["dice_core"] > 0.3  # a shell of one or two voxels
    filled = np.where(cavity, 1, density)  # Dice counts the cavity where cells are
    assert data_fit(filled, prepared)["dice_core"] < scores["dice_core"]


def test_a_tumour_in_the_ventricle_alone_is_said(tmp_path, small_tissue, anatomy):
    fluid = small_tissue.csf > 0.6
    seg = np.where(fluid & (np.abs(np.indices(fluid.shape) - 11.5).max(0) < 4), 3, 0)
    assert seg.any()
    report = prepare_patient(
        small_patient(tmp_path / "A", small_tissue, maps=True, seg=seg), anatomy, "fast", tmp_path / "o"
    )
    assert any("of the tumour core lies where the tissue maps have CSF" in warning for warning in report["warnings"])


def test_outputs_say_what_they_are(prepared, tmp_path):
    intents = {"wm": ("estimate", "fraction"), "seg": ("label", "label"), "core": ("label", "mask")}
    for name, (intent, kind) in intents.items():
        header = nib.load(tmp_path / "out" / f"{name}.nii.gz").header
        assert header.get_xyzt_units()[0] == "mm"
        assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
        assert header.get_intent()[::2] == (intent, kind)
        assert header["descrip"].item().startswith(b"GlioFit: ")


@pytest.mark.parametrize("axis", [1, 2])
def test_agreement_inside_the_brain_tells_a_turned_atlas(axis):
    from heads import BRAIN, CSF, GM, SEG, T1, WM

    # white matter alone in one half, so that a turn shows
    half = np.indices(T1.shape)[axis] > T1.shape[axis] // 2
    maps = [np.where(half, own, plain) for own, plain in ((WM, BRAIN), (GM, False), (CSF, False))]
    scan, spacing = np.where(half, T1, 700 * BRAIN), np.full(3, 3.0)
    right = tissue_agreement(scan, maps, BRAIN, SEG > 0, spacing)
    turned = tissue_agreement(scan, [np.flip(m, axis) for m in maps], BRAIN, SEG > 0, spacing)
    assert right > 2 * GOOD > 4 * turned
    assert np.isnan(tissue_agreement(scan, maps, SEG > 0, SEG > 0, spacing))
