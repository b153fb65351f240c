"""`wavefront` on a tumour with two foci: it shows the outlines, falls off along tissue, and knows the front's width."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from gliofit import InputError, Theta, Tissue, simulate
from gliofit.base.overlap import dice
from gliofit.inversion import invert
from gliofit.observation.density import DensityTarget
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget


@pytest.fixture(scope="module")
def grown(small_tissue):
    return np.maximum(*[simulate(small_tissue, Theta(o, 4.5, 2.9)) for o in ((14.0, -14.0, 10.0), (16.0, 12.0, -8.0))])


@pytest.fixture(scope="module")
def target(grown) -> SegmentationTarget:
    return SegmentationTarget((grown > 0.6).astype(np.float32), (grown > 0.25).astype(np.float32))


@pytest.fixture(scope="module")
def fit(small_tissue, target):
    return invert(target, small_tissue, "wavefront", iterations=80)


def test_the_field_shows_both_foci(small_tissue, target, fit):
    core, whole = (
        dice(fit.density >= fit.extras[f"threshold_{n}"], getattr(target, n) > 0.5) for n in ("core", "whole")
    )
    assert core > 0.9
    assert whole > 0.9
    assert fit.history[-1] < 0.8 * fit.history[0]
    assert fit.density[~small_tissue.mask].max() == 0


def test_it_falls_off_beyond_what_is_seen(small_tissue, target, fit):
    away = ndimage.distance_transform_edt(target.whole < 0.5, sampling=4.0)
    rings = [fit.density[small_tissue.mask & (away > a) & (away <= a + 6)].mean() for a in (0, 8, 16)]
    assert rings[0] > 1.5 * rings[1] > 2 * rings[2] > 0
    assert 0.8 <= fit.details["front_width_mm"] <= 12


def test_more_front_is_more_of_a_front(small_tissue, target, fit):
    """|∇c| = c(1 − c)/width holds better the more it counts, and the outlines worse."""
    strict = invert(target, small_tissue, "wavefront", iterations=80, front_weight=30.0)
    assert strict.loss > fit.loss


def test_pet_is_followed_where_it_is_seen(small_tissue, grown, target):
    rng = np.random.default_rng(0)
    pet = np.clip(0.3 + ndimage.gaussian_filter(grown + 0.3 * rng.random(grown.shape), 1), 0, 1).astype(np.float32)
    pair = JointTarget((target, PETTarget(pet, target.whole)), (1.0, 3.0))
    both = invert(pair, small_tissue, "wavefront", iterations=80)
    alone = invert(target, small_tissue, "wavefront", iterations=80)
    seen = target.whole > 0.5
    follow = [np.corrcoef(f.density[seen], pet[seen])[0, 1] for f in (both, alone)]
    assert follow[0] > follow[1]
    assert set(both.extras) == {"threshold_core", "threshold_whole", "pet_scale", "pet_background"}


def test_a_tumour_without_core_is_seen_by_its_whole_outline(small_tissue, target):
    low_grade = SegmentationTarget(0 * target.core, target.whole)
    found = invert(low_grade, small_tissue, "wavefront", iterations=40)
    assert dice(found.density >= found.extras["threshold_whole"], target.whole > 0.5) > 0.9


def test_maps_that_are_zero_outside_the_head(small_tissue, target):
    """As real ones are: no slope there is a number that is none."""
    cut = [np.where(small_tissue.brain, m, 0) for m in (small_tissue.wm, small_tissue.gm, small_tissue.csf)]
    found = invert(target, Tissue(*cut, small_tissue.affine), "wavefront", iterations=20)
    assert np.isfinite(found.history).all()
    assert 0.8 <= found.details["front_width_mm"] <= 12


def test_an_observed_density_is_followed(small_tissue, grown):
    found = invert(DensityTarget(grown), small_tissue, "wavefront", iterations=40)
    assert np.abs(found.density - grown).mean() < 0.1 * grown.mean()
    assert found.extras == {}


def test_it_needs_something_visible(small_tissue, grown):
    with pytest.raises(InputError, match="the tumour is empty"):
        invert(SegmentationTarget(0 * grown, 0 * grown), small_tissue, "wavefront")
    with pytest.raises(InputError, match=r"rate = -1\.0 must"):
        invert(
            SegmentationTarget((grown > 0.6).astype("f4"), (grown > 0.2).astype("f4")),
            small_tissue,
            "wavefront",
            rate=-1.0,
        )
