"""The likelihood against the paper's formulas and differences, and the posterior's parameter sets."""

import numpy as np
import pytest

from gliofit import InputError, Problem, Theta, growth_model, simulate
from gliofit.base.errors import BeyondModelError
from gliofit.inversion.posterior.compared import extent
from gliofit.inversion.posterior.likelihood import Likelihood, Outline, Seen, Uptake
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.unknowns import PAPER
from gliofit.observation.density import DensityTarget
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget

TRUTH = Theta((6.0, 21.0, 4.0), 7.0, 2.4)


@pytest.fixture(scope="module")
def seen(small_tissue):
    return simulate(small_tissue, TRUTH)


def outlines(c, up=0.68, down=0.21):
    return SegmentationTarget((c > up).astype(np.float32), (c > down).astype(np.float32))


def uptake(c):
    return PETTarget((0.1 + 0.8 * c).astype(np.float32), (c > 0.1).astype(np.float32))


def targets(c):
    joint = JointTarget((outlines(c), uptake(c)), (1.0, 1.0))
    return {"density": DensityTarget(c), "segmentation": outlines(c), "pet": uptake(c), "joint": joint}


def test_outlines_are_bernoulli_with_a_double_logistic():
    """Eqs. 5 and 6, written out."""
    u, labels = np.array([0.0, 0.1, 0.29, 0.3, 0.42, 0.9]), np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    threshold, width = 0.3, 0.2
    alpha = 0.5 + 0.5 * np.sign(u - threshold) * (1 - np.exp(-((u - threshold) ** 2) / width**2))
    expected = np.sum(np.log(np.where(labels == 1, alpha, 1 - alpha)))
    image = Outline((np.arange(6),), labels, 1.0, ("threshold_whole", "sigma_alpha"))
    assert image.value(u, np.array([threshold, width])) == pytest.approx(expected, rel=1e-12)
    assert image.terms(u, np.array([threshold, width])).value == pytest.approx(expected, rel=1e-12)
    # a quarter of independent labels: the fourth root
    quarter = Outline((np.arange(6),), labels, 0.25, ("threshold_whole", "sigma_alpha"))
    assert quarter.value(u, np.array([threshold, width])) == pytest.approx(expected / 4, rel=1e-12)
    # far from the threshold α is 0 in floating-point numbers, its logarithm is not
    assert np.isfinite(image.value(u, np.array([0.8, 0.01])))


def test_uptake_is_gaussian():
    """Eq. 7 with b = 1/scale, and a background."""
    rng = np.random.default_rng(0)
    u, y = rng.random(50), rng.random(50)
    image = Uptake((np.arange(50),), y)
    expected = np.sum(-0.5 * ((y - 0.1 - 0.8 * u) / 0.2) ** 2 - np.log(0.2 * np.sqrt(2 * np.pi)))
    assert image.value(u, np.array([1 / 0.8, 0.1, 0.2])) == pytest.approx(expected, rel=1e-12)
    same = Seen((np.arange(50),), y)
    assert same.value(u, np.array([0.2])) == pytest.approx(image.value(u, np.array([1, 0, 0.2])), rel=1e-12)


@pytest.mark.parametrize(
    ("image", "own"),
    [
        (Outline((np.arange(40),), np.linspace(0, 1, 40) ** 2, 0.7, ("threshold_core", "sigma_alpha")), [0.43, 0.21]),
        (Uptake((np.arange(40),), np.linspace(0, 1, 40)), [0.9, 0.07, 0.13]),
        (Seen((np.arange(40),), np.linspace(0, 1, 40)), [0.13]),
    ],
)
def test_derivatives_of_each_image(image, own):
    u, own = np.linspace(0.01, 0.97, 40)[::-1].copy(), np.array(own)
    terms = image.terms(u, own)
    step = 1e-6
    by_density = [(image.value(u + e, own) - image.value(u - e, own)) / 2e-6 for e in np.eye(40) * step]
    by_own = [(image.value(u, own + e) - image.value(u, own - e)) / 2e-6 for e in np.eye(len(own)) * step]
    np.testing.assert_allclose(terms.by_density, by_density, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(terms.gradient, by_own, rtol=1e-5, atol=1e-5)
    assert terms.value == pytest.approx(image.value(u, own))


@pytest.mark.parametrize("kind", ["unified", "paper"])
@pytest.mark.parametrize("name", ["density", "segmentation", "pet", "joint"])
def test_gradient_through_the_solver(small_tissue, seen, name, kind, monkeypatch):
    if kind == "paper" and name != "joint":
        pytest.skip("the paper's parameters need outlines and a PET")
    plain = Problem(small_tissue, targets(seen)[name])
    double = lambda self, tissue, values, jacobian=False, threads=None, refine=1.0: simulate(  # noqa: E731
        tissue, Theta.from_array(values), jacobian=jacobian, threads=1, dtype=np.float64
    )
    monkeypatch.setattr(type(plain.model), "simulate", double)
    posterior = Posterior(plain, parameters=kind, stride_mm=4.0)
    unit = posterior.draw(np.random.default_rng(5), 1)[0]
    origin = [posterior.unknowns.names.index(axis) for axis in "xyz"]
    unit[origin] = posterior.unknowns.to_unit(_with_origin(posterior, unit))[origin]
    found = posterior.evaluate(unit[None], linearised=True)
    assert found.log_likelihood[0] == pytest.approx(posterior.evaluate(unit[None]).log_likelihood[0], rel=1e-9)
    shifts = np.concatenate([np.eye(posterior.size), -np.eye(posterior.size)]) * 1e-5
    more, less = np.split(posterior.evaluate(unit + shifts).log_likelihood, 2)
    differences = (more - less) / 2e-5
    np.testing.assert_allclose(found.gradient[0], differences, rtol=2e-3, atol=1e-4 * np.abs(differences).max())
    assert np.linalg.eigvalsh(found.matrix[0]).min() >= -1e-9 * np.trace(found.matrix[0])


def _with_origin(posterior, unit):
    unknowns = posterior.unknowns.from_unit(unit)
    for axis, place in zip("xyz", (8.0, 19.0, 5.0), strict=True):
        unknowns[posterior.unknowns.names.index(axis)] = place
    return unknowns


def test_the_matrix_is_the_curvature_of_a_uptake_that_fits(small_tissue, seen):
    """Where residuals vanish, the Gauss–Newton Hessian in the mean's unknowns is the Hessian."""
    posterior = Posterior(Problem(small_tissue, DensityTarget(seen)), stride_mm=4.0)
    at = posterior.unknowns.to_unit(np.array([*TRUTH.to_array(), 0.05]))
    found = posterior.evaluate(at[None], linearised=True)
    step = 2e-3
    for i in (3, 4):
        e = np.zeros(6)
        e[i] = step
        more, less = posterior.evaluate(np.array([at + e, at - e])).log_likelihood
        second = -(more + less - 2 * found.log_likelihood[0]) / step**2
        assert found.matrix[0, i, i] == pytest.approx(second, rel=0.05)


def test_the_eleven_parameters_of_the_paper(small_tissue, seen):
    posterior = Posterior(Problem(small_tissue, targets(seen)["joint"]), parameters="paper")
    assert set(posterior.unknowns.names) == {*PAPER, "x", "y", "z"}
    assert posterior.size == 11
    points = posterior.unknowns.from_unit(posterior.draw(np.random.default_rng(0), 200))
    by_name = dict(zip(posterior.unknowns.names, points.T, strict=True))
    for name, (low, high) in PAPER.items():
        assert low <= by_name[name].min() < by_name[name].max() <= high
    mapped = dict(zip(posterior.names, posterior.unknowns.parameters(points).T, strict=True))
    np.testing.assert_allclose(mapped["mu_D"] ** 2, by_name["D"] * by_name["T"])
    np.testing.assert_allclose(mapped["mu_rho"] ** 2, by_name["rho"] * by_name["T"])
    np.testing.assert_allclose(mapped["pet_scale"] * by_name["b"], 1)
    # log-uniform: half of D below the geometric middle of its range
    assert np.mean(by_name["D"] < np.sqrt(0.01 * 0.08)) == pytest.approx(0.5, abs=0.15)


def test_priors(small_tissue, seen):
    problem = Problem(small_tissue, outlines(seen))
    rng = np.random.default_rng(0)
    logs, flat = (Posterior(problem, prior=prior) for prior in ("log_uniform", "uniform"))
    for posterior in (logs, flat):
        units = posterior.draw(rng, 400)
        assert posterior.supported(units).all()
        np.testing.assert_allclose(posterior.unknowns.to_unit(posterior.unknowns.from_unit(units)), units, atol=1e-9)
        points = posterior.parameters(units)
        inside = [small_tissue.mask[tuple(np.round(small_tissue.to_voxel(p[:3])).astype(int))] for p in points]
        assert all(inside)
    sigma = [p.parameters(p.draw(rng, 1000))[:, p.names.index("sigma_alpha")] for p in (logs, flat)]
    assert np.median(sigma[0]) == pytest.approx(np.sqrt(0.05 * 0.5), rel=0.15)
    assert np.median(sigma[1]) == pytest.approx((0.05 + 0.5) / 2, rel=0.15)


def test_voxels_that_count(small_tissue, seen):
    """Tissue within the ball; of a PET every few voxels, where it is above 0 in its region."""
    target = targets(seen)["joint"]
    centre, radius = extent(small_tissue, target)
    found = Likelihood(small_tissue, target, centre, radius, stride_mm=8.0)
    core, whole, pet = found.images
    world = small_tissue.to_world(np.stack(core.index, 1))
    assert np.linalg.norm(world - centre, axis=1).max() <= radius
    assert small_tissue.mask[core.index].all()
    assert len(whole.seen) == len(core.seen)
    assert np.all(np.array(pet.index) % 2 == 1)  # every 8 mm of 4 mm voxels
    assert (target.parts[1].region[pet.index] >= 0.5).all()
    # labels of voxels of 1 mm count an eighth
    assert core.weight == 1
    assert Likelihood(small_tissue, target, centre, radius, outline_mm=8.0).images[0].weight == pytest.approx(1 / 8)
    volume = (seen > 0.21).sum() * 64
    assert radius >= 2 * (3 * volume / 4 / np.pi) ** (1 / 3) - 1e-6


@pytest.mark.parametrize(
    ("target", "settings", "says"),
    [
        (
            "segmentation",
            {"ranges": {"mu_D": (0.1, 20.0)}},
            "mu_D = 0.1 … 20 must be ascending and lie within the range",
        ),
        ("segmentation", {"ranges": {"threshold_core": (0.4, 0.8)}}, "threshold_core = .* of the observation, 0.5"),
        ("segmentation", {"ranges": {"sigma": (0.1, 0.2)}}, "'sigma' is no unknown here .there is no PET."),
        ("segmentation", {"ranges": {"sigma_alpha": (0.2, 0.1)}}, "sigma_alpha = 0.2 … 0.1 must be ascending"),
        ("segmentation", {"parameters": "paper"}, "need a PET .σ, b., which was not observed"),
        ("pet", {"parameters": "paper"}, "need a tumour core"),
        ("density", {"parameters": "other"}, "there are: unified, paper"),
        ("density", {"prior": "jeffreys"}, "there are: log_uniform, uniform"),
        ("density", {"forward": "guess"}, "there are: solver, surrogate"),
        ("density", {"forward": "surrogate"}, "needs trained weights for: surrogate"),
        ("density", {"stride_mm": 0.0}, "stride_mm = 0.0 must be a positive number"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(small_tissue, seen, target, settings, says):
    with pytest.raises(InputError, match=says):
        Posterior(Problem(small_tissue, targets(seen)[target]), **settings)


def test_an_empty_segmentation_is_refused(small_tissue, seen):
    empty = SegmentationTarget(np.zeros_like(seen), np.zeros_like(seen))
    with pytest.raises(InputError, match="the segmentation is empty"):
        Posterior(Problem(small_tissue, empty))


def test_noise_below_0_is_no_missing_data(small_tissue, seen):
    """Leaving it out would make healthy tissue brighter than it is."""
    noise = 0.1 * np.random.default_rng(0).normal(size=seen.shape).astype(np.float32)
    pet = PETTarget(np.where(np.arange(seen.shape[0])[:, None, None] < 4, 0, noise), np.ones_like(seen))
    likelihood = Likelihood(small_tissue, pet, np.array([6.0, 21.0, 4.0]), 40.0, stride_mm=1.0)
    (image,) = likelihood.images
    assert abs(image.seen.mean()) < 5 * 0.1 / np.sqrt(image.seen.size)
    assert image.index[0].min() >= 4


@pytest.mark.parametrize("coarser", [1, 2])
def test_where_the_model_describes_no_tumour_the_likelihood_is_0(small_tissue, seen, monkeypatch, coarser):
    problem = Problem(small_tissue, outlines(seen), model=growth_model("mass_effect", derivatives="carried"))
    posterior = Posterior(problem)
    posterior = posterior if coarser == 1 else posterior.coarser(coarser)
    units = np.tile(posterior.draw(np.random.default_rng(0), 1), (2, 1))
    gamma = posterior.names.index("gamma")
    units[:, gamma] = 0.1, 0.9
    simulated, too_hard = type(problem.model).simulate, posterior.parameters(units)[1, gamma]

    def simulate_(self, tissue, values, **options):
        if values[5] >= too_hard:
            raise BeyondModelError("too hard")
        return simulated(self, tissue, values, **options)

    monkeypatch.setattr(type(problem.model), "simulate", simulate_)
    for linearised in (False, True):
        found = posterior.evaluate(units, linearised=linearised).log_likelihood
        assert np.isfinite(found[0])
        assert found[1] == -np.inf
