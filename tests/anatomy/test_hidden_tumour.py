"""Holes filled from around."""

import numpy as np
import pytest

from gliofit.anatomy.hidden_tumour import filled, widened

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
SHAPE = (40, 44, 36)
INDEX = np.indices(SHAPE)
BRAIN = (((INDEX - 19) / 17.0) ** 2).sum(0) < 1


@pytest.mark.parametrize("radius", [3, 12])
def test_a_hole_gets_what_is_around_it_and_nothing_of_the_tumour(radius):
    healthy = (BRAIN * (500 + 4.0 * INDEX[0])).astype(np.float32)
    hidden = np.linalg.norm(INDEX - np.array([20, 19, 18])[:, None, None, None], axis=0) < radius
    out = [filled(np.where(hidden, v, healthy), BRAIN.astype(float), hidden, AFFINE) for v in (5000.0, 0.0)]
    np.testing.assert_array_equal(*out)  # whatever stands in the hole
    np.testing.assert_array_equal(out[0][~hidden], healthy[~hidden])
    inside = BRAIN & hidden
    assert np.abs(out[0] - healthy)[inside].max() < 4.0 * 1.1 * radius
    assert np.abs(np.mean((out[0] - healthy)[inside])) < 6


def test_outside_the_brain_stays_dark():
    hidden = INDEX[0] < 12  # across the brain's surface
    out = filled(np.where(hidden & BRAIN, 3000.0, BRAIN * 500.0), BRAIN.astype(float), hidden, AFFINE)
    assert out[~BRAIN].max() == 0
    assert out[BRAIN].min() > 490
    assert out[BRAIN].max() < 510


def test_a_rim_is_in_mm():
    point = np.zeros((21, 21, 21), bool)
    point[10, 10, 10] = True
    rim = widened(point, np.diag([1.0, 1.0, 3.0, 1.0]), 3)
    assert rim[13, 10, 10]
    assert not rim[14, 10, 10]
    assert rim[10, 10, 11]
    assert not rim[10, 10, 12]
    assert widened(np.zeros(3, bool).reshape(3, 1, 1), AFFINE, 3).sum() == 0
