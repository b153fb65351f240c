"""Losses of outlines: squares that add up to them, derivatives that are theirs, the same on tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gliofit import SegmentationTarget, Theta, simulate
from gliofit.base.errors import InputError
from gliofit.observation.outline_losses import LOSSES

EXTRAS = np.array([0.62, 0.22])


@pytest.fixture(scope="module")
def density(small_tissue):
    return simulate(small_tissue, Theta((-4.0, 6.0, 2.0), 6.0, 3.0), dtype=np.float64)


@pytest.fixture(scope="module", params=list(LOSSES))
def target(request, small_tissue, density):
    """Outlines of another tumour, with voxels that are labelled in part."""
    other = simulate(small_tissue, Theta((2.0, 2.0, 4.0), 7.0, 2.8))
    parts = (np.clip(0.5 + 4 * (other - t), 0, 1).astype(np.float32) for t in (0.6, 0.2))
    return SegmentationTarget(*parts).measured_by(request.param, small_tissue.spacing)


def test_the_mean_square_of_the_residuals_is_the_loss(target, density):
    assert np.mean(target.residuals(density, EXTRAS).r ** 2) == pytest.approx(target.loss(density, EXTRAS))


def test_the_slope_is_that_of_the_loss(target, density):
    """By the density along a direction, and by each threshold."""
    found = target.residuals(density, EXTRAS)
    direction, h = np.random.default_rng(0).standard_normal(density.shape) * density, 1e-5
    moved = found.by_density * direction - found.r * (found.size_by_density * direction).sum((1, 2, 3), keepdims=True)
    by_density = 2 * np.mean(found.r * moved)
    difference = target.loss(density + h * direction, EXTRAS) - target.loss(density - h * direction, EXTRAS)
    assert by_density == pytest.approx(difference / (2 * h), rel=1e-4)
    for k, step in enumerate(h * np.eye(2)):
        moved = found.by_extra[k] - found.r * found.size_by_extra[k][:, None, None, None]
        difference = target.loss(density, EXTRAS + step) - target.loss(density, EXTRAS - step)
        assert 2 * np.mean(found.r * moved) == pytest.approx(difference / (2 * h), rel=1e-4)


def test_tensors_have_the_same_loss(target, density):
    c = torch.tensor(density, requires_grad=True)
    arrays = {name: torch.tensor(a) for name, a in target.arrays().items()}
    loss = target.torch_loss(c, arrays, torch.tensor(EXTRAS))
    assert loss.item() == pytest.approx(target.loss(density, EXTRAS), rel=1e-5)
    loss.backward()
    assert torch.isfinite(c.grad).all()
    assert c.grad.abs().max() > 0


def test_a_scan_finds_the_lowest_loss(target, density):
    best = target.loss(density, target.best_extras(density))
    box = target.extra_box
    grid = np.meshgrid(*(np.linspace(a, b, 15) for a, b in zip(box.lower, box.upper, strict=True)))
    lowest = min(target.loss(density, np.array(pair)) for pair in zip(*(g.ravel() for g in grid), strict=True))
    assert best <= lowest * 1.005


def test_the_likelihood_has_a_slope_where_dice_has_none(small_tissue, density):
    """A density that is nowhere near the core's threshold."""
    low, outlines = 0.3 * density, [(density > t).astype(np.float32) for t in (0.6, 0.2)]
    steepest = {}
    for name in ("dice", "bernoulli"):
        found = (
            SegmentationTarget(*outlines).measured_by(name, small_tissue.spacing).residuals(low, np.array([0.8, 0.2]))
        )
        steepest[name] = np.abs(found.r[0] * found.by_density[0]).max()
    assert steepest["dice"] < 1e-3 * steepest["bernoulli"]


def test_distance_is_in_millimetres():
    """Balls whose outlines lie 3 mm apart."""
    axis = np.arange(-40.0, 41)
    r = np.sqrt(sum(a**2 for a in np.meshgrid(axis, axis, axis, indexing="ij")))
    inner = (r < 20).astype(np.float32)
    target = SegmentationTarget(inner, inner, steepness=5000.0).measured_by("distance", np.ones(3))
    for apart in (-3, 3):
        density = (r < 20 + apart).astype(np.float32)
        assert target.loss(density, np.array([0.6, 0.3])) == pytest.approx(9, rel=0.35)
    assert target.loss(inner, np.array([0.6, 0.3])) < 1e-3


def test_maps_keep_the_measure(target):
    half = target.map(lambda a: a[::2])
    assert half.measure == target.measure
    assert (half.distances is None) == (target.distances is None)
    assert np.isfinite(half.loss(np.zeros(half.shape, np.float32), EXTRAS))


def test_refuses_what_it_does_not_know(density):
    outline = (density > 0.5).astype(np.float32)
    with pytest.raises(
        InputError, match="unknown loss 'jaccard' of a segmentation; there are: dice, bernoulli, distance"
    ):
        SegmentationTarget(outline, outline, measure="jaccard")
    with pytest.raises(InputError, match="needs distances"):
        SegmentationTarget(outline, outline, measure="distance")
