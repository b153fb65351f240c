"""Rough outlines: as rough as asked, no specks, within the brain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gliofit.base.overlap import dice
from gliofit.synthetic.rough_outlines import CORE, SPECK_ML, Roughness, random_field, rough, without_specks

SMOOTH = Roughness(share=0, fine=0, affinity=0)


@pytest.fixture
def ball(small_tissue):
    world = small_tissue.to_world(np.moveaxis(np.indices(small_tissue.shape), 0, -1))
    return np.linalg.norm(world - np.array((-14.0, 6.0, 2.0)), axis=-1) < 18


def test_a_field_has_its_variance_and_length():
    field = random_field((64, 64, 64), np.array([1.0, 1.0, 2.0]), 4.0, np.random.default_rng(1))
    assert field.std() == pytest.approx(1)
    assert field.mean() == pytest.approx(0, abs=1e-9)
    for axis, step in ((0, 4), (2, 2)):  # 4 mm along either
        assert np.mean(field * np.roll(field, step, axis)) == pytest.approx(np.exp(-0.5), abs=0.08)


def test_without_roughness_nothing_moves(small_tissue, ball):
    np.testing.assert_array_equal(rough(ball, small_tissue, SMOOTH, np.random.default_rng(0)), ball)


def test_more_roughness_overlaps_less(small_tissue, ball):
    def overlap_at(share: float) -> float:
        moved = (rough(ball, small_tissue, replace(SMOOTH, share=share), np.random.default_rng(i)) for i in range(3))
        return float(np.mean([dice(m, ball) for m in moved]))

    overlap = [overlap_at(share) for share in (0.05, 0.2, 0.5)]
    assert overlap[0] > overlap[1] + 0.02
    assert overlap[1] > overlap[2] + 0.05


def test_affinity_reaches_further_into_white_matter(small_tissue, ball):
    moved = rough(ball, small_tissue, replace(SMOOTH, affinity=0.4), np.random.default_rng(0))
    gained, lost = moved & ~ball, ball & ~moved
    assert small_tissue.wm[gained].mean() > 0.8
    assert small_tissue.wm[lost].mean() < 0.5


def test_an_outline_stays_in_the_brain_and_has_no_specks(small_tissue, ball):
    for seed in range(3):
        moved = rough(ball, small_tissue, replace(CORE, share=0.6), np.random.default_rng(seed))
        assert moved.any()
        assert not (moved & ~small_tissue.brain).any()


def test_specks_and_pinholes_go():
    mask = np.zeros((30, 30, 30), bool)
    mask[5:20, 5:20, 5:20] = True
    whole = mask.copy()
    mask[10, 10, 10] = False
    mask[25, 25, 25] = True
    np.testing.assert_array_equal(without_specks(mask, np.ones(3)), whole)
    hole = whole.copy()
    hole[8:13, 8:13, 8:13] = False
    assert SPECK_ML < 125 / 1000
    np.testing.assert_array_equal(without_specks(hole, np.ones(3)), hole)
