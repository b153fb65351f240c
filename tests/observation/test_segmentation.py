"""Outlines: the best thresholds of a density, tumours without a core."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gliofit import JointTarget, PETTarget, SegmentationTarget, Theta, simulate
from gliofit.inversion.search.levenberg_marquardt import normal_equations
from gliofit.observation.partial_volume import WIDTH, steepness_by_voxel
from gliofit.observation.segmentation import SHARP

THETA = Theta((-4.0, 6.0, 2.0), 6.0, 3.0)


@pytest.fixture(scope="module")
def density(small_tissue):
    return simulate(small_tissue, THETA)


def cut(density, core, whole):
    return SegmentationTarget(*((density >= t).astype(np.float32) for t in (core, whole)))


@pytest.mark.parametrize("thresholds", [(0.55, 0.1), (0.7, 0.3), (0.84, 0.45)])
def test_the_best_thresholds_are_those_that_the_outlines_were_cut_at(density, thresholds):
    """Between two voxels' densities nothing tells one threshold from another."""
    found = cut(density, *thresholds).best_extras(density)
    for threshold, best in zip(thresholds, found, strict=True):
        below, above = density[density < threshold].max(), density[density >= threshold].min()
        assert below - 0.02 <= best <= above + 0.02


def test_no_thresholds_on_a_grid_are_better(density):
    other = np.clip(1.1 * density**1.3, 0, 1)
    target = cut(density, 0.7, 0.2)
    best = target.loss(other, target.best_extras(other))
    box = target.extra_box
    grid = np.meshgrid(*(np.linspace(a, b, 25) for a, b in zip(box.lower, box.upper, strict=True)))
    lowest = min(target.loss(other, np.array(pair)) for pair in zip(*(g.ravel() for g in grid), strict=True))
    assert best <= lowest * (1 + 1e-3)


def test_thresholds_are_found_where_the_loss_has_no_slope(density):
    """A density that is nowhere above the threshold at hand: the loss is flat there, the scan is not."""
    target, low = cut(density, 0.7, 0.2), 0.58 * density / density.max()
    assert (low < 0.6).all()
    flat = np.array([0.84, 0.25])
    found = target.best_extras(low)
    assert target.loss(low, found) < target.loss(low, flat) - 0.1


def test_a_tumour_without_a_core_is_its_whole_outline(density):
    target = SegmentationTarget(np.zeros_like(density), (density >= 0.2).astype(np.float32))
    assert target.extra_names == ("threshold_whole",)
    assert target.loss(density, [0.2]) < 0.1
    assert set(target.explained(density, [0.2])) == {"whole tumour"}
    assert target.explained(density, [0.2])["whole tumour"] == 1.0


def test_a_core_that_a_coarse_grid_loses_is_still_one(density):
    target = cut(density, 0.7, 0.2)
    lost = target.map(lambda a: 0.5 * a * (a.sum() > target.core.sum()))
    assert lost.extra_names == target.extra_names
    assert np.isfinite(lost.loss(density, target.extra_start))


def test_joint_observations_find_each_parts_unknowns(density):
    pet = density / 0.8 + 0.2
    target = JointTarget((cut(density, 0.7, 0.2), PETTarget(pet, (density > 0.2).astype(np.float32))), (1.0, 1.0))
    core, whole, scale, background = target.best_extras(density)
    assert (core, whole) == pytest.approx((0.7, 0.2), abs=0.05)
    assert (scale, background) == pytest.approx((0.8, 0.2), abs=0.03)
    assert set(target.explained(density, [core, whole, scale, background])) == {"core", "whole tumour"}


class Everywhere(SegmentationTarget):
    """Compared in every voxel."""

    def near(self, c):
        return None, self


def test_a_voxelwise_loss_is_the_same_in_every_voxel_and_on_tensors(small_tissue):
    c, jacobian = simulate(small_tissue, THETA, jacobian=True)
    other = simulate(small_tissue, Theta((0.0, 2.0, 6.0), 5.0, 3.2))
    target, thresholds = cut(other, 0.7, 0.2).voxelwise(), np.array([0.6, 0.15])
    index, there = target.near(c)
    assert target.loss(c, thresholds) == pytest.approx(there.loss(c.ravel()[index], thresholds), rel=1e-4)
    ours, plain = (
        normal_equations(t, c, jacobian, thresholds)
        for t in (target, Everywhere(target.core, target.whole, SHARP, by_voxel=True))
    )
    for one, other in zip(ours, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * np.abs(other).max())
    tensors = {name: torch.from_numpy(a) for name, a in target.arrays().items()}
    found = target.torch_loss(torch.from_numpy(c), tensors, torch.from_numpy(thresholds))
    assert float(found) == pytest.approx(target.loss(c, thresholds), rel=1e-4)


def test_a_coarse_grid_sees_no_mismatch_where_there_is_none():
    """Of a ball cut from a steep front; a sharp threshold sees one in each voxel of its border."""
    from_centre = np.linalg.norm(np.indices((64,) * 3) - 31.5, axis=0)
    fine = 1 / (1 + np.exp((from_centre - 20.3) / 3)), (from_centre < 20.3).astype(float)
    c, o = (a.reshape(16, 4, 16, 4, 16, 4).mean((1, 3, 5)).astype(np.float32) for a in fine)
    target, thresholds = SegmentationTarget(o, o), np.array([0.5, 0.5])
    assert target.voxelwise().loss(c, thresholds) < 0.005
    assert target.sharpened().loss(c, thresholds) > 0.015


def test_where_a_density_is_flat_a_voxelwise_threshold_is_sharp_and_edges_of_tissue_do_not_blur():
    c = np.zeros((9, 9, 9), np.float32)
    c[3:6, 3:6, 3:6] = 0.7
    np.testing.assert_allclose(steepness_by_voxel(c, SHARP), SHARP, rtol=1e-5)
    slope = np.broadcast_to(np.linspace(0, 0.8, 9, dtype=np.float32)[:, None, None], c.shape)
    blurred = steepness_by_voxel(np.ascontiguousarray(slope), SHARP)[1:-1]
    np.testing.assert_allclose(blurred, 1 / np.hypot(1 / SHARP, WIDTH * 0.1), rtol=1e-3)


@pytest.mark.parametrize("thresholds", [(0.55, 0.06), (0.8, 0.4)])
def test_voxels_without_tumour_and_cells_are_compared_all_at_once(small_tissue, thresholds):
    """Loss, gradient and Gauss–Newton matrix are those of all voxels, air included."""
    c, jacobian = simulate(small_tissue, THETA, jacobian=True)
    other = simulate(small_tissue, Theta((0.0, 2.0, 6.0), 5.0, 3.2))
    target = cut(other, 0.7, 0.2)
    index, there = target.near(c)
    assert index.size < 0.7 * c.size
    assert np.sum(there.weight**2) == pytest.approx(c.size)
    total = []
    for observed, threshold in zip((target.core, target.whole), thresholds, strict=True):
        s = 1 / (1 + np.exp(-50 * (c.astype(float) - threshold)))
        total.append(((s - observed) ** 2).sum() / ((s**2).sum() + (observed**2).sum()))
    assert target.loss(c, thresholds) == pytest.approx(np.mean(total), rel=1e-5)
    ours = normal_equations(target, c, jacobian, thresholds)
    plain = normal_equations(Everywhere(target.core, target.whole), c, jacobian, thresholds)
    assert ours[0] == pytest.approx(np.mean(total), rel=1e-5)
    for one, other in zip(ours[1:], plain[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5 * np.abs(other).max())


def test_less_blur_sees_that_a_flat_density_explains_no_core():
    whole = np.ones((10, 10, 10), np.float32)
    core = np.zeros_like(whole)
    core[:, :, :3] = 1
    flat, thresholds = np.full_like(whole, 0.48), np.array([0.5, 0.46])
    target = SegmentationTarget(core, whole)
    sharp = JointTarget((target,), (1.0,)).sharpened().parts[0]
    assert sharp.steepness == SHARP == sharp.sharpened().steepness
    assert target.sharpened().loss(flat, thresholds) == sharp.loss(flat, thresholds) > 0.45
    assert target.loss(flat, thresholds) < 0.35
