"""GliODIL's metrics on a patient whose density is known."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from gliofit.anatomy.tissue import Tissue
from gliofit.base.overlap import dice
from gliofit.evaluation.patient_scores import best_threshold, coverages, data_fit
from gliofit.observation.thresholds import SCORED
from gliofit.patients.prepared import Prepared

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
BRAIN = np.ones((24, 24, 24), bool)


def density() -> np.ndarray:
    r = np.linalg.norm(np.moveaxis(np.indices(BRAIN.shape), 0, -1) - 11.5, axis=-1)
    return (1 / (1 + np.exp(r - 6))).astype(np.float32)


def patient(tmp_path, **files: np.ndarray) -> Prepared:
    """A patient whose core is c ≥ 0.6 and whose whole tumour c ≥ 0.25."""
    c = density()
    labels = np.select([c >= 0.9, c >= 0.6, c >= 0.25], [1, 3, 2], 0).astype(np.uint8)
    row = {"id": "A", "seg": str(tmp_path / "seg.nii.gz")}
    for name, data in files.items():
        row[name] = str(tmp_path / f"{name}.nii.gz")
        nib.save(nib.Nifti1Image(data.astype(np.float32), AFFINE), row[name])
    zero = np.zeros(BRAIN.shape)
    tissue = Tissue(np.ones(BRAIN.shape), zero, zero, AFFINE)
    return Prepared(tissue, labels, np.isin(labels, (1, 3)), labels > 0, BRAIN, {"patient": row})


def test_the_true_density_explains_its_own_segmentation(tmp_path):
    scores = data_fit(density(), patient(tmp_path, fet=5 * density()))
    assert (scores["dice_core"], scores["dice_whole"], scores["dice_edema"]) == (1.0, 1.0, 1.0)
    assert scores["pet_correlation"] == pytest.approx(1.0)
    assert scores["threshold_core"] <= 0.6
    assert scores["threshold_whole"] <= 0.25


def test_a_displaced_density_explains_less(tmp_path):
    moved = data_fit(np.roll(density(), 3, axis=0), patient(tmp_path))
    assert 0.2 < moved["dice_edema"] < moved["dice_core"] < moved["dice_whole"] < 0.95
    assert np.isnan(moved["pet_correlation"])


def test_best_threshold_is_the_best_of_all_on_the_grid():
    rng = np.random.default_rng(3)
    c = rng.random((12, 12, 12)).astype(np.float32)
    mask = c + 0.3 * rng.standard_normal(c.shape) > 0.7
    found, score = best_threshold(c, mask, SCORED.core)
    tried = {t: dice(c >= np.float32(t), mask) for t in np.round(np.arange(0.45, 0.851, 0.01), 6)}
    assert score == pytest.approx(max(tried.values()))
    assert tried[found] == pytest.approx(score)


def test_thresholds_of_nothing():
    nothing = np.zeros((3, 3, 3), np.float32)
    assert np.isnan(best_threshold(nothing, nothing > 0, SCORED.core)[1])
    assert best_threshold(nothing, nothing == 0, SCORED.core)[1] == 0


def test_coverage_of_the_patients_recurrence(tmp_path):
    recurrence = np.zeros(BRAIN.shape)
    recurrence[2:4, 4, 4], recurrence[6:12, 4, 4] = 3, 2
    plan = np.zeros(BRAIN.shape, bool)
    plan[3:8, 4, 4] = True
    found = coverages(plan, patient(tmp_path, recurrence=recurrence))
    assert found == {"coverage_narrow": 0.5, "coverage_broad": 3 / 8}


def test_no_recurrence_is_undefined_and_not_full(tmp_path):
    for one in (patient(tmp_path), patient(tmp_path, recurrence=np.zeros(BRAIN.shape))):
        found = coverages(BRAIN, one)
        assert np.isnan(list(found.values())).all()
