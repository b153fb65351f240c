"""TMCMC on small tumours: every kind of target, both parameter sets, solver and surrogate, what a fit carries."""

import numpy as np
import pytest
from networks_for_tests import WaveSurrogate, wave_density

from gliofit import InputError, Problem, Theta, growth_model, invert, simulate
from gliofit.inversion.posterior.doubts import against_ends
from gliofit.inversion.posterior.forward import _stretched
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.samples import Samples, load_samples, save_samples
from gliofit.observation.density import DensityTarget
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget

TRUTH = Theta((6.0, 21.0, 4.0), 7.0, 2.4)
RANGES = {"mu_D": (3.0, 15.0), "mu_rho": (1.5, 3.5)}
FEW = {"outline_mm": 8.0, "stride_mm": 12.0, "seed": 2}
THIN = {"outline_mm": 8.0, "stride_mm": 12.0, "ranges": RANGES}


def outlines(c, up=0.68, down=0.21):
    return SegmentationTarget((c > up).astype(np.float32), (c > down).astype(np.float32))


def uptake(c, scale=0.9, background=0.1, noise=0.03):
    noisy = background + c / scale + noise * np.random.default_rng(0).normal(size=c.shape)
    return PETTarget(noisy.astype(np.float32), (c > 0.1).astype(np.float32))


def targets(c):
    noisy = (c + 0.02 * np.random.default_rng(1).normal(size=c.shape)).clip(0, 1).astype(np.float32)
    joint = JointTarget((outlines(c), uptake(c)), (1.0, 1.0))
    return {"density": DensityTarget(noisy), "segmentation": outlines(c), "pet": uptake(c), "joint": joint}


@pytest.fixture(scope="module")
def grown(small_tissue):
    return simulate(small_tissue, TRUTH)


@pytest.mark.parametrize(
    ("name", "method", "samples"),
    [("density", "tmcmc", 32), ("pet", "tmcmc", 32), ("segmentation", "tmcmc_manifold", 24)],
)
def test_finds_known_parameters(small_tissue, grown, name, method, samples):
    settings = {"samples": samples, "moves": 3, "final": 1, "predictive": 10, **THIN}
    fit = invert(targets(grown)[name], small_tissue, method, seed=1, **settings)
    assert fit.names[:5] == ["x", "y", "z", "mu_D", "mu_rho"]
    assert fit.covariance.shape == (len(fit.names),) * 2
    deviations = np.array(list(fit.deviations().values()))
    assert np.all(deviations > 0)
    assert np.linalg.norm(np.subtract(fit.theta.origin, TRUTH.origin)) < 6
    assert 2 * fit.theta.mu_D * fit.theta.mu_rho == pytest.approx(2 * TRUTH.mu_D * TRUTH.mu_rho, rel=0.4)
    posterior = fit.posterior
    if name == "segmentation":
        assert posterior.labels.power == fit.details["label_power"]
        assert posterior.labels.voxel_mm == pytest.approx(8)  # those of 4 mm count an eighth here
    few = posterior.effective.min() < 50 or posterior.stages[-1]["correlation"] > 0.6
    assert fit.converged != few
    assert any("may be wrong" in warning for warning in fit.warnings) == few
    np.testing.assert_allclose(list(fit.parameters.values()), posterior.mean[:5], rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, np.cov(posterior.values.T), rtol=0.05)
    by_stages = sum(stage["runs"] for stage in posterior.stages)
    # the rest is the evidence's, and the search for the mode
    assert by_stages < fit.evaluations <= by_stages + samples + fit.details["searched"]
    above = posterior.predicted.above
    assert np.all(above[0.01] >= above[0.1])
    assert np.all(above[0.1] >= above[0.5])
    if name != "pet":  # which leaves much open
        assert above[0.1][grown > 0.5].mean() > 0.8
        assert above[0.1].sum() == pytest.approx((grown > 0.1).sum(), rel=0.6)


@pytest.mark.parametrize("name", ["density", "pet", "joint"])
def test_weighed_draws_of_every_kind_of_target(small_tissue, grown, name):
    """As `tmcmc` has it, and with the paper's eleven unknowns, three of which one scan tells through two."""
    settings = {"samples": 96, "predictive": 0, "seed": 1, **THIN}
    fit = invert(targets(grown)[name], small_tissue, "tmcmc_manifold", **settings)
    assert fit.details["sampled_by"] == "importance"
    assert fit.converged
    assert fit.posterior.effective.min() > 50
    assert fit.evaluations < 1000
    assert np.linalg.norm(np.subtract(fit.theta.origin, TRUTH.origin)) < 3
    if name == "joint":
        paper = {"samples": 48, "predictive": 0, "seed": 1, "parameters": "paper", "outline_mm": 8.0, "stride_mm": 12.0}
        found = invert(targets(grown)[name], small_tissue, "tmcmc_manifold", **paper).posterior.unknowns
        assert np.std(np.log(found["T"])) > 0.1
        spread = np.std(np.log(found["D"] * found["T"]))
        assert spread < np.std(np.log(found["T"]))


def test_weighed_draws_of_two_foci(small_tissue):
    model = growth_model("fisher_kolmogorov", foci=2)
    values = np.array([-10.0, 20, 0, 14, 20, 4, 5, 2.2])
    c = model.grow(small_tissue, values)
    settings = {"samples": 48, "predictive": 0, "seed": 1, "outline_mm": 8.0, "stride_mm": 12.0}
    fit = invert(targets(c)["density"], small_tissue, "tmcmc_manifold", model=model, **settings)
    assert len(fit.origins) == 2
    assert fit.details["sampled_by"] in ("importance", "stages")
    assert fit.posterior.values.shape[1] == 9


def test_the_paper_s_parameters(small_tissue, grown):
    target = targets(grown)["joint"]
    fit = invert(target, small_tissue, "tmcmc", samples=16, first=2, moves=2, parameters="paper", predictive=0, **FEW)
    unknowns = fit.posterior.unknowns
    assert set(unknowns) == {"D", "rho", "T", "x", "y", "z", "sigma", "b", "u_T1c", "u_FLAIR", "sigma_alpha"}
    np.testing.assert_allclose(fit.posterior.values[:, 3], np.sqrt(unknowns["D"] * unknowns["T"]))
    assert fit.deviation is None
    assert fit.extras["pet_background"] == 0


def test_one_scan_tells_no_more_of_D_rho_and_T_than_mu_D_and_mu_rho(small_tissue, grown):
    """Twice the speed in half the time is the same tumour, to the likelihood."""
    posterior = Posterior(Problem(small_tissue, targets(grown)["joint"]), parameters="paper")
    at = dict(zip(posterior.unknowns.names, posterior.unknowns.from_unit(np.full(11, 0.5)), strict=True))
    at |= dict(zip("xyz", TRUTH.origin, strict=True)) | {"D": 0.02, "rho": 0.004, "T": 800.0}
    faster = at | {"D": 0.04, "rho": 0.008, "T": 400.0}
    other = at | {"T": 400.0}
    points = np.array([[p[name] for name in posterior.unknowns.names] for p in (at, faster, other)])
    one, same, less = posterior.evaluate(posterior.unknowns.to_unit(points)).log_likelihood
    assert same == pytest.approx(one, rel=1e-5)
    assert abs(less - one) > 1


@pytest.mark.parametrize("coarse", [0.0, 8.0])
def test_threads_and_resuming_change_nothing(small_tissue, grown, tmp_path, coarse):
    target, path = targets(grown)["pet"], str(tmp_path / "checkpoint.npz")
    settings = {"samples": 16, "first": 1, "moves": 2, "predictive": 4, "seed": 4, "coarse_mm": coarse, **THIN}
    settings |= {"samples": 8, "moves": 1, "final": 0} if coarse else {}
    one = invert(target, small_tissue, "tmcmc", threads=1, **settings)
    two = invert(target, small_tissue, "tmcmc", threads=2, checkpoint=path, **settings)
    assert (one.details["coarser_runs"] > 0) == (coarse > 0)
    np.testing.assert_array_equal(one.posterior.values, two.posterior.values)
    again = invert(target, small_tissue, "tmcmc", checkpoint=path, **settings)
    np.testing.assert_array_equal(again.posterior.values, one.posterior.values)
    with pytest.raises(InputError, match="is the checkpoint of another config"):
        invert(targets(grown)["density"], small_tissue, "tmcmc", checkpoint=path, **settings)


def test_a_coarser_grid_s_density_within_tissue(small_tissue, grown):
    """It is nearly that of the problem's own grid, up to the edge of tissue, where plain interpolation would fade."""
    posterior = Posterior(Problem(small_tissue, targets(grown)["joint"]))
    coarser = posterior.coarser(2)
    values = TRUTH.to_array()[None]
    (fine,), (coarse,) = (p.forward.densities(values, lambda _, c: c.copy()) for p in (posterior, coarser))
    tissue = posterior.forward.tissue.mask
    assert coarse.shape == fine.shape
    assert np.all(coarse[~tissue] == 0)
    assert np.sqrt(np.mean((coarse - fine)[tissue] ** 2)) < 0.1
    assert coarse.sum() == pytest.approx(fine.sum(), rel=0.15)
    half, ends = _stretched(np.array([1.0, 3.0]), 0, 2), _stretched(np.array([[0.0, 3.0]]), 1, 3)
    np.testing.assert_allclose(half, [1, 1.5, 2.5, 3])
    np.testing.assert_allclose(ends, [[0, 0, 1, 2, 3, 3]])
    full = coarser.forward._finer(coarser.forward._coarse.mask.astype(np.float32)) * coarser.forward._weight
    assert np.mean(np.abs(full[tissue] - 1) < 1e-5) > 0.9


def test_samples_on_disk(small_tissue, grown, tmp_path):
    fit = invert(
        targets(grown)["density"], small_tissue, "tmcmc", samples=24, first=1, moves=2, final=0, predictive=6, **THIN
    )
    save_samples(tmp_path / "samples.npz", fit.posterior)
    found = load_samples(tmp_path / "samples.npz")
    assert found.names == tuple(fit.names)
    assert found.labels is None  # of a density
    np.testing.assert_array_equal(found.values, fit.posterior.values)
    assert found.summary() == fit.posterior.summary()
    assert found.arviz()["posterior"]["mu_D"].shape == (1, 24)
    (tmp_path / "broken.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"broken\.npz: is no file of posterior samples"):
        load_samples(tmp_path / "broken.npz")


@pytest.mark.parametrize(
    ("method", "settings", "says"),
    [
        ("tmcmc", {"beta2": 0.0}, "beta2"),
        ("tmcmc", {"wide": 1.5}, "wide"),
        ("tmcmc", {"anew": -0.1}, "anew"),
        ("tmcmc", {"correlation": 0.0}, "correlation"),
        ("tmcmc", {"samples": 1}, "samples"),
        ("tmcmc", {"chain": -1}, "chain"),
        ("tmcmc", {"finer": -1}, "finer"),
        ("tmcmc", {"finer": 0.5}, "finer"),
        ("tmcmc_manifold", {"step": 0.0}, "step"),
        ("tmcmc_manifold", {"rounds": -1}, "rounds"),
        ("tmcmc_manifold", {"rounds": True}, "rounds"),
    ],
)
def test_settings_are_checked(small_tissue, grown, method, settings, says):
    with pytest.raises(InputError, match=says):
        invert(targets(grown)["density"], small_tissue, method, **settings)


@pytest.mark.parametrize("rounds", [0, 12])
def test_on_a_surrogate(small_tissue, rounds):
    """The surrogate's own tumour is found by it; the solver is left for the maps at the end."""
    pytest.importorskip("torch")
    network = WaveSurrogate()
    seen = wave_density(small_tissue, TRUTH)
    settings = {"forward": "surrogate", "samples": 24, "moves": 3, "predictive": 0, "rounds": rounds, **THIN}
    fit = invert(seen, small_tissue, "tmcmc_manifold", networks={"surrogate": network}, **settings)
    assert np.linalg.norm(np.subtract(fit.theta.origin, TRUTH.origin)) < 2
    assert fit.parameters["mu_D"] == pytest.approx(TRUTH.mu_D, rel=0.15)
    assert fit.details["sampled_by"] == ("importance" if rounds else "stages")
    if not rounds:
        assert sum(network.batches) > fit.evaluations  # a gradient takes several runs


@pytest.mark.parametrize(
    ("name", "low", "high", "said"),
    [
        ("threshold_core", 0.5, 0.52, "lower"),
        ("threshold_core", 0.84, 0.85, "upper"),
        ("threshold_core", 0.5, 0.85, ""),
        ("sigma_alpha", 0.5, 0.505, ""),
        ("sigma_alpha", 0.845, 0.85, "upper"),
    ],
)
def test_a_posterior_against_an_end_of_its_range_is_said(name, low, high, said):
    values, flat = np.linspace(low, high, 64), np.ones(1)
    unknowns = {name: values, "mu_D": np.geomspace(2, 25, 64)}
    prior = {name: (0.5, 0.85, False), "mu_D": (2.0, 25.0, True)}
    weights = np.full(64, 1 / 64)
    both = np.stack([*unknowns.values()], 1)
    samples = Samples(tuple(unknowns), both, unknowns, weights, weights, flat, flat, 0.0, 0.1, [], prior, {})
    found = against_ends(samples)
    assert len(found) == bool(said)
    assert not said or f"{name} lie against the {said} end of its range, 0.5 … 0.85" in found[0]
