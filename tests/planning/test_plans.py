"""Plans and coverage against shapes whose distances and volumes are known, and against a published plan."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from gliofit.base.errors import InputError
from gliofit.patients.labels import read_recurrence
from gliofit.planning.plans import (
    hangs_on,
    model_plan,
    pet_correlation,
    probability_plan,
    recurrence_coverage,
    recurrence_masks,
    standard_plan,
)

BRAIN = np.ones((40, 30, 20), bool)


def point(*index) -> np.ndarray:
    core = np.zeros(BRAIN.shape, bool)
    core[index] = True
    return core


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.5, 4.0)])
def test_a_margin_around_a_point_is_a_ball_in_mm(spacing):
    plan = standard_plan(point(20, 15, 10), BRAIN, spacing, margin_mm=9.0)
    index = np.moveaxis(np.indices(BRAIN.shape), 0, -1) - np.array([20, 15, 10])
    np.testing.assert_array_equal(plan, np.linalg.norm(index * np.array(spacing), axis=-1) <= 9.0)


def test_the_standard_plan_stays_in_the_brain_and_out_of_what_is_excluded():
    core = point(1, 15, 10)  # its margin reaches over the image's edge
    brain = BRAIN.copy()
    brain[:, 18:] = False
    csf = np.zeros_like(brain)
    csf[5] = True
    plan = standard_plan(core, brain, (1, 1, 1), 8.0)
    assert plan[5].any()
    assert not plan[:, 18:].any()
    np.testing.assert_array_equal(standard_plan(core, brain, (1, 1, 1), 8.0, exclude=csf), plan & ~csf)
    np.testing.assert_array_equal(standard_plan(core, brain, (1, 1, 1), 0.0), core)


def test_a_margin_needs_a_core():
    with pytest.raises(InputError, match="core is empty"):
        standard_plan(np.zeros_like(BRAIN), BRAIN, (1, 1, 1))
    with pytest.raises(InputError, match="must not be negative"):
        standard_plan(point(1, 1, 1), BRAIN, (1, 1, 1), -1.0)


def test_a_models_plan_is_where_its_density_is_highest():
    density = np.random.default_rng(0).random(BRAIN.shape).astype(np.float32)
    brain = BRAIN.copy()
    brain[:10] = False
    plan = model_plan(density, 500, brain)
    assert plan.sum() == 500
    assert not plan[~brain].any()
    assert density[plan].min() > density[brain & ~plan].max()


def test_what_hangs_on_cells_is_what_would_fall_out_of_the_plan_without_them():
    density = np.array([0.9, 0.6, 0.3, 0.2, 0.1]).reshape(1, 1, 5)
    plan = model_plan(density, 3, np.ones(density.shape, bool))
    assert hangs_on(plan, density, density).sum() == 0
    without = density - [0.5, 0.5, 0.0, 0.2, 0.0]
    assert np.flatnonzero(hangs_on(plan, density, without)).tolist() == [1]
    assert not hangs_on(np.zeros_like(plan), density, without).any()


def test_equal_densities_are_taken_in_the_arrays_order():
    density = np.zeros(BRAIN.shape, np.float32)
    density[10:12] = 0.5  # 1200 voxels alike
    density[11, 0, 0] = 0.9
    plan = model_plan(density, 100, BRAIN)
    assert plan.sum() == 100
    assert plan[11, 0, 0]
    assert np.flatnonzero(plan)[:99].tolist() == list(range(10 * 600, 10 * 600 + 99))
    np.testing.assert_array_equal(plan, model_plan(density, 100, BRAIN))


def test_too_small_a_density_is_a_fault_or_is_filled_like_a_margin():
    density = point(20, 15, 10).astype(np.float32)
    with pytest.raises(InputError, match="positive in 1 voxels, fewer than the plan's 33"):
        model_plan(density, 33, BRAIN)
    # 33 voxels lie within √4 of a lattice point
    np.testing.assert_array_equal(
        model_plan(density, 33, BRAIN, fill=True), standard_plan(density > 0, BRAIN, (1, 1, 1), 2.0)
    )
    assert not model_plan(np.zeros_like(density), 33, BRAIN, fill=True).any()


def test_equal_volume_plan_of_a_distance_is_the_standard_plan():
    core = point(20, 15, 10)
    core[22, 15, 10] = True
    from scipy import ndimage

    density = np.exp(-ndimage.distance_transform_edt(~core)).astype(np.float32)
    standard = standard_plan(core, BRAIN, (1, 1, 1), 6.0)
    np.testing.assert_array_equal(model_plan(density, int(standard.sum()), BRAIN), standard)


def test_coverage_is_a_share_and_undefined_without_recurrence():
    plan, recurrence = point(3, 3, 3), point(3, 3, 3)
    recurrence[4, 3, 3:6] = True
    assert recurrence_coverage(plan, recurrence) == 0.25
    assert np.isnan(recurrence_coverage(plan, np.zeros_like(plan)))
    assert np.isnan(recurrence_coverage(plan, None))


@pytest.mark.parametrize(("labels", "enhancing"), [("brats", 4), ("brats", 3), ("gliodil", 1)])
def test_narrow_recurrence_is_the_enhancing_core(labels, enhancing):
    seg = np.zeros((4, 4, 4), np.float32)
    seg[0], seg[1] = enhancing, {"brats": 2, "gliodil": 3}[labels]
    seg[2] = {"brats": 1, "gliodil": 4}[labels]
    narrow, broad = recurrence_masks(read_recurrence(seg, labels))
    np.testing.assert_array_equal(narrow, seg == enhancing)
    np.testing.assert_array_equal(broad, seg > 0)


def test_a_mask_of_the_recurrence_does_not_tell_its_enhancing_core():
    narrow, broad = recurrence_masks(read_recurrence(np.ones((2, 2, 2)), "brats"))
    assert narrow is None
    assert broad.all()
    narrow, broad = recurrence_masks(read_recurrence(np.zeros((2, 2, 2)), "brats"))
    assert narrow is None
    assert not broad.any()


def test_a_cavity_is_no_recurrence():
    seg = np.zeros((4, 4, 4))
    seg[0], seg[1], seg[2] = 3, 4, 2
    narrow, broad = recurrence_masks(read_recurrence(seg, "brats2024"))
    np.testing.assert_array_equal(narrow, seg == 3)
    np.testing.assert_array_equal(broad, (seg == 3) | (seg == 2))


def test_pet_correlation_looks_at_enhancing_core_and_edema_alone():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, (8, 8, 8))
    density = rng.random((8, 8, 8))
    pet = 3 * density + 20
    pet[np.isin(labels, (0, 1))] = rng.random(np.isin(labels, (0, 1)).sum())
    assert pet_correlation(density, pet, labels) == pytest.approx(1.0)
    assert pet_correlation(density, -pet, labels) == pytest.approx(-1.0)
    assert np.isnan(pet_correlation(density, None, labels))
    assert np.isnan(pet_correlation(np.ones_like(density), pet, labels))


def test_the_published_standard_plan(shared):
    """GliODIL's data set ships one patient's plan: 15 mm, without exclusion of CSF."""
    folder = shared / "patients/GliODIL-data_001"
    seg, brain, published = (
        np.asarray(nib.load(folder / f"{name}.nii.gz").dataobj) for name in ("seg", "brainMask", "standardPlan")
    )
    spacing = nib.load(folder / "seg.nii.gz").header.get_zooms()
    plan = standard_plan(np.isin(seg, (1, 3)), brain > 0, spacing)
    assert plan.sum() == 350_794
    np.testing.assert_array_equal(plan, published > 0)


def test_pet_that_is_cut_away_in_edema_counts_in_the_core_alone():
    labels = np.repeat([1, 3, 2, 0], [5, 10, 50, 35]).reshape(10, 10, 1)
    pet = np.where(labels == 3, 1 + np.arange(100).reshape(10, 10, 1) / 100, 0)
    density = np.arange(100).reshape(10, 10, 1) / 100
    assert pet_correlation(density, pet, labels) == pytest.approx(1)
    whole = np.where(labels > 1, 1 + density, 0)
    whole[labels == 2] *= np.tile([0, 1], 25)  # half of the edema without uptake: no scan was cut like that
    assert pet_correlation(density, whole, labels) < 0.5


def test_a_plan_by_probability_takes_the_surest_first():
    """The sure one of two tumours, be its density the lower; the mean decides between equals."""
    above, mean = np.zeros(BRAIN.shape), np.zeros(BRAIN.shape)
    above[5, 5, 5:8], mean[5, 5, 5:8] = 0.4, 0.9
    above[20, 5, 5:8], mean[20, 5, 5:8] = 0.995, [0.1, 0.3, 0.2]
    above[20, 5, 9] = 1.0
    plan = probability_plan(above, mean, 3, BRAIN)
    assert np.argwhere(plan).tolist() == [[20, 5, 6], [20, 5, 7], [20, 5, 9]]
    assert probability_plan(above, mean, 30, BRAIN).sum() == 30  # goes on with what is nearest
    assert not np.any(probability_plan(above, mean, 3, BRAIN, exclude=plan) & plan)
