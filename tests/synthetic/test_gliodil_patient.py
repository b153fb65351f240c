"""GliODIL's synthetic patients: drawn as its Table 1 has them, with scans that follow from their truth."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from gliofit import Theta, simulate
from gliofit.base.errors import InputError
from gliofit.inversion.patient_problem import patient_problem
from gliofit.observation.joint import JointTarget
from gliofit.observation.segmentation import SegmentationTarget
from gliofit.synthetic.brats_like_patient import segment
from gliofit.synthetic.gliodil_patient import (
    DAYS,
    FOCUS_MM,
    RANGES,
    Truth,
    _gibbs_sweep,
    draw,
    fet_pet,
    grow,
    load_patient,
    make_patient,
)

FOCUS = (0.0, 20.0, 0.0)
TRUTH = Truth(0.5, 0.1, 10.0, necrotic=0.8, enhancing=0.5, edema=0.2, foci=(FOCUS,))
"""More diffuse than the paper's, so that 4 mm resolve its front."""


@pytest.mark.parametrize("foci", [1, 3])
def test_patients_are_drawn_from_table_1(small_tissue, foci):
    drawn = [draw(small_tissue, foci, np.random.default_rng(seed)) for seed in range(30)]
    for name, (low, high) in RANGES.items():
        values = np.array([getattr(one, name) for one in drawn])
        assert low <= values.min() < low + 0.25 * (high - low)
        assert high >= values.max() > high - 0.25 * (high - low)
    for one in drawn:
        index = np.round(small_tissue.to_voxel(np.array(one.foci))).astype(int)
        assert small_tissue.mask[tuple(index.T)].all()
        assert np.abs(np.diff(one.foci, axis=0)).max(initial=0) <= FOCUS_MM
        assert one.edema < one.enhancing < one.necrotic
    assert draw(small_tissue, foci, np.random.default_rng(1)) == drawn[1]
    assert len({one.foci for one in drawn}) == 30


def test_no_place_for_foci_is_told(small_tissue):
    empty = replace(small_tissue, wm=0 * small_tissue.wm, gm=0 * small_tissue.gm)
    with pytest.raises(InputError, match="no place in tissue"):
        draw(empty, 1, np.random.default_rng(0))


def test_the_ratio_is_that_of_the_patient(small_tissue):
    """Of two tumours alike but for R, the one with the slower grey matter has fewer cells there."""
    grey = small_tissue.gm > 0.6
    open_, closed = (grow(small_tissue, replace(TRUTH, ratio=ratio))[grey].sum() for ratio in (2.0, 30.0))
    assert closed < 0.9 * open_


def test_one_focus_grows_as_the_solver_has_it(small_tissue):
    theta = Theta.from_physical(FOCUS, TRUTH.diffusivity, TRUTH.growth_rate, DAYS)
    np.testing.assert_allclose(grow(small_tissue, TRUTH), simulate(small_tissue, theta, ratio=TRUTH.ratio), atol=1e-5)


def test_several_foci_grow_to_no_less_than_each_alone(small_tissue):
    """Larger initial densities have larger solutions (comparison principle of the growth equation)."""
    foci = (FOCUS, (8.0, 14.0, 6.0), (0.0, 22.0, 3.0))  # the first and third seed overlap
    together = grow(small_tissue, replace(TRUTH, foci=foci))
    alone = [grow(small_tissue, replace(TRUTH, foci=(focus,))) for focus in foci]
    assert all((together >= one - 2e-3).all() for one in alone)
    assert together.sum() > 1.2 * max(one.sum() for one in alone)
    assert together.max() <= 1


def test_gibbs_sweeps_smooth_a_field_and_keep_a_constant():
    flat = np.full((6, 7, 8), 0.3)
    _gibbs_sweep(flat, np.zeros_like(flat))
    np.testing.assert_allclose(flat, 0.3)
    noise = np.random.default_rng(0).random((20, 20, 20))
    before = noise.std()
    for _ in range(3):
        _gibbs_sweep(noise, np.zeros_like(noise))
    assert noise.std() < 0.15 * before
    assert noise.mean() == pytest.approx(0.5, abs=0.02)
    assert np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1] > 0.8


def test_pet_follows_the_density_but_for_its_necrosis(small_tissue):
    density = grow(small_tissue, TRUTH)
    pet = fet_pet(density, TRUTH.necrotic, small_tissue, np.random.default_rng(0))
    labels = segment(density, TRUTH.thresholds)
    assert pet.max() == 1
    assert pet.min() == 0
    assert not pet[~small_tissue.mask].any()
    seen = np.isin(labels, (2, 3))
    assert np.corrcoef(pet[seen], density[seen])[0, 1] > 0.8
    assert pet[labels == 1].mean() < 0.1 < pet[labels == 3].mean()
    healthy = small_tissue.mask & (density < 0.01)
    assert 0 < pet[healthy].mean() < 0.2
    again = fet_pet(density, TRUTH.necrotic, small_tissue, np.random.default_rng(1))
    assert 0 < np.abs(again - pet).max() < 0.2


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_files_hold_what_was_drawn(tmp_path, small_tissue, kind):
    folder = tmp_path / f"{kind}_0"
    make_patient(small_tissue, folder, kind, seed=5)
    patient, truth = load_patient(folder, small_tissue)
    made = Truth(**{k: v for k, v in patient.report["truth"].items() if k in asdict(TRUTH)})
    assert len(made.foci) == (1 if kind == "single" else 3)
    np.testing.assert_allclose(truth, grow(small_tissue, made), atol=1e-6)
    np.testing.assert_array_equal(patient.labels, segment(truth, made.thresholds))
    np.testing.assert_array_equal(patient.core, truth >= made.enhancing)
    assert patient.fet.max() == 1
    with pytest.raises(InputError, match="not on the grid"):
        load_patient(folder, small_tissue.working_grid(2.0))


def test_what_a_fit_is_told(tmp_path, small_tissue):
    make_patient(small_tissue, tmp_path / "single_0", "single", seed=5)
    patient, _ = load_patient(tmp_path / "single_0", small_tissue)
    outlines = patient_problem(patient, 4.0, pet=False).target
    both = patient_problem(patient, 4.0).target
    assert isinstance(outlines, SegmentationTarget)
    assert isinstance(both, JointTarget)
    np.testing.assert_array_equal(both.parts[0].core, outlines.core)
    assert outlines.core.sum() == pytest.approx(patient.core.sum(), rel=1e-3)
    pet = both.parts[1]
    assert pet.pet.max() == pytest.approx(1.0, abs=1e-3)
    assert pet.region.sum() == pytest.approx(np.isin(patient.labels, (2, 3)).sum(), rel=1e-3)
