"""Scores against the truth: perfect for the truth itself, and known for simple mistakes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofit.evaluation.gliodil_scores import MARGINS_MM, errors, fit_scores, margin_scores, missed
from gliofit.evaluation.gliodil_study import guess_rows, weight_rows
from gliofit.evaluation.statistics import signed_rank_test
from gliofit.planning.plans import standard_plan
from gliofit.reporting.figures.gliodil_patients import View, synthetic_patients
from gliofit.synthetic.gliodil_patient import load_patient, make_patient


@pytest.fixture(scope="module")
def case(small_tissue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("patients") / "multi_0"
    make_patient(small_tissue, folder, "multi", seed=5)
    return load_patient(folder, small_tissue)


def test_the_truth_scores_best(case):
    patient, truth = case
    scores = fit_scores(truth, truth, patient)
    assert scores["rmse"] == scores["rmse_core"] == scores["rmse_edema"] == scores["rmse_hidden"] == 0
    assert scores["dice_low"] == 1
    standard = margin_scores(truth, patient)
    for margin in MARGINS_MM:
        assert scores[f"missed_{margin:g}"] <= standard[f"missed_{margin:g}"]
        assert scores[f"better_{margin:g}"] >= 0.5


def test_errors_are_counted_where_they_are(case):
    patient, truth = case
    off = truth.copy()
    off[patient.core] += 0.1
    found = errors(off, truth, patient)
    near = standard_plan(patient.core, patient.tissue.mask, patient.tissue.spacing)
    assert found["rmse_core"] == pytest.approx(0.1, rel=1e-3)
    assert found["rmse_edema"] == found["rmse_hidden"] == 0
    assert found["rmse"] == pytest.approx(0.1 * np.sqrt(patient.core.sum() / near.sum()), rel=1e-3)


def test_missed_is_the_share_of_unseen_cells_outside(case):
    patient, truth = case
    assert missed(np.ones(truth.shape, bool), truth, patient) == 0
    assert missed(patient.whole, truth, patient) == pytest.approx(1)
    half = patient.whole.copy()
    half[: truth.shape[0] // 2] = True
    hidden = np.where(patient.whole, 0, truth)
    assert missed(half, truth, patient) == pytest.approx(hidden[~half].sum() / hidden.sum(), rel=1e-5)
    assert np.isnan(missed(half, np.where(patient.whole, truth, 0), patient))


def test_a_tumour_elsewhere_is_worse_than_the_standard_plan(case):
    patient, truth = case
    scores = fit_scores(np.roll(truth, 6, axis=1), truth, patient)
    assert scores["better_5"] == 0
    assert scores["missed_5"] > margin_scores(truth, patient)["missed_5"]


def test_signed_rank_test():
    a, b = pd.Series([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.3]), pd.Series([2e-6, 3e-5, 2e-4, 5e-3, 2e-2, 0.9])
    assert signed_rank_test(a, b) == (pytest.approx(2 / 2**6), 6)  # all six of one sign
    assert signed_rank_test(a, a) == (1.0, 6)
    assert np.isnan(signed_rank_test(a[:1], b)[0])


def test_the_figure_is_drawn(case, tmp_path):
    patient, truth = case
    views = [View(name, patient, {"True density": truth, "Fit, MRI": 0.8 * truth}) for name in ("One", "Three")]
    rows = [
        (f"{kind}_{i}", kind, method, metric, 10.0 ** -(i + 1))
        for kind in ("single", "multi")
        for i in range(2)
        for method in ("standard", "fit/mri")
        for metric in ("missed_15", "missed_5", *(["rmse", "rmse_hidden"] if method != "standard" else []))
    ]
    metrics = pd.DataFrame(rows, columns=["case", "set", "method", "metric", "value"])
    synthetic_patients(tmp_path / "figure", views, metrics, {"standard": "Standard plan", "fit/mri": "Fit, MRI"})
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "figure.pdf").stat().st_size > 10_000


def test_a_margin_along_tissue_is_another_order_at_the_same_volumes(case):
    patient, truth = case
    straight, along = (margin_scores(truth, patient, along_tissue=way) for way in (False, True))
    assert straight["plan_voxels"] == along["plan_voxels"]
    assert straight["missed_15"] != along["missed_15"]
    # the truth itself, as a density, covers its own recurrence no worse than half as well as the margin
    assert fit_scores(truth, truth, patient)["area_broad"] > 0.5 * straight["area_broad"] > 0


def test_more_volume_covers_more(case):
    patient, truth = case
    curve = [v for name, v in margin_scores(truth, patient).items() if name.startswith("coverage_broad_")]
    assert curve == sorted(curve)
    assert 0 <= curve[0] <= curve[-1] <= 1


def test_the_studies_run_gliodil_with_every_weight_and_from_guesses_that_are_off(case):
    patient, truth = case
    settings = {"cells": 8, "times": 8, "iterations": (10, 5)}
    options = {"spacing": 4.0, "seed": 3, "threads": 1, "settings": settings}
    rows = weight_rows(patient, truth, [0.01, 100.0], **options) + guess_rows(patient, truth, 2, 0.2, **options)
    frame = pd.DataFrame(rows)
    assert set(frame["method"]) == {"gliodil", "pde_gliodil"}
    by = frame.set_index(["study", "setting", "method", "metric"])["value"]
    loose, strict = (by.loc[("pde_weight", weight, "gliodil", "dice_core")] for weight in (0.01, 100.0))
    assert loose != strict
    guesses = [by.loc[("guess", float(n), "gliodil", "dice_whole")] for n in range(2)]
    assert guesses[0] != guesses[1]
