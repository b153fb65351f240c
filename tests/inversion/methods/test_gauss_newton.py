"""Gauss–Newton: derivatives, recovery of known parameters from every kind of target, bounds and uncertainty."""

import numpy as np
import pytest

from gliofit import InputError, Problem, Theta, invert, simulate
from gliofit.base import grids
from gliofit.base.overlap import dice
from gliofit.inversion.methods.gauss_newton import gauss_newton, levels_of
from gliofit.inversion.search import levenberg_marquardt
from gliofit.inversion.search.levenberg_marquardt import _limited_step, minimise, normal_equations
from gliofit.observation.density import DensityTarget
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget

TRUTHS = [Theta((6.0, 21.0, 4.0), 7.0, 2.4), Theta((-13.0, 9.0, 8.0), 3.4, 2.9), Theta((9.0, -16.0, -7.0), 11.0, 2.1)]


def segmentation(c, up=0.68, down=0.21):
    return SegmentationTarget((c > up).astype(np.float32), (c > down).astype(np.float32))


def blurred(c, up=0.68, down=0.21):
    """What the model can produce exactly; hard labels on 4 mm voxels have their optimum elsewhere."""
    return SegmentationTarget(*(1 / (1 + np.exp(-50 * (c - t))) for t in (up, down)))


def pet(c, scale=0.8, background=0.2):
    return PETTarget(c / scale + background, (c > 0.2).astype(np.float32))


def targets(c):
    joint = JointTarget((segmentation(c), pet(c)), (1.0, 4.0))
    return {"density": DensityTarget(c), "segmentation": segmentation(c), "pet": pet(c), "joint": joint}


@pytest.mark.parametrize("name", ["density", "segmentation", "pet", "joint"])
def test_gradient_of_every_target(small_tissue, name):
    truth, other = TRUTHS[0], Theta((8.0, 19.0, 5.0), 6.0, 2.6)
    target = targets(simulate(small_tissue, truth, dtype=np.float64))[name]
    extras = target.extra_start + 0.02 * (np.arange(len(target.extra_start)) + 1)

    def loss(p):
        return target.loss(simulate(small_tissue, Theta.from_array(p[:5]), dtype=np.float64), p[5:])

    c, jacobian = simulate(small_tissue, other, jacobian=True, dtype=np.float64)
    value, half, matrix = normal_equations(target, c, jacobian, extras)
    p = np.array([*other.to_array(), *extras])
    steps = np.eye(len(p)) * 1e-4
    differences = [(loss(p + e) - loss(p - e)) / 2e-4 for e in steps]
    assert value == pytest.approx(loss(p), rel=1e-6)
    np.testing.assert_allclose(2 * half, differences, rtol=2e-4, atol=1e-6 * np.abs(differences).max())
    assert np.linalg.eigvalsh(matrix).min() >= -1e-12 * np.trace(matrix)


def test_loss_of_outlines_is_one_minus_dice(small_tissue):
    c, other = simulate(small_tissue, TRUTHS[0]), simulate(small_tissue, Theta((8.0, 19.0, 5.0), 6.0, 2.6))
    target = segmentation(c)
    target = SegmentationTarget(target.core, target.whole, steepness=1e6)  # no blur: both are masks
    expected = np.mean([1 - dice(other > t, c > t) for t in (0.68, 0.21)])
    assert 0.1 < expected < 0.9
    assert target.loss(other, [0.68, 0.21]) == pytest.approx(expected, rel=1e-6)
    nothing = SegmentationTarget(np.zeros_like(c), target.whole, steepness=1e6)
    assert nothing.loss(other, [0.21]) == pytest.approx(1 - dice(other > 0.21, c > 0.21))  # the whole tumour alone


@pytest.mark.parametrize("core", [True, False])
def test_losses_of_outlines_agree_and_have_slopes(small_tissue, core):
    import torch

    c, other = (simulate(small_tissue, t, dtype=np.float64) for t in (TRUTHS[0], Theta((8.0, 19.0, 5.0), 6.0, 2.6)))
    target, extras = segmentation(c), np.array([0.6, 0.2])
    if not core:  # the whole tumour alone
        target, extras = SegmentationTarget(np.zeros_like(target.core), target.whole), extras[1:]
    arrays = {name: torch.as_tensor(a) for name, a in target.arrays().items()}
    by_torch = torch.tensor(extras, requires_grad=True)
    loss = target.torch_loss(torch.as_tensor(other), arrays, by_torch)
    loss.backward()
    assert loss.item() == pytest.approx(target.loss(other, extras), rel=1e-6)
    found, flat = target.residuals(other, extras), np.zeros((5, *c.shape))
    value, half, _ = normal_equations(target, other, flat, extras)
    assert value == pytest.approx(loss.item(), rel=1e-6)
    assert found.r.dtype == other.dtype
    np.testing.assert_allclose(2 * half[5:], by_torch.grad, rtol=1e-5)
    assert np.all(np.abs(by_torch.grad.numpy()) > 1e-3)


@pytest.mark.parametrize("truth", TRUTHS)
def test_recovers_theta_from_a_density(small_tissue, truth):
    c = simulate(small_tissue, truth)
    fit = invert(c, small_tissue, "gauss_newton")
    assert fit.loss < 1e-6 * np.mean(np.square(c))
    np.testing.assert_allclose(fit.theta.to_array(), truth.to_array(), atol=0.02)
    assert fit.converged
    assert fit.evaluations < 200


def test_recovers_theta_and_thresholds_from_segmentations(small_tissue):
    truth = TRUTHS[0]
    c = simulate(small_tissue, truth)
    fit = invert(blurred(c), small_tissue, "gauss_newton", tolerance=1e-5)
    assert fit.loss < 1e-5
    assert fit.extras["threshold_core"] == pytest.approx(0.68, abs=0.02)
    assert fit.extras["threshold_whole"] == pytest.approx(0.21, abs=0.02)
    np.testing.assert_allclose(fit.theta.to_array(), truth.to_array(), atol=0.3)


def test_pet_adds_what_outlines_leave_open(small_tissue):
    truth = TRUTHS[0]
    c = simulate(small_tissue, truth)
    fit = invert(JointTarget((blurred(c), pet(c)), (1.0, 10.0)), small_tissue, "gauss_newton", tolerance=1e-5)
    assert set(fit.extras) == {"threshold_core", "threshold_whole", "pet_scale", "pet_background"}
    assert fit.extras["pet_scale"] == pytest.approx(0.8, abs=0.05)
    assert fit.extras["pet_background"] == pytest.approx(0.2, abs=0.03)
    assert fit.theta.mu_rho == pytest.approx(truth.mu_rho, abs=0.2)


def test_a_parameter_at_its_bound_does_not_stop_the_others(small_tissue):
    c = simulate(small_tissue, TRUTHS[0])
    problem = Problem(small_tissue, SegmentationTarget((c > 0.42).astype("f4"), (c > 0.03).astype("f4")))
    start = np.array([*problem.centre, 5.0, 3.0, 0.6, 0.2])
    end = minimise(problem, start, tolerance=1e-5, iterations=60)
    parameters, loss, history = end.parameters, end.loss, end.history
    assert problem.box.contains(parameters)
    assert history == sorted(history, reverse=True)
    from scipy.optimize import minimize

    # the same loss by another optimiser, from our optimum: it must not find much better nearby
    box = problem.box
    found = minimize(
        lambda u: problem.loss(box.from_unit(np.clip(u, 0, 1))),
        box.to_unit(parameters),
        method="Nelder-Mead",
        options={"maxfev": 400},
    )
    assert loss < 1.03 * found.fun


@pytest.mark.parametrize("truth", TRUTHS)
def test_few_jacobians_where_residuals_vanish(small_tissue, truth):
    # Curvature learnt far away must not outlive its use: with it always added, some of these took 24 to 32 Jacobians.
    c = simulate(small_tissue, truth)
    problem, floor = Problem(small_tissue, DensityTarget(c)), 1e-9 * np.mean(np.square(c, dtype=np.float64))
    rng = np.random.default_rng(0)
    for _ in range(6):
        start = truth.to_array()
        start[:3] += 6 * rng.standard_normal(3)
        start[3:] *= np.exp(0.4 * rng.standard_normal(2))
        end = minimise(problem, start, iterations=16, floor=floor)
        loss, history = end.loss, end.history
        assert loss <= floor, history


def test_a_search_that_is_stuck_does_not_call_itself_converged(small_tissue, monkeypatch):
    noise = 0.05 * np.random.default_rng(0).standard_normal(small_tissue.shape).astype(np.float32)
    problem = Problem(small_tissue, DensityTarget(simulate(small_tissue, TRUTHS[0]) + noise))
    start = TRUTHS[0].to_array() + np.array([3, -2, 1, 1, 0.3])
    end = minimise(problem, start)
    assert end.converged
    assert end.reason == "the next step would lower the loss by less than 1e-04 of it"
    wrong = lambda *args: (lambda loss, gradient, matrix: (loss, -gradient, matrix))(*normal_equations(*args))  # noqa: E731
    monkeypatch.setattr(levenberg_marquardt, "normal_equations", wrong)
    end = minimise(problem, start)
    parameters, history, converged, reason = end.parameters, end.history, end.converged, end.reason
    assert len(history) == 1
    np.testing.assert_allclose(parameters, start, rtol=1e-9)
    assert not converged
    assert reason == "no step lowers the loss any more"


@pytest.mark.parametrize("seed", range(5))
def test_no_step_within_the_limit_is_better(seed):
    rng = np.random.default_rng(seed)
    root, gradient = rng.normal(size=(7, 7)), 20 * rng.normal(size=7)
    matrix = root @ root.T + 0.1 * np.eye(7)
    quadratic = lambda s: 2 * s @ gradient + np.einsum("...i,ij,...j", s, matrix, s)  # noqa: E731
    step = _limited_step(matrix, gradient, 1.5)
    assert np.abs(np.linalg.solve(matrix, gradient)).max() > 1.5
    assert np.abs(step).max() == pytest.approx(1.5)
    near = np.clip(step + rng.normal(size=(20000, 7)) * rng.choice([1e-3, 1e-2, 0.1, 1], (20000, 1)), -1.5, 1.5)
    assert quadratic(step) < min(quadratic(near).min(), 0) + 1e-9
    np.testing.assert_allclose(_limited_step(matrix, 1e-3 * gradient, 50), -np.linalg.solve(matrix, 1e-3 * gradient))


def test_joint_fits_from_different_starts_agree(small_tissue):
    # a PET background at its bound: steps that were merely cut to their limit ended the search there
    c = simulate(small_tissue, TRUTHS[0])
    target = JointTarget((segmentation(c), pet(c, scale=0.9, background=0.0)), (1.0, 1.0))
    problem = Problem(small_tissue, target)
    losses = []
    for mu_d, background in ((7.0, 0.02), (9.0, 0.3), (5.0, 0.01)):
        start = np.array([*problem.centre, mu_d, 2.4, 0.6, 0.2, 0.7, background])
        losses.append(minimise(problem, start, tolerance=1e-5, iterations=80).loss)
    assert max(losses) < 1.02 * min(losses)


def test_covariance_matches_the_scatter_of_noisy_fits(small_tissue):
    truth, noise, rng = TRUTHS[0], 0.05, np.random.default_rng(1)
    c = simulate(small_tissue, truth)
    fits = []
    for _ in range(24):
        noisy = DensityTarget(c + noise * rng.standard_normal(c.shape).astype(np.float32))
        fits.append(gauss_newton(Problem(small_tissue, noisy), start=truth.to_array()))
    scatter = np.std([f.theta.to_array() for f in fits], axis=0, ddof=1)
    predicted = np.sqrt(np.diag(fits[0].covariance))
    ratio = scatter / predicted
    assert np.all(ratio > 0.6), ratio  # 24 draws: a standard deviation is known to ±15 %
    assert np.all(ratio < 1.6), ratio
    spread = np.std([f.density for f in fits], axis=0, ddof=1)
    there = fits[0].deviation > 0.3 * fits[0].deviation.max()
    assert np.median(spread[there] / fits[0].deviation[there]) == pytest.approx(1, abs=0.4)


def test_covariance_does_not_depend_on_the_air_around_the_head(small_tissue):
    c = simulate(small_tissue, TRUTHS[0])
    noisy = c + 0.05 * np.random.default_rng(1).standard_normal(c.shape).astype(np.float32) * small_tissue.mask
    padded = small_tissue.crop((-6, -6, -6), (36, 36, 36))
    there = padded.crop_offset(small_tissue.to_world(np.full(3, 11.5)), (24, 24, 24))
    inside = tuple(slice(o, o + 24) for o in there)
    wide = np.zeros(padded.shape, np.float32)
    wide[inside] = noisy
    start = TRUTHS[0].to_array()
    # noise leaves [0, 1], which `invert` would refuse
    problems = [Problem(tissue, DensityTarget(t)) for t, tissue in ((noisy, small_tissue), (wide, padded))]
    fits = [gauss_newton(problem, start=start) for problem in problems]
    np.testing.assert_allclose(fits[1].covariance, fits[0].covariance, rtol=0.02, atol=1e-6)
    np.testing.assert_allclose(fits[1].deviation[inside], fits[0].deviation, atol=1e-4)


def finer(tissue, spacing=2.0):
    """The small head, sampled at another spacing."""
    shape, affine = grids.aligned_grid(tissue.affine, tissue.brain, spacing)
    return tissue.resample_to(shape, affine)


def test_levels_halve_the_spacing_down_to_the_problems_own(small_tissue):
    tissue = finer(small_tissue, 1.0)
    levels = levels_of(Problem(tissue, DensityTarget(simulate(tissue, TRUTHS[0]))))
    assert [level.tissue.spacing.max() for level in levels] == [4, 2, 1]


def from_coarse_to_fine(small_tissue, target, **settings):
    tissue = finer(small_tissue)
    fit = invert(target(simulate(tissue, TRUTHS[0])), tissue, "gauss_newton", uncertainty=False, **settings)
    assert fit.details["levels_mm"] == [4, 2]
    return fit


def test_coarse_to_fine_on_a_density(small_tissue):
    fit = from_coarse_to_fine(small_tissue, DensityTarget)
    assert fit.loss < 1e-6 * np.mean(np.square(fit.density))
    np.testing.assert_allclose(fit.theta.to_array(), TRUTHS[0].to_array(), atol=0.02)


def test_coarse_to_fine_on_outlines(small_tissue):
    fit = from_coarse_to_fine(small_tissue, blurred, tolerance=1e-5)
    assert fit.loss < 1e-4
    assert fit.extras["threshold_core"] == pytest.approx(0.68, abs=0.04)
    assert fit.extras["threshold_whole"] == pytest.approx(0.21, abs=0.04)
    np.testing.assert_allclose(fit.theta.to_array(), TRUTHS[0].to_array(), atol=0.6)


def test_coarse_to_fine_on_a_density_with_pet(small_tissue):
    fit = from_coarse_to_fine(
        small_tissue, lambda c: JointTarget((DensityTarget(c), pet(c)), (1.0, 0.1)), tolerance=1e-5
    )
    assert fit.extras["pet_scale"] == pytest.approx(0.8, abs=0.02)
    assert fit.extras["pet_background"] == pytest.approx(0.2, abs=0.02)
    np.testing.assert_allclose(fit.theta.to_array(), TRUTHS[0].to_array(), atol=0.05)


def test_a_grid_far_larger_than_the_brain(small_tissue):
    # origins are sought up to 40 mm around, which leaves the coarse grid here: it has the brain alone
    tissue = finer(small_tissue)
    padded = tissue.crop((-20, -20, -20), tuple(n + 40 for n in tissue.shape))
    levels = levels_of(Problem(padded, DensityTarget(simulate(padded, TRUTHS[0]))))
    for corner in (levels[0].box.lower, levels[0].box.upper):
        assert np.isfinite(levels[0].density(corner)).all()


def test_the_same_seed_gives_the_same_fit(small_tissue):
    target = segmentation(simulate(small_tissue, TRUTHS[1]))
    a, b = (invert(target, small_tissue, "gauss_newton", seed=3, uncertainty=False) for _ in range(2))
    assert a.theta == b.theta
    assert a.loss == b.loss


class PoorPrediction:
    """An inverse network that is some millimetres and a fifth of μ off."""

    shape, spacing = (24, 24, 24), 4.0

    def __init__(self, truth, centre):
        self.values = truth.to_array() * [1, 1, 1, 1.2, 0.85] + [4, -3, 3, 0, 0]
        self.values[:3] -= centre

    def predict(self, tissue, density):
        return self.values


def test_hybrid_gn_starts_from_the_prediction(small_tissue):
    truth = TRUTHS[0]
    c = simulate(small_tissue, truth)
    problem = Problem(small_tissue, DensityTarget(c))
    offset = small_tissue.crop_offset(problem.centre, (24, 24, 24))
    network = PoorPrediction(truth, small_tissue.to_world(offset + 11.5))
    fit = invert(c, small_tissue, "hybrid_gn", networks={"inverse": network})
    np.testing.assert_allclose(fit.details["start"][3:], [truth.mu_D * 1.2, truth.mu_rho * 0.85])
    assert fit.loss < 1e-6 * np.mean(np.square(c))
    with pytest.raises(InputError, match="inverse"):
        invert(c, small_tissue, "hybrid_gn")


def test_an_empty_target_is_refused(small_tissue):
    with pytest.raises(InputError, match="empty"):
        invert(np.zeros(small_tissue.shape, np.float32), small_tissue, "gauss_newton")
