"""The cohort without patients: truths that are what they say, and files that hold them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gliofit import Theta, Tissue, simulate
from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.base.files import read_json
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.inversion.patient_problem import patient_problem
from gliofit.synthetic import cohort_truth
from gliofit.synthetic.cohort import FINEST_MM, field_of_view, load_patient, make_patient, plain_outlines, scan_spacing
from gliofit.synthetic.cohort_truth import draw
from gliofit.synthetic.prior import Prior
from gliofit.synthetic.turned_head import Truth, TurnedHead

STRAIGHT = tuple(map(tuple, np.eye(3).tolist()))
PLAIN = Truth(((-14.0, 4.0, 2.0),), (1.0,), 8.0, 3.2, GREY_MATTER_RATIO, 1.0, STRAIGHT, 0.6, 0.2, 30.0, 60.0)


@pytest.fixture
def small_volumes(monkeypatch):
    """Tumours that fit into the small head."""
    monkeypatch.setattr(cohort_truth, "CORE_ML", 10.0)
    monkeypatch.setattr(cohort_truth, "CORE_RANGE", (3.0, 40.0))
    monkeypatch.setattr(cohort_truth, "WHOLE_ML", 80.0)
    monkeypatch.setattr(cohort_truth, "SHARE_RANGE", (0.2, 0.8))


@pytest.fixture(scope="module")
def block() -> Tissue:
    """White matter alone."""
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -47
    return Tissue(np.ones((48, 48, 48)), np.zeros((48, 48, 48)), np.zeros((48, 48, 48)), affine)


def test_on_an_unturned_grid_it_is_the_solvers_run(small_tissue):
    turned = TurnedHead.of(small_tissue, PLAIN, 4.0)
    there = grids.resample(turned.grow(PLAIN), turned.affine, small_tissue.shape, small_tissue.affine)
    usual = simulate(small_tissue, Theta(PLAIN.foci[0], PLAIN.mu_D, PLAIN.mu_rho))
    assert there.sum() == pytest.approx(usual.sum(), rel=0.05)
    assert np.sqrt(np.mean((there - usual) ** 2)) < 0.03


def test_a_tensor_stretches_the_tumour_along_its_axis(block):
    axes, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))
    truth = replace(PLAIN, foci=((0.0, 0.0, 0.0),), elongation=4.0, axes=tuple(map(tuple, axes.tolist())), mu_D=5.0)
    turned = TurnedHead.of(block, truth, 2.0)
    assert np.linalg.det(turned.to_stretched) == pytest.approx(np.linalg.det(axes), rel=1e-6)
    c = grids.resample(turned.grow(truth), turned.affine, block.shape, block.affine)
    points = block.to_world(np.argwhere(c > 0.3))
    spread = np.sqrt(((points @ axes) ** 2).mean(0))
    # a front's speed goes with the root of the diffusivity, less near the seed
    assert spread[0] / spread[1:].mean() == pytest.approx(2, abs=0.35)
    np.testing.assert_allclose(points.mean(0), 0, atol=0.7)


def test_a_later_focus_is_a_smaller_one(block):
    truth = replace(PLAIN, foci=((-20.0, 0.0, 0.0), (20.0, 0.0, 0.0)), weights=(1.0, 0.1), mu_D=4.0)
    turned = TurnedHead.of(block, truth, 2.0)
    c = turned.grow(truth)
    left = grids.to_world(turned.affine, np.argwhere(c > 0.3))[:, 0] < 0
    assert 0.1 < (~left).sum() / left.sum() < 0.8


def test_what_is_drawn_has_the_volumes(small_tissue, small_volumes):
    truth = draw(small_tissue, 2)
    assert truth == draw(small_tissue, 2)
    turned = TurnedHead.of(cohort_truth.head_of(small_tissue.working_grid(4.0), 2), truth, 4.0)
    c = turned.grow(truth)
    for threshold, wanted in ((truth.threshold_core, truth.core_ml), (truth.threshold_whole, truth.whole_ml)):
        assert np.count_nonzero(c > threshold) * 0.064 == pytest.approx(wanted, rel=0.2)
    two = draw(small_tissue, 3, foci=2)
    assert len(two.foci) == 2
    assert two.apart == pytest.approx(np.linalg.norm(np.subtract(*two.foci)))
    assert truth.apart == np.inf or len(truth.foci) > 1


def test_files_hold_what_was_drawn(tmp_path, small_tissue, small_volumes):
    make_patient(small_tissue, tmp_path / "7", 7, 8.0)
    patient, density, truth = load_patient(tmp_path / "7", small_tissue)
    about = read_json(tmp_path / "7/truth.json")
    assert about["synthetic"] is True
    assert truth == draw(small_tissue, 7)
    assert density.shape == patient.shape
    assert 0 < density.max() <= 1
    assert (patient.core & ~patient.whole).sum() == 0
    assert not (patient.whole & ~patient.brain).any()
    # the outlines are those of the density, roughly
    assert density[patient.core].mean() > density[patient.whole].mean() > density[patient.brain].mean()
    target = patient_problem(patient, 8.0).target
    assert target.core.sum() * 512 == pytest.approx(patient.core.sum() * 64, rel=1e-3)
    make_patient(small_tissue, tmp_path / "again", 7, 8.0)
    again, _, _ = load_patient(tmp_path / "again", small_tissue)
    np.testing.assert_array_equal(patient.labels, again.labels)


def test_a_tumour_that_pushes(tmp_path, small_tissue, small_volumes):
    """It lies elsewhere than one that does not; several foci, or another tensor, do not push."""
    about = {"foci": 1, "other_tensor": 0.0}
    for gamma in (0.0, 25.0):
        make_patient(small_tissue, tmp_path / f"{gamma:g}", 7, 8.0, **about, gamma=gamma)
    (_, still, truth), (_, pushed, same) = (load_patient(tmp_path / name, small_tissue) for name in ("0", "25"))
    assert truth == same
    assert read_json(tmp_path / "25/truth.json")["gamma"] == 25
    assert np.abs(pushed - still).max() > 0.02
    with pytest.raises(InputError, match="one focus and no other tensor"):
        make_patient(small_tissue, tmp_path / "2", 7, 8.0, foci=2, other_tensor=0.0, gamma=25.0)


def test_truths_are_grown_on_half_the_spacing():
    assert [scan_spacing(h) for h in (4.0, 2.0, 1.0)] == [2.0, 1.0, FINEST_MM]


def test_some_fields_of_view_end_in_the_tumour():
    whole = np.zeros((10, 10, 40), bool)
    whole[3:7, 3:7, 10:30] = True
    lost = [1 - (whole & field_of_view(whole, np.random.default_rng(i))).sum() / whole.sum() for i in range(200)]
    cut = [share for share in lost if share > 0]
    assert 5 < len(cut) < 45
    assert max(cut) <= 0.35


def test_the_plain_priors_outlines_nest(small_tissue):
    for core, whole in plain_outlines(small_tissue, Prior(volume=(5.0, 80.0)), 2, 1):
        assert whole.any()
        assert not (core & ~whole).any()
