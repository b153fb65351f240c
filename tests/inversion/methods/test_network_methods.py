"""direct, gb_surrogate(_com) and hybrid(_com) with networks whose answers are known."""

import numpy as np
import pytest
import torch
from networks_for_tests import BiasedSolver, KnownInverse, WaveSurrogate, wave_density

from gliofit import Problem, Theta, invert
from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.inversion import describe
from gliofit.inversion.crops import Crop, SurrogateLoss
from gliofit.inversion.methods import hybrid_gn
from gliofit.inversion.methods.gauss_newton import gauss_newton
from gliofit.observation.density import DensityTarget
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget

GUESS = Theta((4.0, 0.0, 22.0), 9.0, 2.5)


def com_target(target):
    return DensityTarget(target) if isinstance(target, np.ndarray) else target


def networks(guess: Theta = GUESS) -> dict:
    return {"surrogate": WaveSurrogate(), "inverse": KnownInverse(guess)}


REASONS = {"gauss_newton": ("loss below 1.0e-08",), "lbfgs": ("|Δloss| < 1e-08", "|Δloss| < 0.001·loss")}


@pytest.mark.parametrize("search", REASONS)
def test_gb_recovers_what_its_surrogate_made(small_tissue, waved, truth, search):
    fit = invert(waved, small_tissue, "gb_surrogate", networks=networks(), search=search)
    np.testing.assert_allclose(fit.theta.to_array(), truth.to_array(), rtol=0.01)
    assert fit.converged
    assert fit.reason in REASONS[search]
    assert fit.history[-1] < 1e-4 * fit.history[0]
    assert len(fit.history) - 1 <= fit.evaluations < 60


def test_gb_recovers_a_segmented_tumour(small_tissue, waved, truth):
    target = SegmentationTarget((waved > 0.6).astype("f"), (waved > 0.2).astype("f"))
    fit = invert(target, small_tissue, "gb_surrogate", networks=networks())
    np.testing.assert_allclose(fit.theta.origin, truth.origin, atol=1.0)
    assert np.mean((wave_density(small_tissue, fit.theta) - waved) ** 2) < 1e-3
    box = target.extra_box
    assert box.contains(list(fit.extras.values()))


def test_several_observations_are_fitted_together(small_tissue, waved, truth):
    outlines = SegmentationTarget((waved > 0.6).astype("f"), (waved > 0.2).astype("f"))
    uptake = PETTarget(waved / 1.0 + 0.2 * (waved > 0), outlines.whole)
    target = JointTarget((outlines, uptake), (1.0, 1.0))
    fit = invert(target, small_tissue, "gb_surrogate", networks=networks())
    assert set(fit.extras) == {"threshold_core", "threshold_whole", "pet_scale", "pet_background"}
    np.testing.assert_allclose(fit.theta.origin, truth.origin, atol=1.0)
    # along a valley from wide fronts to narrow ones the loss hardly changes: how far the front came is told, and the
    # loss is that of the truth, which is not 0 as outlines have sharp edges
    assert fit.theta.mu_D * fit.theta.mu_rho == pytest.approx(truth.mu_D * truth.mu_rho, rel=0.05)
    at_truth = SurrogateLoss(Problem(small_tissue, target, networks=networks()))
    _, lowest = at_truth.with_best_extras(np.array([*truth.to_array(), *target.extra_start]))
    assert fit.history[-1] < 1.15 * lowest
    with pytest.raises(InputError, match="density or a segmentation"):
        invert(uptake, small_tissue, "direct", networks=networks())


def test_gb_is_repeatable_and_its_further_starts_depend_on_the_seed(small_tissue, waved):
    run = lambda **settings: invert(waved, small_tissue, "gb_surrogate", networks=networks(), **settings)  # noqa: E731
    assert run().theta == run().theta
    several = run(starts=3, seed=5)
    assert several.theta == run(starts=3, seed=5).theta
    assert several.evaluations > run(starts=3, seed=5, iterations=1).evaluations
    assert several.history[-1] <= run().history[-1]


def test_gb_stays_inside_its_bounds(small_tissue):
    # a broader front than any allowed: μ_D wants beyond its bound of 40
    broad = wave_density(small_tissue, Theta((2.0, 0.0, 0.0), 55.0, 1.2))
    fit = invert(broad, small_tissue, "gb_surrogate", networks=networks())
    problem = Problem(small_tissue, DensityTarget(broad))
    assert problem.box.contains(fit.theta.to_array())
    assert fit.theta.mu_D == pytest.approx(40.0, abs=0.5)
    assert fit.converged


def test_a_fixed_origin_is_kept_and_the_rest_is_fitted_for_it(small_tissue):
    # cut off by the edge of the tissue, so that the centre of mass lies 1.4 mm from the origin
    true = Theta((24.0, -12.0, 10.0), 6.0, 3.0)
    seen = wave_density(small_tissue, true)
    com = Problem(small_tissue, DensityTarget(seen)).centre
    fit = invert(seen, small_tissue, "gb_surrogate_com", networks=networks())
    np.testing.assert_allclose(fit.theta.origin, com)
    assert fit.converged

    def error(mu_d: float, mu_rho: float) -> float:
        there = wave_density(small_tissue, Theta(tuple(com), mu_d, mu_rho))
        return float(np.mean((there - seen) ** 2, dtype=np.float64))

    # the minimum for that origin: a twentieth to any side doubles the error, while a descent ends within 0.1 % of it
    found = error(fit.theta.mu_D, fit.theta.mu_rho)
    for d, rho in ((1.05, 1), (0.95, 1), (1, 1.05), (1, 0.95)):
        assert error(d * fit.theta.mu_D, rho * fit.theta.mu_rho) > 1.5 * found
    # not what a free fit finds, the truth, with its origin replaced: that is 6 % worse
    assert error(true.mu_D, true.mu_rho) > 1.02 * found


def test_direct_returns_the_networks_answer_inside_the_bounds(small_tissue, waved):
    models = networks()
    fit = invert(waved, small_tissue, "direct", networks=models)
    np.testing.assert_allclose(fit.theta.to_array(), GUESS.to_array())
    assert (fit.evaluations, fit.converged, fit.history) == (1, True, [fit.loss])
    crop = Crop(Problem(small_tissue, DensityTarget(waved)), models["inverse"])
    np.testing.assert_allclose(models["inverse"].shown, crop.target.density)
    far = invert(waved, small_tissue, "direct", networks=networks(Theta((4.0, 0.0, 22.0), 300.0, 0.2)))
    assert (far.theta.mu_D, far.theta.mu_rho) == (40.0, 1.0)


def test_direct_shows_the_network_a_density_between_the_outlines(small_tissue, waved, segmented, solved):
    models = networks()
    fit = invert(segmented, small_tissue, "direct", networks=models)
    assert list(fit.extras.values()) == pytest.approx(segmented.best_extras(fit.density), abs=1e-6)
    # what it was shown is a crop: put it back where it came from
    crop = Crop(Problem(small_tissue, segmented), models["inverse"])
    offset = np.round(small_tissue.to_voxel(crop.tissue.affine[:3, 3])).astype(int)
    shown = grids.put(models["inverse"].shown, offset, small_tissue.shape)
    stairs = 0.65 * segmented.core + 0.25 * (segmented.whole - segmented.core)
    assert shown[~small_tissue.mask].max() == 0
    assert shown[segmented.core > 0].min() > 0.64
    assert shown[(segmented.whole == 0)].max() < 0.26
    assert np.mean((shown - solved) ** 2) < 0.5 * np.mean((stairs - solved) ** 2)


def test_a_tumour_without_core_is_shown_below_the_cores_threshold(small_tissue, segmented, solved):
    models = networks()
    invert(SegmentationTarget(np.zeros_like(solved), segmented.whole), small_tissue, "direct", networks=models)
    shown = models["inverse"].shown
    assert 0.5 < shown.max() <= 0.65 + 1e-6
    assert np.isfinite(shown).all()


def test_segmentations_have_an_inverse_of_their_own(small_tissue, waved):
    """`direct`, `hybrid` and `hybrid_gn` ask the network that was trained on what is observed."""
    target = SegmentationTarget((waved > 0.65).astype(np.float32), (waved > 0.25).astype(np.float32))
    outlines = Theta((14.0, -14.0, 10.0), 9.0, 2.5)
    for observed, expected in ((target, outlines), (waved, GUESS)):
        models = {**networks(), "inverse_segmentation": KnownInverse(outlines)}
        fit = invert(observed, small_tissue, "direct", networks=models)
        np.testing.assert_allclose(fit.theta.to_array(), expected.to_array(), atol=1e-3)
        fit = invert(observed, small_tissue, "hybrid_gn", networks=models, iterations=1, uncertainty=False)
        np.testing.assert_allclose(fit.details["start"][:5], expected.to_array(), atol=1e-3)
    invert(target, small_tissue, "direct", networks=models)
    seen = models["inverse_segmentation"].shown
    assert set(np.unique(seen)) == {0, 0.5, 1}


def test_outlines_are_fitted_from_fronts_of_other_widths_too(small_tissue, waved, monkeypatch):
    """Outlines hardly tell a front's width, and a search leaves it nearly as it begins; densities tell it."""
    target = SegmentationTarget((waved > 0.65).astype(np.float32), (waved > 0.25).astype(np.float32))
    given = []

    def searched(problem, *, start, **settings):
        given.append(np.atleast_2d(start))
        return gauss_newton(problem, start=start, **settings)

    monkeypatch.setattr(hybrid_gn, "gauss_newton", searched)
    for observed in (target, waved):
        fit = invert(observed, small_tissue, "hybrid_gn", networks=networks(), iterations=2, uncertainty=False)
        np.testing.assert_array_equal(given[-1][0], fit.details["start"])
    outlines, density = given
    assert len(density) == 1
    np.testing.assert_allclose(outlines[:, :3], np.tile(outlines[0, :3], (len(outlines), 1)), atol=1e-6)
    widths = outlines[:, 3] / outlines[:, 4]
    assert np.abs(widths[1:] / widths[0] - 1).max() > 0.3


def test_gb_takes_tangents_if_its_surrogate_has_them(small_tissue, waved):
    """Without them a Jacobian is six runs, which L-BFGS does not need."""

    class WithTangents(WaveSurrogate):
        def with_jacobian(self, static, theta, *, corrected=True):
            by_theta = torch.autograd.functional.jacobian(lambda row: self(static, row[None])[0], theta[0])
            return self(static, theta)[0], by_theta.movedim(-1, 0)

        def uncorrected(self, static, theta):
            return self(static, theta)

    for surrogate, search in ((WaveSurrogate(), "lbfgs"), (WithTangents(), "gauss_newton")):
        fit = invert(waved, small_tissue, "gb_surrogate", networks={"surrogate": surrogate})
        assert fit.reason in REASONS[search]


@pytest.mark.parametrize("search", REASONS)
def test_hybrid_keeps_whichever_the_solver_prefers(small_tissue, solved, truth, search):
    # the analytic surrogate is not the solver: refining the truth with it makes it worse …
    good = invert(solved, small_tissue, "hybrid", networks=networks(truth), search=search)
    assert good.details["kept"] == "direct"
    np.testing.assert_allclose(good.theta.to_array(), truth.to_array())
    # … and refining a bad guess makes it better
    far = networks(Theta((0.0, 20.0, -15.0), 20.0, 4.0))
    bad = invert(solved, small_tissue, "hybrid", networks=far, corrections=0, search=search)
    assert bad.details["kept"] == "gb_surrogate"
    assert "loss_corrected" not in bad.details
    for fit in (good, bad):
        losses = {name: value for name, value in fit.details.items() if name.startswith("loss_")}
        assert fit.loss == min(losses.values()) == losses[f"loss_{fit.details['kept']}"]
        assert fit.loss == pytest.approx(np.mean((fit.density - solved) ** 2), rel=1e-4)
        assert fit.seconds > 0


@pytest.mark.parametrize(
    ("observed", "search"), [("density", "gauss_newton"), ("density", "lbfgs"), ("outlines", "gauss_newton")]
)
def test_a_correction_takes_the_surrogates_error_off(small_tissue, solved, segmented, truth, observed, search):
    target = solved if observed == "density" else segmented
    models = {"surrogate": BiasedSolver(), "inverse": KnownInverse(Theta((9.0, -5.0, 14.0), 7.0, 2.8))}
    settings = {"networks": models, "search": search}
    paper = invert(target, small_tissue, "hybrid", **settings, corrections=0)
    fit = invert(target, small_tissue, "hybrid", **settings)
    assert paper.details["kept"] == "gb_surrogate"
    assert fit.details["kept"] == "corrected"
    assert fit.details["loss_gb_surrogate"] == pytest.approx(paper.loss)
    assert fit.history[: len(paper.history)] == pytest.approx(paper.history)
    assert fit.evaluations > paper.evaluations
    com = invert(target, small_tissue, "hybrid_com", networks=models)
    np.testing.assert_allclose(com.theta.origin, Problem(small_tissue, com_target(target)).centre)
    if observed == "outlines":
        # sharp edges leave a loss of 0.0065 at the truth, 0.0062 at the solver's minimum: the rest is the surrogate's
        lowest = invert(target, small_tissue, "gauss_newton", uncertainty=False).loss
        assert fit.loss < segmented.loss(solved, segmented.best_extras(solved)) < paper.loss
        assert fit.loss - lowest < 0.2 * (paper.loss - lowest)
    else:
        # the surrogate is best explained by a tumour that spreads less, and its error depends on θ
        assert paper.theta.mu_D == pytest.approx(truth.mu_D / 1.05, rel=2e-3)
        assert truth.mu_D - fit.theta.mu_D < 0.4 * (truth.mu_D - paper.theta.mu_D)
        again = invert(target, small_tissue, "hybrid", **settings, corrections=2)
        assert again.loss < 0.3 * fit.loss < 0.1 * paper.loss


def test_hybrid_starts_from_the_direct_prediction(small_tissue, waved, truth):
    near = Theta((12.0, -6.0, 15.0), 6.5, 2.9)
    start = np.mean((wave_density(small_tissue, near) - waved) ** 2)
    fit = invert(waved, small_tissue, "hybrid", networks=networks(near))
    assert fit.history[0] == pytest.approx(start, rel=1e-3)


def test_hybrid_com_keeps_the_origin_in_both_candidates(small_tissue, waved, solved):
    for density, guess, kept in (
        (waved, Theta((0.0, 20.0, -15.0), 12.0, 3.5), "gb_surrogate"),
        (solved, Theta((0.0, 20.0, -15.0), 6.0, 3.0), "direct"),
    ):
        com = Problem(small_tissue, DensityTarget(density)).centre
        fit = invert(density, small_tissue, "hybrid_com", networks=networks(guess), corrections=0)
        np.testing.assert_allclose(fit.theta.origin, com)
        assert fit.details["kept"] == kept
        assert fit.loss == min(fit.details["loss_direct"], fit.details["loss_gb_surrogate"])


def test_a_centre_of_mass_in_the_ventricle_moves_to_the_nearest_tissue(small_tissue):
    centre = np.zeros(3)
    moved = small_tissue.nearest_tissue(centre)
    index = tuple(np.round(small_tissue.to_voxel(moved)).astype(int))
    assert small_tissue.mask[index]
    places = small_tissue.to_world(np.argwhere(small_tissue.mask))
    assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(places, axis=1).min())
    outside = small_tissue.nearest_tissue(np.array([500.0, 0.0, 0.0]))
    assert small_tissue.mask[tuple(np.round(small_tissue.to_voxel(outside)).astype(int))]
    np.testing.assert_array_equal(small_tissue.nearest_tissue(outside + 0.3), outside + 0.3)


def half_a_voxel(spacing: float) -> np.ndarray:
    """Moves by half a voxel along each axis, both ways [6, 3]."""
    return spacing / 2 * np.concatenate([np.eye(3), -np.eye(3)])


def test_the_crop_agrees_with_the_whole_on_where_things_are(small_tissue, waved, truth):
    # an odd crop on the problem's own grid, and one on a coarser grid
    for shape, spacing in (((20, 18, 16), 4.0), ((12, 12, 12), 8.0)):
        problem = Problem(small_tissue, DensityTarget(waved), {"surrogate": WaveSurrogate(shape, spacing)})
        crop = Crop(problem, problem.networks["surrogate"])
        assert crop.tissue.shape == shape
        np.testing.assert_allclose(crop.tissue.spacing, spacing)
        np.testing.assert_allclose(crop.from_network(crop.to_network(truth.to_array())), truth.to_array())
        assert np.abs(crop.centre - problem.centre).max() <= spacing
        assert crop.target.density[~crop.tissue.mask].max() == 0
        loss = SurrogateLoss(problem)
        places = [truth.to_array() + np.array([*move, 0, 0]) for move in (np.zeros(3), *half_a_voxel(spacing))]
        at_truth, *beside = loss(torch.as_tensor(np.stack([problem.box.to_unit(place) for place in places]))).tolist()
        # on the same grid only the rounding of float32 is left, 1e-6 of a density and squared; on a coarser one, that
        # a voxel's mean is not the density at its centre
        assert at_truth < (1e-6 if spacing == 4.0 else 0.1) * min(beside)


@pytest.mark.parametrize("name", ["gb_surrogate", "hybrid", "direct", "cmaes_surrogate"])
def test_a_missing_network_is_named(small_tissue, waved, name):
    with pytest.raises(InputError, match=r"trained weights for: [a-z, ]*(surrogate|inverse); give networks="):
        invert(waved, small_tissue, name)
    with pytest.raises(InputError, match=r"surrogate|inverse"):
        describe(name).run(Problem(small_tissue, DensityTarget(waved)))


def test_unknown_and_nonsense_settings_are_refused(small_tissue, waved):
    with pytest.raises(InputError, match="unknown setting 'learning_rate'"):
        invert(waved, small_tissue, "gb_surrogate", networks=networks(), learning_rate=1)
    for bad in (
        {"iterations": 0},
        {"tolerance": -1e-8},
        {"relative_tolerance": 0.0},
        {"starts": True},
        {"corrections": -1},
    ):
        with pytest.raises(InputError, match=next(iter(bad))):
            invert(waved, small_tissue, "hybrid", networks=networks(), **bad)


def test_every_method_of_the_paper_is_registered():
    expected = {"cmaes_solver", "cmaes_surrogate", "direct", "gb_surrogate", "gb_surrogate_com", "hybrid", "hybrid_com"}
    roles = {name: describe(name).networks for name in expected}
    assert roles["cmaes_solver"] == ()
    assert roles["hybrid_com"] == ("surrogate", "inverse", "inverse_segmentation")
