"""Distances along tissue against ways whose length is known."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit import Tissue
from gliofit.anatomy.geodesic import tissue_distance
from gliofit.planning.plans import geodesic_plan


def slab(shape, spacing=(1.0, 1.0, 1.0), grey=0.0) -> Tissue:
    ones = np.ones(shape, np.float32)
    return Tissue((1 - grey) * ones, grey * ones, 0 * ones, np.diag([*spacing, 1.0]))


def test_without_obstacles_it_is_the_distance():
    tissue = slab((31, 31, 21), (1.0, 1.0, 1.5))
    source = np.zeros(tissue.shape, bool)
    source[0] = True
    np.testing.assert_allclose(tissue_distance(source, tissue)[:, 7, 7], np.arange(31), atol=1e-5)
    ball = np.zeros(tissue.shape, bool)
    away = np.linalg.norm((np.moveaxis(np.indices(tissue.shape), 0, -1) - [15, 15, 10]) * tissue.spacing, axis=-1)
    ball[away <= 4] = True
    found, straight = tissue_distance(ball, tissue), np.maximum(away - 4, 0)
    assert (found - straight)[~ball].min() > -0.9  # the ball's own surface is voxels
    assert np.abs(found - straight).max() < 1.7


def test_the_way_around_a_wall():
    tissue = slab((41, 41, 5))
    wm = tissue.wm.copy()
    wm[20, :31] = 0  # a wall from y = 0 to 30 in which cells cannot go
    tissue = Tissue(wm, tissue.gm, 1 - wm, tissue.affine)
    source = np.zeros(tissue.shape, bool)
    source[10, 10] = True
    found = tissue_distance(source, tissue)
    around = 2 * np.hypot(10, 21)
    assert around < found[30, 10, 2] < 1.08 * around
    assert np.isinf(found[20, 10, 2])
    assert found[10, 20, 2] == pytest.approx(10, abs=1e-4)
    plan = geodesic_plan(source, tissue, np.ones(tissue.shape, bool), 25)
    assert not plan[21:, :20].any()
    assert plan[10, 34].all()


def test_grey_matter_is_as_long_as_it_costs():
    tissue = slab((30, 5, 5), grey=1.0)
    source = np.zeros(tissue.shape, bool)
    source[0] = True
    np.testing.assert_allclose(
        tissue_distance(source, tissue, 200, np.sqrt(10))[:, 2, 2], np.sqrt(10) * np.arange(30), rtol=1e-5
    )


def test_no_source_and_no_way():
    tissue = slab((10, 10, 10))
    assert np.isinf(tissue_distance(np.zeros(tissue.shape, bool), tissue)).all()
    wm = tissue.wm.copy()
    wm[5] = 0
    source = np.zeros(tissue.shape, bool)
    source[0] = True
    found = tissue_distance(source, Tissue(wm, 0 * wm, 1 - wm, tissue.affine))
    assert np.isinf(found[5:]).all()
    assert np.isfinite(found[:5]).all()
