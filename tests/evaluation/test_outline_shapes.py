"""Shapes of outlines whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit.base.masks import surface
from gliofit.evaluation.outline_shapes import shape_of, shapes


def ball(radius: float, spacing: float, centre=(0.0, 0.0, 0.0)) -> np.ndarray:
    axis = np.arange(-40, 40 + spacing / 2, spacing)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 < radius**2


@pytest.mark.parametrize("spacing", [1.0, 2.0])
def test_a_ball(spacing):
    mask = ball(20, spacing)
    found = shape_of(mask, np.full(3, spacing))
    assert found["volume"] == pytest.approx(4 / 3 * np.pi * 8, rel=0.03)
    assert found["surface"] == pytest.approx(1, abs=0.05)
    assert found["smoothness"] > 0.96
    assert (found["pieces"], found["holes"], found["largest"]) == (1, 0, 1)
    assert surface(mask, np.full(3, spacing)) == pytest.approx(4 * np.pi * 400, rel=0.05)


def test_pieces_holes_and_roughness():
    mask = ball(20, 1.0) & ~ball(5, 1.0) | ball(6, 1.0, (32, 0, 0))
    mask[0, 0, 0] = True  # a speck
    found = shape_of(mask, np.ones(3))
    assert (found["pieces"], found["holes"]) == (2, 1)
    assert found["largest"] == pytest.approx(1 - 6**3 / (20**3 - 5**3 + 6**3), abs=0.01)
    torn = ball(20, 1.0) & (np.random.default_rng(0).random(mask.shape) > 0.3)
    assert shape_of(torn, np.ones(3))["surface"] > 3
    thin = np.zeros_like(mask)
    thin[10:70, 10:70, 40:43] = True
    assert shape_of(thin, np.ones(3))["smoothness"] < 0.75


def test_both_outlines_and_their_ratio():
    found = shapes(ball(10, 1.0), ball(20, 1.0), np.ones(3))
    assert found["ratio"] == pytest.approx(1 / 8, rel=0.05)
    assert found["core_volume"] < found["whole_volume"]
    empty = shapes(np.zeros((9, 9, 9), bool), np.ones((9, 9, 9), bool), np.ones(3))
    assert empty["ratio"] == 0
    assert np.isnan(empty["core_surface"])
