"""`gliodil` and `pde_gliodil` on a small tumour that no solver run explains."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from gliofit import InputError, Problem, Theta, simulate
from gliofit.base.overlap import dice
from gliofit.inversion import invert
from gliofit.inversion.discrete_loss.domain import Domain
from gliofit.inversion.discrete_loss.start import first_guess
from gliofit.inversion.fit_file import load_fit, save_fit
from gliofit.observation.density import DensityTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget

SMALL = {"cells": 16, "times": 12, "iterations": (200, 100), "rate": 0.02}


@pytest.fixture(scope="module")
def two_foci(small_tissue) -> SegmentationTarget:
    """Two tumours that have grown into one another: one seed cannot make them."""
    grown = [simulate(small_tissue, Theta(origin, 4.5, 2.9)) for origin in ((14.0, -14.0, 10.0), (16.0, 12.0, -8.0))]
    c = np.maximum(*grown)
    return SegmentationTarget((c > 0.6).astype(np.float32), (c > 0.25).astype(np.float32))


@pytest.fixture(scope="module")
def fit(small_tissue, two_foci):
    return invert(two_foci, small_tissue, "gliodil", **SMALL)


def core_dice(density, thresholds, target) -> float:
    return dice(density > thresholds["threshold_core"], target.core > 0.5)


def test_the_field_shows_the_core_better_than_its_start(small_tissue, two_foci, fit):
    domain = Domain.around(Problem(small_tissue, two_foci), SMALL["cells"], 1.5)
    guess = first_guess(domain, SMALL["times"])
    start = simulate(small_tissue, Theta.from_physical(guess.origin, guess.diffusivity, guess.growth, 100.0))
    before = core_dice(start, {"threshold_core": 0.65}, two_foci)
    after = core_dice(fit.density, fit.extras, two_foci)
    assert after > before + 0.15
    assert after > 0.85
    assert fit.history[-1] < 0.5 * fit.history[0]


def test_the_density_is_its_own_and_comes_back_from_its_file(small_tissue, two_foci, fit, tmp_path):
    assert fit.own is not None
    assert fit.density[~small_tissue.mask].max() == 0
    assert 0 <= fit.density.min() <= fit.density.max() <= 1
    save_fit(tmp_path / "fit.json", fit, tmp_path / "fit.npz")
    np.testing.assert_array_equal(load_fit(tmp_path / "fit.json").density_on(small_tissue), fit.density)
    extras = np.array(list(fit.extras.values()))
    assert fit.loss == pytest.approx(two_foci.loss(fit.density, extras))
    assert fit.reason.startswith("all 100")
    assert not fit.converged
    assert set(fit.details["terms"]) >= {"pde", "initial", "core", "edema", "background", "range", "csf"}


def test_beyond_the_outlines_is_a_front_or_the_field(small_tissue, two_foci, fit):
    field = invert(two_foci, small_tissue, "gliodil", **SMALL, tail="field")
    assert field.own.visible is None
    np.testing.assert_array_equal(field.own.values, fit.own.values)
    assert fit.own.visible == pytest.approx(fit.extras["threshold_whole"])
    assert fit.own.width == pytest.approx(fit.theta.mu_D / fit.theta.mu_rho)
    seen = field.density >= fit.own.visible
    np.testing.assert_array_equal(fit.density[seen], field.density[seen])
    assert fit.density[~seen].max() < fit.own.visible
    assert np.abs(fit.density - field.density)[~seen].max() > 0.01
    # it falls off with the distance from what is seen, all the way
    away = ndimage.distance_transform_edt(~seen, sampling=4.0)
    rings = [fit.density[small_tissue.mask & (away > a) & (away <= a + 6)].mean() for a in (0, 6, 12)]
    assert rings[0] > 2 * rings[1] > 4 * rings[2]


def test_pde_gliodil_is_the_solver_with_the_same_coefficients(small_tissue, two_foci, fit):
    run = invert(two_foci, small_tissue, "pde_gliodil", **SMALL)
    assert run.own is None
    assert run.theta == fit.theta
    assert run.extras == fit.extras
    np.testing.assert_array_equal(run.density, simulate(small_tissue, fit.theta))
    # the field may leave the growth equation, a solver run may not
    assert fit.loss < run.loss
    assert run.details["loss_of_the_field"] == fit.loss


def test_each_tells_what_its_own_density_does_not_explain(small_tissue, two_foci):
    """After one iteration neither field nor solver run meets the outlines."""
    early = SMALL | {"iterations": (1, 1), "scatter": 0.9}
    field, run = (invert(two_foci, small_tissue, method, **early) for method in ("gliodil", "pde_gliodil"))
    assert field.warnings[0].startswith("explains the core to Dice")
    assert run.warnings[0].startswith("explains the core to Dice")
    assert run.warnings[0] != field.warnings[0]
    assert run.reason.count("explains the core") == 1


def test_a_density_is_followed(small_tissue, solved, truth):
    """A tumour that one seed explains: the field meets it, and θ̂ is near the truth."""
    fit = invert(solved, small_tissue, "gliodil", **SMALL)
    assert fit.extras == {}
    assert fit.loss < 0.02 * float(np.mean(solved**2))
    assert np.linalg.norm(np.subtract(fit.theta.origin, truth.origin)) < 6
    assert fit.theta.mu_rho == pytest.approx(truth.mu_rho, rel=0.25)


def test_a_tumour_without_a_core_is_fitted_to_its_whole_outline(small_tissue, two_foci):
    target = SegmentationTarget(np.zeros_like(two_foci.core), two_foci.whole)
    fit = invert(target, small_tissue, "gliodil", **SMALL)
    assert list(fit.extras) == ["threshold_whole"]
    assert target.explained(fit.density, list(fit.extras.values()))["whole tumour"] > 0.7


@pytest.mark.parametrize("voxels", [1, 7])
def test_a_core_that_a_coarse_grid_loses_is_still_one(small_tissue, two_foci, solved, voxels):
    core = np.zeros_like(two_foci.core)
    core.ravel()[np.argsort(solved.ravel())[-voxels:]] = 1
    fit = invert(SegmentationTarget(core, np.maximum(two_foci.whole, core)), small_tissue, "gliodil", **SMALL)
    assert list(fit.extras) == ["threshold_core", "threshold_whole"]
    explained = min(SegmentationTarget(core, two_foci.whole).explained(fit.density, [*fit.extras.values()]).values())
    assert explained >= 0.5 or any("explains the" in warning for warning in fit.warnings)


def test_what_cannot_be_fitted_is_told_first(small_tissue, two_foci):
    pet = PETTarget(two_foci.whole, two_foci.whole)
    for target, settings, fault in (
        (pet, {}, "segmentation or a density"),
        (DensityTarget(np.zeros_like(two_foci.core)), {}, "the tumour is empty"),
        (two_foci, {"cells": 2}, "cells"),
        (
            two_foci,
            {"cells": 4},
            "2 cells on its coarsest grid are voxels of .* set cells higher",
        ),
        (two_foci, {"cells": 18, "iterations": (5, 5, 5)}, "halved"),
        (two_foci, {"iterations": (0,)}, "iterations"),
        (two_foci, {"iterations": ()}, "iterations = .* is not valid"),
        (two_foci, {"margin": 0.5}, "margin"),
        (two_foci, {"rate": 0.0}, "rate"),
        (two_foci, {"penalty": "square"}, "penalty"),
        (two_foci, {"tail": "end"}, "tail"),
        (two_foci, {"optimiser": "sgd"}, "optimiser"),
    ):
        with pytest.raises(InputError, match=fault):
            invert(target, small_tissue, "gliodil", **settings)


def test_without_a_gpu_cuda_is_told(small_tissue, two_foci):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(InputError, match="GPU"):
        invert(two_foci, small_tissue, "gliodil", device="cuda")
