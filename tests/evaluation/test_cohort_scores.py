"""Scores on the cohort: of the truth itself, of nothing, and of the number of foci."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gliofit import Theta, simulate
from gliofit.evaluation.cohort_scores import UNSEEN_MM, fit_scores, foci_scores, truth_scores, unseen
from gliofit.patients.prepared import Prepared


@pytest.fixture(scope="module")
def case(small_tissue):
    truth = simulate(small_tissue, Theta((-14.0, 4.0, 2.0), 10.0, 3.2))
    core, whole = truth >= 0.6, truth >= 0.25
    labels = np.select([core, whole], [3, 2], 0).astype(np.uint8)
    report = {"patient": {"id": "made", "seg": "seg.nii.gz"}}
    return Prepared(small_tissue, labels, core, whole, small_tissue.brain, report), truth


def test_the_truth_explains_all(case):
    patient, truth = case
    assert fit_scores(truth, truth, patient) == {"dice_core": 1, "dice_whole": 1, "rmse_unseen": 0, "failed": 0}


def test_the_truth_is_scored_by_outlines_alone(case):
    patient, truth = case
    assert truth_scores(truth, patient) == {"dice_core": 1, "dice_whole": 1, "failed": 0}
    shifted = replace(patient, core=np.roll(patient.core, 1, 0), whole=np.roll(patient.whole, 1, 0))
    assert max(truth_scores(truth, shifted)[name] for name in ("dice_core", "dice_whole")) < 1


def test_nothing_explains_nothing(case):
    patient, truth = case
    found = fit_scores(np.zeros_like(truth), truth, patient)
    assert found["failed"] == 1
    near = unseen(patient)
    assert found["rmse_unseen"] == pytest.approx(np.sqrt(np.mean(truth[near] ** 2)))
    assert not (near & patient.whole).any()
    away = np.linalg.norm(np.argwhere(near)[:, None] - np.argwhere(patient.whole), axis=-1).min(1) * 4
    assert away.max() <= UNSEEN_MM


@pytest.mark.parametrize(
    ("found", "true", "apart", "one", "several"),
    [
        (1, 1, np.inf, 1, None),
        (2, 1, np.inf, 0, None),
        (2, 2, 25.0, None, 1),
        (1, 2, 25.0, None, 0),
        (1, 2, 15.0, None, None),
    ],
)
def test_foci(found, true, apart, one, several):
    scores = foci_scores(found, true, apart)
    for value, expected in zip(scores.values(), (one, several), strict=True):
        assert np.isnan(value) if expected is None else value == expected
