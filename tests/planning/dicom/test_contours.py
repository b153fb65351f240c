"""Contours enclose the voxels' whole area, and no more; holes and pieces included."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.path import Path as Polygon

from gliofit.planning.dicom.contours import contours


def _area(corners: np.ndarray) -> float:
    i, j = corners.T
    return abs(float(np.sum(np.roll(i, -1) * j - i * np.roll(j, -1)))) / 2


def _filled(mask: np.ndarray) -> np.ndarray:
    """By matplotlib, from the centres of voxels; each contour as filled by itself."""
    out = np.zeros(mask.size, bool)
    for corners in contours(mask):
        closed = Polygon(np.vstack([corners, corners[:1]]), closed=True)
        out |= closed.contains_points(np.argwhere(np.ones(mask.shape)))
    return out.reshape(mask.shape)


def test_one_voxel_is_a_square_along_its_edges():
    mask = np.zeros((4, 5), bool)
    mask[2, 3] = True
    (corners,) = contours(mask)
    assert {tuple(c) for c in corners} == {(1.5, 2.5), (2.5, 2.5), (2.5, 3.5), (1.5, 3.5)}
    assert len(corners) == 4


def test_ten_by_ten_is_a_hundred():
    mask = np.zeros((12, 12), bool)
    mask[1:11, 1:11] = True
    (corners,) = contours(mask)
    assert len(corners) == 4
    assert _area(corners) == 100


def test_a_hole_is_joined_by_a_channel_of_no_width():
    mask = np.ones((5, 7), bool)
    mask[2, 3:5] = False
    (corners,) = contours(mask)
    assert _area(corners) == 33
    np.testing.assert_array_equal(_filled(mask), mask)


def test_pieces_that_touch_by_a_corner_are_two():
    mask = np.eye(2, dtype=bool)
    assert [_area(c) for c in contours(mask)] == [1, 1]


def test_an_island_in_a_hole_is_a_contour_of_its_own():
    mask = np.ones((7, 7), bool)
    mask[1:6, 1:6] = False
    mask[3, 3] = True
    assert sorted(_area(c) for c in contours(mask)) == [1, 24]


def test_nothing_has_no_contour():
    assert contours(np.zeros((3, 3), bool)) == []


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.95])
def test_any_mask_comes_back(share):
    rng = np.random.default_rng(int(100 * share))
    for _ in range(30):
        mask = rng.random(rng.integers(1, 15, 2)) < share
        np.testing.assert_array_equal(_filled(mask), mask)
        # each contour is one connected piece with its holes cut out
        assert sum(_area(c) for c in contours(mask)) == mask.sum()
