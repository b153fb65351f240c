"""Coverage curves and distances of misses, on shapes whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit.planning.coverage import (
    area_under_coverage,
    covered,
    curve_volumes,
    density_ranks,
    distance_ranks,
    misses,
)
from gliofit.planning.plans import model_plan, standard_plan
from gliofit.planning.ranking import positive_everywhere

SHAPE = (40, 30, 20)
BRAIN = np.ones(SHAPE, bool)
INDEX = np.moveaxis(np.indices(SHAPE), 0, -1)


def box(*sides) -> np.ndarray:
    out = np.zeros(SHAPE, bool)
    out[tuple(slice(*side) for side in sides)] = True
    return out


def ball(centre, radius, spacing=(1, 1, 1)) -> np.ndarray:
    return np.linalg.norm((INDEX - np.array(centre)) * np.array(spacing), axis=-1) <= radius


def test_the_first_ranks_are_the_plans():
    rng = np.random.default_rng(0)
    brain = BRAIN.copy()
    brain[:4] = False
    density = np.where(rng.random(SHAPE) < 0.3, np.round(rng.random(SHAPE), 1), 0)  # with ties and without cells
    ranks = density_ranks(density, brain, (1, 2, 1))
    assert sorted(ranks[brain]) == list(range(1, brain.sum() + 1))
    assert not ranks[~brain].any()
    for voxels in (1, 500, 4000, 15000):
        plan = model_plan(density, voxels, brain, spacing=(1, 2, 1), fill=True)
        np.testing.assert_array_equal((ranks > 0) & (ranks <= voxels), plan)


def test_the_ranks_of_a_distance_are_the_standard_plans():
    core, spacing = box((18, 21), (14, 16), (9, 11)), (1.0, 1.0, 2.0)
    from scipy import ndimage

    ranks = distance_ranks(ndimage.distance_transform_edt(~core, sampling=spacing), BRAIN)
    for margin, voxels in zip((5, 9), curve_volumes(core, BRAIN, spacing, margins=(5, 9)), strict=True):
        np.testing.assert_array_equal(ranks <= voxels, standard_plan(core, BRAIN, spacing, margin))


def test_coverage_is_a_curve_and_its_area_the_mean_over_all_volumes():
    ranks = distance_ranks(INDEX[..., 0].astype(float), BRAIN)  # slice by slice of 600
    recurrence = box((0, 4), (0, 30), (0, 20))
    np.testing.assert_allclose(covered(ranks, recurrence, [0, 600, 1200, 2400, 9000]), [0, 0.25, 0.5, 1, 1])
    volumes = np.arange(1, 6001)
    assert area_under_coverage(ranks, recurrence, 6000) == pytest.approx(covered(ranks, recurrence, volumes).mean())
    assert area_under_coverage(ranks, recurrence, 2400) == pytest.approx(0.5, abs=1e-3)
    far = box((39, 40), (0, 30), (0, 20))
    assert area_under_coverage(ranks, far, 6000) == 0


def test_what_no_plan_may_have_is_never_covered():
    organ = box((0, 2), (0, 30), (0, 20))
    ranks = distance_ranks(INDEX[..., 0].astype(float), BRAIN & ~organ)
    recurrence = box((0, 4), (0, 30), (0, 20))
    assert covered(ranks, recurrence, [BRAIN.sum()])[0] == 0.5
    assert curve_volumes(box((3, 4), (0, 30), (0, 20)), BRAIN, (1, 1, 1), organ, (1,)) == [3 * 600]


def test_no_recurrence_is_undefined():
    ranks = distance_ranks(INDEX[..., 0].astype(float), BRAIN)
    for none in (None, np.zeros(SHAPE, bool)):
        assert np.isnan(covered(ranks, none, [10])).all()
        assert np.isnan(area_under_coverage(ranks, none, 10))
        assert np.isnan(list(misses(BRAIN, none, (1, 1, 1)).to_dict().values())).all()


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (0.5, 2.0, 1.0)])
def test_distances_of_misses_are_those_of_slabs(spacing):
    """A plan up to slice 9 and a recurrence in slices 10 to 13 along x: 1, 2, 3, 4 edges away."""
    plan, recurrence = box((0, 10), (0, 30), (0, 20)), box((8, 14), (5, 9), (5, 9))
    found = misses(plan, recurrence, spacing)
    assert found.missed_voxels == 64
    assert found.missed_ml == pytest.approx(0.064 * np.prod(spacing))
    assert found.miss_mean_mm == pytest.approx(2.5 * spacing[0])
    assert found.miss_p95_mm == found.miss_farthest_mm == pytest.approx(4 * spacing[0])


def test_a_false_island_and_a_missed_satellite_count_as_they_are():
    """Packages give 0, 6.7 or 19.1 mm to such masks as HD95; here a distance is that of a voxel of the recurrence."""
    plan, satellite = ball((10, 15, 10), 4), ball((30, 15, 10), 1)
    alone = misses(plan, ball((10, 15, 10), 4) | satellite, (1, 1, 1))
    assert alone.missed_voxels == 7
    assert alone.miss_farthest_mm == pytest.approx(17)  # from x = 14 to 31
    assert alone.miss_mean_mm == pytest.approx(np.mean([15, 16, 17, *[np.hypot(16, 1)] * 4]), abs=0.1)
    with_island = misses(plan | ball((2, 2, 2), 1), ball((10, 15, 10), 4), (1, 1, 1))
    assert (with_island.missed_voxels, with_island.miss_farthest_mm) == (0, 0)
    assert np.isnan(with_island.miss_mean_mm)
    assert misses(np.zeros(SHAPE, bool), satellite, (1, 1, 1)).miss_farthest_mm == np.inf


def test_a_stored_density_says_the_order_of_plans_by_itself():
    rng = np.random.default_rng(1)
    brain = ball((20, 15, 10), 13)
    density = np.where(ball((16, 14, 10), 6) & brain, np.round(rng.random(SHAPE), 2), 0).astype(np.float32)
    density[15:18, 14, 10] = 1
    out = positive_everywhere(density, brain, (1, 1, 1))
    assert out.dtype == np.float32
    assert (out[brain] > 0).all()
    assert not out[~brain].any()
    assert np.unique(out[brain]).size == brain.sum()
    np.testing.assert_allclose(out, np.where(brain, density, 0), atol=1e-4)
    assert out.max() == 1
    for voxels in (100, 700, 4000):
        plan = model_plan(density, voxels, brain, fill=True)
        cut = out >= np.sort(out[brain])[-voxels]
        assert cut.sum() == voxels
        assert (density[cut & (density > 0)].min()) >= (density[plan & (density > 0)].min())
    # without any cells, the order is from what is near
    empty = positive_everywhere(0 * density, brain, (1, 1, 1), near=ball((16, 14, 10), 2))
    assert empty[16, 14, 10] > empty[24, 14, 10] > empty[30, 14, 10] > 0
