"""Masks that grow, shrink and are filled, against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from gliofit.base.masks import dilated, eroded, without_holes


@pytest.mark.parametrize("density", [0.02, 0.5, 0.9, 0.0, 1.0])
@pytest.mark.parametrize("order", ["C", "F"])
def test_as_scipy_has_it(density, order):
    rng = np.random.default_rng(3)
    mask = np.array(rng.random((9, 12, 10)) < density, order=order)
    before = mask.copy()
    for steps in (1, 2):
        np.testing.assert_array_equal(dilated(mask, steps), ndimage.binary_dilation(mask, iterations=steps))
        for outside in (False, True):
            known = ndimage.binary_erosion(mask, iterations=steps, border_value=outside)
            np.testing.assert_array_equal(eroded(mask, steps, outside), known)
    np.testing.assert_array_equal(without_holes(mask), ndimage.binary_fill_holes(mask))
    np.testing.assert_array_equal(mask, before)


def test_a_hole_is_what_no_way_over_faces_leads_out_of():
    ball = np.ones((5, 5, 5), bool)
    ball[2, 2, 2] = False
    assert without_holes(ball).all()
    ball[1, 2, 1] = False  # touches it at an edge alone
    assert without_holes(ball).all()
    ball[0:3, 2, 2] = False
    assert not without_holes(ball)[2, 2, 2]
