"""Values of fields in some voxels."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit.growth.cpu.gather import gathered


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fields_that_are_a_window_of_larger_ones(dtype):
    whole = np.random.default_rng(0).random((3, 7, 9, 11)).astype(dtype)
    index = np.array([0, 3, 41, 99])
    for fields in (whole, whole[:, 1:6, 2:8, 1:10], whole[::-1, :, ::2, ::-1]):
        found = gathered(fields, index)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, fields.reshape(len(fields), -1)[:, index])
        assert gathered(fields, index[:0]).shape == (3, 0)
