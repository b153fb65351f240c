"""Resampling between grids whose axes are parallel, against interpolation point by point."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from gliofit.base import grids


def by_points(data, affine, shape, target, fine):
    """Mean over fine³ points of each voxel, each interpolated linearly (zero outside)."""
    steps = [(np.arange(n * f) + 0.5) / f - 0.5 for n, f in zip(shape, fine, strict=True)]
    points = np.stack(np.meshgrid(*steps, indexing="ij"), -1)
    index = grids.to_voxel(affine, grids.to_world(target, points))
    values = ndimage.map_coordinates(data, index.reshape(-1, 3).T, order=1, mode="grid-constant")
    nx, ny, nz = shape
    return values.reshape(nx, fine[0], ny, fine[1], nz, fine[2]).mean((1, 3, 5))


@pytest.mark.parametrize("spacing", [4.0, 2.0, 1.0, 0.5])
def test_flipped_and_permuted_axes(spacing):
    # thick slices along the body's x, the first axis runs against y
    affine = np.array([[0, 0, 3, 5], [-1, 0, 0, 7], [0, 1, 0, -3], [0, 0, 0, 1.0]])
    data = np.random.default_rng(0).random((15, 18, 7)).astype(np.float32)
    shape, target = grids.aligned_grid(affine, np.ones(data.shape, bool), spacing)
    fine = (max(1, round(spacing)),) * 3
    found = grids.resample(data, affine, shape, target)
    assert found.dtype == np.float32
    assert found.shape == shape
    assert found.flags.c_contiguous
    assert np.abs(found - by_points(data, affine, shape, target, fine)).max() < 1e-6
    assert found.sum() * spacing**3 == pytest.approx(3 * data.sum(), rel=0.02)


def test_a_tilted_grid_goes_the_general_way():
    affine, tilt = np.eye(4), np.deg2rad(10)
    affine[:2, :2] = [[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]
    data = np.random.default_rng(1).random((12, 12, 12)).astype(np.float32)
    target = np.diag([2.0, 2.0, 2.0, 1.0])
    found = grids.resample(data, affine, (6, 6, 6), target)
    assert np.abs(found - by_points(data, affine, (6, 6, 6), target, (2, 2, 2))).max() < 1e-6


def test_labels_are_taken_from_the_nearest_voxel():
    data = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    found = grids.resample(data, np.diag([2, 2, 2, 1.0]), (4, 4, 4), np.diag([1, 1, 1, 1.0]), order=0)
    assert found.dtype == np.uint8
    assert set(np.unique(found)) <= set(range(8))


def test_the_box_of_a_mask_with_room_stays_within_the_grid():
    mask = np.zeros((9, 8, 7), bool, order="F")
    mask[1, 3:5, 2] = mask[4, 4, 6] = True
    assert grids.box_of(mask) == (slice(1, 5), slice(3, 5), slice(2, 7))
    assert grids.box_of(mask, 2) == (slice(0, 7), slice(1, 7), slice(0, 7))
    assert grids.box_of(mask, np.array([0, 1, 5])) == (slice(1, 5), slice(2, 6), slice(0, 7))
