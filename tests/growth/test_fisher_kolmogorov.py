"""The solver against analytic solutions, conservation, symmetry, convergence and a peer's run."""

import json

import numpy as np
import pytest
from phantom import phantom

from gliofit import InputError, Theta, Tissue, simulate
from gliofit.base import grids
from gliofit.growth import simulate as solver
from gliofit.growth.cpu import stepper as stepper_cpu
from gliofit.growth.ranges import relative_diffusivity
from gliofit.growth.seed import initial_density


def uniform(shape, spacing, csf=0.0):
    """White matter everywhere."""
    affine = np.diag([*np.broadcast_to(spacing, 3), 1.0])
    return Tissue(np.ones(shape), np.zeros(shape), np.full(shape, csf), affine)


def seed_field(tissue, origin, kind="smooth"):
    corner, value, _ = initial_density(tissue, origin, kind)
    field = np.zeros(tissue.shape)
    field[tuple(slice(c, c + n) for c, n in zip(corner, value.shape, strict=True))] = value
    return field


def gaussian_spread(tissue, field, variance):
    """Exact diffusion of point-sampled `field` in free space: convolution with a Gaussian, by Fourier transform."""
    waves = np.meshgrid(
        *(np.fft.fftfreq(n, h) for n, h in zip(tissue.shape, tissue.spacing, strict=True)), indexing="ij"
    )
    damping = np.exp(-2 * np.pi**2 * variance * sum(k**2 for k in waves))
    return np.fft.ifftn(np.fft.fftn(field) * damping).real


def test_pure_diffusion_spreads_as_a_gaussian():
    errors = []
    for spacing in (2.0, 1.0):
        n = int(64 / spacing)
        tissue = uniform((n, n, n), spacing)
        middle = tissue.to_world(np.full(3, (n - 1) / 2)) + 0.37
        c = simulate(tissue, Theta(middle, 6.0, 0.0), refine=8)
        exact = gaussian_spread(tissue, seed_field(tissue, middle), 2 * 6.0**2)
        errors.append(np.abs(c - exact).max() / exact.max())
    assert errors[0] < 0.025
    assert errors[1] < errors[0] / 3  # second order in space


def test_variance_grows_by_two_D_T():
    tissue = uniform((64, 64, 64), 2.0)
    middle = tissue.to_world(np.full(3, 31.3))
    c, start = simulate(tissue, Theta(middle, 5.0, 0.0), dtype=np.float64), seed_field(tissue, middle)
    position = np.arange(64) * 2.0

    def variance(field):
        along = field.sum((1, 2)) / field.sum()
        return (along * position**2).sum() - (along * position).sum() ** 2

    assert variance(c) - variance(start) == pytest.approx(2 * 5.0**2, rel=1e-6)


def test_front_travels_at_the_fisher_speed():
    # a channel of 5 × 5 voxels: one-dimensional once the seed has filled it; Bramson's logarithm included
    tissue = uniform((900, 5, 5), (0.5, 2.0, 2.0))
    D, rho = 1.0, 1.0

    def front(duration):
        c = simulate(tissue, Theta.from_physical((20.0, 4.0, 4.0), D, rho, duration))[:, 2, 2]
        last = np.flatnonzero(c > 0.5)[-1]
        return 0.5 * (last + (c[last] - 0.5) / (c[last] - c[last + 1]))

    early, late = 60.0, 160.0
    expected = 2 * np.sqrt(D * rho) * (late - early) - 1.5 * np.sqrt(D / rho) * np.log(late / early)
    assert front(late) - front(early) == pytest.approx(expected, rel=0.01)


def test_logistic_growth_without_diffusion_is_exact(small_tissue):
    theta = Theta((0.0, 24.0, 0.0), 0.0, 1.7)
    c, start = simulate(small_tissue, theta, dtype=np.float64), seed_field(small_tissue, theta.origin)
    gain = np.exp(1.7**2)
    np.testing.assert_allclose(c, start * gain / (1 + start * (gain - 1)), atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-12)])
def test_mass_is_conserved_without_growth(small_tissue, dtype, tolerance):
    theta = Theta((10.0, 22.0, 3.0), 15.0, 0.0)  # reaches every border of the tissue
    c, start = simulate(small_tissue, theta, dtype=dtype), seed_field(small_tissue, theta.origin)
    assert c.sum(dtype=np.float64) == pytest.approx(start.sum(), rel=tolerance)


def test_long_diffusion_fills_the_tissue_evenly_and_only_it():
    wm = np.zeros((12, 12, 12))
    wm[2:9, 3:10, 2:8] = 1
    tissue = Tissue(wm, 0 * wm, 1 - wm, np.diag([3.0, 3.0, 3.0, 1.0]))
    theta = Theta((15.0, 18.0, 15.0), 100.0, 0.0)
    c = simulate(tissue, theta, dtype=np.float64)
    assert c[~tissue.mask].max() == 0
    np.testing.assert_allclose(c[tissue.mask], seed_field(tissue, theta.origin).sum() / wm.sum(), rtol=1e-3)


def test_density_stays_between_zero_and_one(small_tissue):
    for mu_D, mu_rho in [(2.0, 6.0), (25.0, 5.0), (12.0, 3.0)]:
        c = simulate(small_tissue, Theta((3.0, 25.0, -4.0), mu_D, mu_rho))
        assert c.min() >= 0
        assert c.max() <= 1 + 1e-6


def test_converges_in_second_order_in_time(small_tissue):
    theta = Theta((5.0, 22.0, 3.0), 9.0, 2.6)
    runs = {r: simulate(small_tissue, theta, refine=r, dtype=np.float64) for r in (2, 4, 8, 64)}
    errors = [np.abs(runs[r] - runs[64]).max() for r in (2, 4, 8)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.25)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.25)


@pytest.mark.parametrize(("mu_D", "mu_rho"), [(7.7, 2.7), (12.8, 3.0), (20.0, 2.0), (4.0, 3.0)])
def test_default_accuracy_in_time(small_tissue, mu_D, mu_rho):
    theta = Theta((5.0, 22.0, 3.0), mu_D, mu_rho)
    c, fine = simulate(small_tissue, theta), simulate(small_tissue, theta, refine=16)
    assert abs(c.sum(dtype=np.float64) / fine.sum(dtype=np.float64) - 1) < 5e-3
    assert np.abs(c - fine).max() < 0.01


def test_density_does_not_jump_as_theta_moves(small_tissue):
    # 400 small moves of μ_D cross many changes of the numbers of steps and stages
    mu = np.linspace(6.0, 6.4, 401)
    runs = np.stack([simulate(small_tissue, Theta((5.0, 22.0, 3.0), m, 2.4), dtype=np.float64) for m in mu])
    moves = np.abs(np.diff(runs, axis=0)).max((1, 2, 3))
    assert moves.max() < 1.1 * np.median(moves)


def test_a_shift_by_a_voxel_shifts_the_density():
    tissue = uniform((40, 40, 40), 2.0)
    a = simulate(tissue, Theta((37.3, 41.1, 38.6), 4.0, 1.8))
    b = simulate(tissue, Theta((39.3, 41.1, 36.6), 4.0, 1.8))
    np.testing.assert_allclose(a[4:-4, 4:-4, 4:-4], b[5:-3, 4:-4, 3:-5], atol=2e-6)


def test_axes_may_point_anywhere(small_tissue):
    theta = Theta((9.0, 21.0, -6.0), 7.0, 2.4)
    flipped = np.array(small_tissue.affine)
    flipped[:3, 0] *= -1
    flipped[0, 3] = small_tissue.to_world([small_tissue.shape[0] - 1, 0, 0])[0]
    turned = Tissue(*(m[::-1].transpose(0, 2, 1) for m in (small_tissue.wm, small_tissue.gm, small_tissue.csf)),
                    flipped[:, [0, 2, 1, 3]])  # fmt: skip
    c, J = simulate(small_tissue, theta, jacobian=True)
    c_turned, J_turned = simulate(turned, theta, jacobian=True)
    np.testing.assert_allclose(c_turned.transpose(0, 2, 1)[::-1], c, atol=1e-6)
    np.testing.assert_allclose(J_turned.transpose(0, 1, 3, 2)[:, ::-1], J, atol=1e-5)


def test_threads_do_not_change_the_result(small_tissue, all_helpers):
    theta = Theta((9.0, 21.0, -6.0), 9.0, 2.4)
    one, two = (simulate(small_tissue, theta, jacobian=True, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("mu_D", [5.0, 14.0])
def test_tiles_do_not_change_the_result(small_tissue, all_helpers, monkeypatch, mu_D, threads):
    # rows that take each other's places in the buffers, and an origin whose tumour moves across many of them
    theta, made = Theta((-4.0, 30.0, 9.0), mu_D, 2.8), []

    def run(cache):
        monkeypatch.setattr(stepper_cpu, "CACHE_BYTES", cache)
        return simulate(small_tissue, theta, jacobian=True, threads=threads)

    room = stepper_cpu.Stepper.room
    monkeypatch.setattr(stepper_cpu.Stepper, "room", lambda *a: made.append(room(*a)) or made[-1])
    whole, tiled = run(1 << 40), run(0)
    (_, wide), (_, narrow) = made
    assert wide.used.shape[1] == small_tissue.shape[1] + 2
    assert narrow.tile == 4
    assert narrow.used.shape[1] < np.ptp(np.flatnonzero(whole[0].max((0, 2))))
    for a, b in zip(whole, tiled, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cache", [stepper_cpu.CACHE_BYTES, 0])
@pytest.mark.parametrize("threads", [3, 6])
def test_more_threads_than_two_do_not_change_the_result(all_helpers, monkeypatch, cache, threads):
    # slabs between two others are cut up in another way
    monkeypatch.setattr(stepper_cpu, "CACHE_BYTES", cache)
    tissue, theta = uniform((96, 20, 20), 2.0), Theta((95.0, 19.0, 19.0), 14.0, 3.0)
    for one, many in zip(*(simulate(tissue, theta, jacobian=True, threads=n) for n in (1, threads)), strict=True):
        np.testing.assert_array_equal(one, many)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_planes_that_are_left_do_not_change_the_result(all_helpers, threads):
    # with the growth that is still to come the region may shrink; density and Jacobian have tiles of their own
    rng, shape = np.random.default_rng(1), (60, 44, 54)
    rng.uniform(size=(54, 27, 18))
    wm = (rng.uniform(size=shape) < 0.9).astype(float)
    tissue = Tissue(wm, 0 * wm, 1 - wm, np.diag([2.0, 2.0, 2.0, 1.0]))
    theta = Theta((42.356, 30.74, 69.67), 8.4429, 2.13766)
    one, (many, _) = simulate(tissue, theta, threads=1), simulate(tissue, theta, jacobian=True, threads=threads)
    np.testing.assert_array_equal(one, many)


def test_converges_in_second_order_in_space():
    theta, coarse, runs = Theta((1.3, -2.1, 0.7), 5.5, 2.1), phantom(4.0), {}
    for spacing in (4.0, 2.0, 1.0):
        tissue = phantom(spacing)
        c = simulate(tissue, theta, refine=4)
        runs[spacing] = grids.resample(c, tissue.affine, coarse.shape, coarse.affine)
    # Δ(h) = C·h² gives (16 − 1) C against the 1 mm run, and (4 − 1) C
    errors = [np.abs(runs[h] - runs[1.0]).max() for h in (4.0, 2.0)]
    assert errors[0] / errors[1] > 4
    assert errors[1] < 0.02


def test_agrees_with_tumor_growth_toolkit(shared):
    case = np.load(shared / "cases" / "tgk_64.npz")
    p = json.loads(str(case["params"]))
    tissue = Tissue(case["wm"], case["gm"], np.zeros_like(case["wm"]), np.diag([2.0, 2.0, 2.0, 1.0]))
    origin = [2.0 * int(p[f"N{axis}T1_pct"] * 64) for axis in "xyz"]
    theta = Theta.from_physical(origin, p["Dw"], p["rho"], p["stopping_time"])
    np.testing.assert_allclose(seed_field(tissue, origin, "tgk"), case["initial"], atol=1e-6)
    peer = case["final"] * tissue.mask  # the peer lets what leaves the tissue grow there
    c, fine = (simulate(tissue, theta, seed="tgk", refine=r) for r in (1, 16))
    # the peer's own time error is −5.3 % of the mass and 0.035; ours must be a fifth of that at most
    assert peer.sum() / fine.sum() - 1 == pytest.approx(-0.053, abs=0.01)
    assert np.abs(peer - fine).max() == pytest.approx(0.035, abs=0.01)
    assert abs(c.sum() / fine.sum() - 1) < 0.005
    assert np.abs(c - fine).max() < 0.007


def test_agrees_with_explicit_euler_at_the_same_grid(shared):
    """A plain explicit Euler run of 3000 steps, written here: the same scheme in space, another in time."""
    case = np.load(shared / "cases" / "tgk_64.npz")
    wm, gm = (case[k][8:40, 20:52, 30:60].astype(float) for k in ("wm", "gm"))
    tissue = Tissue(wm, gm, 0 * wm, np.diag([2.0, 2.0, 2.0, 1.0]))
    theta = Theta((22.0, 28.0, 28.0), 5.0, 2.2)
    d, m = relative_diffusivity(tissue).astype(float), tissue.mask
    c, n = seed_field(tissue, theta.origin), 3000
    for _ in range(n):
        change = theta.mu_rho**2 * c * (1 - c)
        for axis in range(3):
            a, b = (np.moveaxis(v, axis, 0)[:-1] for v in (d, m)), (np.moveaxis(v, axis, 0)[1:] for v in (d, m))
            (d0, m0), (d1, m1), along = a, b, np.moveaxis(c, axis, 0)
            flux = theta.mu_D**2 / 4 * 0.5 * (d0 + d1) * (m0 & m1) * np.diff(along, axis=0)
            into = np.moveaxis(change, axis, 0)
            into[:-1] += flux
            into[1:] -= flux
        c = c + change / n * m
    ours = simulate(tissue, theta, refine=8, dtype=np.float64)
    assert np.abs(ours - c).max() < 2e-3
    assert ours.sum() == pytest.approx(c.sum(), rel=4e-3)  # Euler's own first-order error at 3000 steps


def test_a_given_initial_density_grows_like_the_seed_it_is(small_tissue):
    theta = Theta((0.0, 20.0, 0.0), 5.0, 2.0)
    elsewhere = Theta((0.0, -20.0, 0.0), 5.0, 2.0)
    same = simulate(small_tissue, elsewhere, initial=seed_field(small_tissue, theta.origin))
    np.testing.assert_allclose(same, simulate(small_tissue, theta), atol=1e-6)
    assert simulate(small_tissue, theta, initial=np.zeros(small_tissue.shape)).max() == 0
    _, jacobian = simulate(small_tissue, elsewhere, initial=seed_field(small_tissue, theta.origin), jacobian=True)
    np.testing.assert_array_equal(jacobian[:3], 0)
    np.testing.assert_allclose(jacobian[3:], simulate(small_tissue, theta, jacobian=True)[1][3:], atol=1e-5)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_an_initial_density_is_checked(small_tissue, value):
    theta = Theta((0.0, 20.0, 0.0), 5.0, 2.0)
    with pytest.raises(InputError, match="outside 0 … 1"):
        simulate(small_tissue, theta, initial=np.full(small_tissue.shape, value))
    with pytest.raises(InputError, match="initial density has shape"):
        simulate(small_tissue, theta, initial=np.zeros((3, 3, 3)))


def test_bad_arguments_are_refused(small_tissue):
    with pytest.raises(InputError, match="outside the tissue grid"):
        simulate(small_tissue, Theta((500.0, 0.0, 0.0), 5.0, 2.0))
    with pytest.raises(InputError, match="unknown seed"):
        simulate(small_tissue, Theta((0.0, 20.0, 0.0), 5.0, 2.0), seed="sharp")
    with pytest.raises(InputError, match="unknown device"):
        simulate(small_tissue, Theta((0.0, 20.0, 0.0), 5.0, 2.0), device="tpu")


def test_origin_outside_tissue_gives_an_empty_tumour_in_a_search_and_none_to_callers():
    wm = np.zeros((20, 20, 20))
    wm[:6] = 1
    tissue = Tissue(wm, 0 * wm, 1 - wm, np.diag([2.0, 2.0, 2.0, 1.0]))
    theta = Theta((36.0, 20.0, 20.0), 5.0, 2.0)
    assert solver(tissue, theta).max() == 0
    np.testing.assert_array_equal(simulate(tissue, theta), solver(tissue, Theta((10.0, 20.0, 20.0), 5.0, 2.0)))
    with pytest.raises(InputError, match="outside the head"):
        simulate(Tissue(wm, 0 * wm, 0 * wm, tissue.affine), theta)
