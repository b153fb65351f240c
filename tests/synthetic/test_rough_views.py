"""Rough views of simulated tumours: like the cohort's outlines, and quickly made."""

import numpy as np
import pytest

from gliofit import Theta, simulate
from gliofit.base.overlap import dice
from gliofit.evaluation.outline_shapes import shape_of
from gliofit.synthetic import rough_views
from gliofit.synthetic.cohort_truth import SHARE, THRESHOLDS
from gliofit.synthetic.rough_outlines import CORE, WHOLE, rough
from gliofit.synthetic.rough_views import RoughViews
from gliofit.synthetic.shards import Case

SPACING = 4.0


@pytest.fixture(scope="module")
def case(small_tissue):
    density = simulate(small_tissue, Theta((6.0, -10.0, 4.0), 9.0, 3.0))
    maps = np.stack([small_tissue.wm, small_tissue.gm, small_tissue.csf])
    return Case(density, maps, np.zeros(5, np.float32))


@pytest.fixture(scope="module")
def views(case):
    return RoughViews(case.density.shape, SPACING)


def test_a_view_is_a_patient_as_preparation_leaves_it(case, views):
    """The core within the whole tumour, all within the brain; tissue adds up to 1, and the core is white matter."""
    brain = case.tissue.sum(0) > 0
    core, whole, maps = views(case, np.random.default_rng(0))
    assert 0 < core.sum() < whole.sum()
    assert not (core & ~whole).any()
    assert not (whole & ~brain).any()
    inside = maps.sum(0) > 0
    np.testing.assert_allclose(maps.sum(0)[inside], 1, atol=1e-5)
    np.testing.assert_allclose(maps[0][core], 1, atol=1e-5)
    assert maps[2][whole].max() == 0
    np.testing.assert_allclose(maps[:, inside & ~whole].sum(0), 1, atol=1e-5)


def test_views_are_drawn_anew_and_can_be_repeated(case, views):
    first, other, again = (views(case, np.random.default_rng(seed)) for seed in (1, 2, 1))
    assert dice(first[1], other[1]) < 0.97
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_displacement_outlines_are_isodensities(case, views, monkeypatch):
    """But for the mean over three voxels that steepness is taken of."""
    monkeypatch.setattr(rough_views, "SATELLITES", 0.0)
    monkeypatch.setattr(rough_views, "displacement", lambda radius, wm, *rest: np.zeros(wm.shape))
    monkeypatch.setattr(RoughViews, "thresholds", lambda *_: (0.6, 0.2))
    core, whole = views.outlines(case.density, case.tissue[0], case.tissue.sum(0) > 0, np.random.default_rng(0))
    assert dice(core, case.density > 0.6) > 0.9
    assert dice(whole, case.density > 0.2) > 0.9


def test_outlines_are_as_rough_as_the_cohorts(case, views, small_tissue, monkeypatch):
    """Dice with the isodensity and surface, on average over twelve, beside those of exact distances and fields."""
    monkeypatch.setattr(rough_views, "SATELLITES", 0.0)
    monkeypatch.setattr(RoughViews, "thresholds", lambda *_: (0.6, 0.2))
    brain = case.tissue.sum(0) > 0
    isodensities = case.density > 0.6, case.density > 0.2

    def measures(outlines):
        rows = []
        for outline, isodensity in zip(outlines, isodensities, strict=True):
            rows.append([dice(outline, isodensity), shape_of(outline, np.full(3, SPACING))["surface"]])
        return np.array(rows)

    rng = np.random.default_rng(0)
    quick = [measures(views.outlines(case.density, case.tissue[0], brain, rng)) for _ in range(12)]
    exact = [
        measures([rough(m, small_tissue, how, rng) for m, how in zip(isodensities, (CORE, WHOLE), strict=True)])
        for _ in range(12)
    ]
    np.testing.assert_allclose(np.mean(quick, 0), np.mean(exact, 0), rtol=0.12)


def test_shares_of_core_are_drawn_towards_those_of_patients(case, views):
    """Of all that the thresholds allow, those nearer to the middle of patients' shares."""
    rng = np.random.default_rng(0)
    ranges = [THRESHOLDS[name] for name in ("core", "whole")]

    def far(levels):
        core, whole = ((case.density > level).sum() for level in levels)
        return abs(np.log(core / (whole - core)) - np.log(SHARE / (1 - SHARE)))

    drawn = [views.thresholds(case.density, rng) for _ in range(60)]
    plain = [sorted((rng.uniform(*r) for r in ranges), reverse=True) for _ in range(60)]
    assert all(high > low and low >= 0.03 and high <= 0.9 for high, low in drawn)
    assert np.mean([far(levels) for levels in drawn]) < np.mean([far(levels) for levels in plain])


def test_satellites_reach_beyond_the_outline(case, views, monkeypatch):
    monkeypatch.setattr(rough_views, "displacement", lambda radius, wm, *rest: np.zeros(wm.shape))
    monkeypatch.setattr(RoughViews, "thresholds", lambda *_: (0.85, 0.5))
    arguments = case.density, case.tissue[0], case.tissue.sum(0) > 0
    volumes = []
    for share in (0.0, 1.0):
        monkeypatch.setattr(rough_views, "SATELLITES", share)
        masks = [views.outlines(*arguments, np.random.default_rng(seed))[1] for seed in range(8)]
        volumes.append(np.array([mask.sum() for mask in masks]))
    assert (volumes[1] > volumes[0]).mean() > 0.7
    assert volumes[1].mean() < 2 * volumes[0].mean()


def test_a_tumour_that_is_hardly_there_is_seen(case, views, monkeypatch):
    """Where fields of view are cut, too: of a single voxel nothing would be left."""
    monkeypatch.setattr("gliofit.synthetic.cohort.CUT", 1.0)
    faint = Case(case.density * 0.05, case.tissue, case.theta)
    single = Case(np.where(case.density == case.density.max(), 0.02, 0.0), case.tissue, case.theta)
    for seed in range(8):
        core, whole, _ = views((faint, single)[seed % 2], np.random.default_rng(seed))
        assert whole.any()
        assert core.sum() <= whole.sum()
