"""The Jacobian of the discrete scheme against differences in float64, and through torch."""

import os

import numpy as np
import pytest
import torch

from gliofit import Theta, Tissue, simulate
from gliofit.growth.autograd import simulate_torch
from gliofit.growth.gpu.batch import simulate_batch

CASES = {
    "mid white matter": ((5.0, 22.0, 3.0), 7.3, 2.4),
    "beside the ventricle": ((11.0, 3.0, 2.0), 9.1, 2.2),
    "at the outer border": ((0.0, 39.0, 3.0), 12.2, 2.9),
    "sharp front": ((-14.0, 12.0, 8.0), 3.1, 3.9),
}


def differences(tissue, theta, step=2e-4):
    """Fourth-order central differences [5, x, y, z] of the solver in float64."""
    base, columns = theta.to_array(), []
    for i in range(5):
        move = np.eye(5)[i] * step
        at = lambda k, move=move: simulate(tissue, Theta.from_array(base + k * move), dtype=np.float64)  # noqa: E731
        columns.append((8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step))
    return np.stack(columns)


@pytest.mark.parametrize("name", CASES)
def test_exact_for_the_discrete_scheme(small_tissue, name):
    theta = Theta(*CASES[name])
    c, jacobian = simulate(small_tissue, theta, jacobian=True, dtype=np.float64)
    assert c.max() > 0.3
    np.testing.assert_allclose(c, simulate(small_tissue, theta, dtype=np.float64), atol=1e-14)
    for ours, reference in zip(jacobian, differences(small_tissue, theta), strict=True):
        assert np.abs(ours - reference).max() < 1e-6 * np.abs(reference).max()


def test_exact_on_real_anatomy_at_a_tissue_edge(shared):
    case = np.load(shared / "cases" / "tgk_64.npz")
    wm, gm = (case[k][4:36, 16:48, 28:60] for k in ("wm", "gm"))
    tissue = Tissue(wm, gm, 1 - np.minimum(wm + gm, 1), np.diag([2.0, 2.0, 2.0, 1.0]))
    edge = tissue.mask & (np.roll(tissue.mask, 1, 0) == 0)
    origin = tissue.to_world(np.argwhere(edge)[len(np.argwhere(edge)) // 2] + 0.2)
    theta = Theta(origin, 6.2, 2.6)
    _, jacobian = simulate(tissue, theta, jacobian=True, dtype=np.float64)
    for ours, reference in zip(jacobian, differences(tissue, theta), strict=True):
        assert np.abs(ours - reference).max() < 1e-6 * np.abs(reference).max()


def test_float32_is_close_to_float64(small_tissue):
    theta = Theta(*CASES["mid white matter"])
    single = simulate(small_tissue, theta, jacobian=True)[1]
    double = simulate(small_tissue, theta, jacobian=True, dtype=np.float64)[1]
    assert single.dtype == np.float32
    for a, b in zip(single, double, strict=True):
        assert np.abs(a - b).max() < 2e-4 * np.abs(b).max()


def test_torch_differentiates_through_the_solver(small_tissue):
    theta = torch.tensor([5.0, 22.0, 3.0, 7.3, 2.4], dtype=torch.float64, requires_grad=True)
    weights = torch.from_numpy(np.random.default_rng(0).random(small_tissue.shape))
    loss = lambda t: (weights * simulate_torch(small_tissue, t, dtype=np.float64)).square().sum()  # noqa: E731
    assert torch.autograd.gradcheck(loss, (theta,), eps=1e-4, atol=1e-6, rtol=1e-6, nondet_tol=0)


def batch():
    return [Theta((5.0, 22.0, 3.0), 7.3, 2.4), Theta((-9.0, 15.0, 6.0), 3.1, 3.2), Theta((11.0, 3.0, 2.0), 14.0, 1.4)]


def check_batch(tissue, device, triton):
    c, jacobian = simulate_batch(tissue, batch(), jacobian=True, device=device, triton=triton)
    for i, theta in enumerate(batch()):
        expected, slopes = simulate(tissue, theta, jacobian=True)
        assert np.abs(c[i].cpu().numpy() - expected).max() < 1e-4
        for ours, reference in zip(jacobian[i].cpu().numpy(), slopes, strict=True):
            assert np.abs(ours - reference).max() < 1e-4 * max(1, np.abs(reference).max())
    alone = simulate_batch(tissue, batch(), device=device, triton=triton)
    np.testing.assert_allclose(alone.cpu().numpy(), c.cpu().numpy(), atol=1e-6)


def test_batches_agree_with_the_cpu_kernel(small_tissue):
    check_batch(small_tissue, "cpu", triton=False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("triton", [False, True])
def test_gpu_agrees_with_the_cpu_kernel(small_tissue, triton):
    check_batch(small_tissue, "cuda", triton)


@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") != "1", reason="benchmarks/gpu.sh --interpreter runs it")
def test_the_triton_kernel_in_its_interpreter():
    apart = np.linalg.norm(np.indices((10, 10, 10)) - 4.5, axis=0)
    affine = np.diag([6.0, 6, 6, 1])
    affine[:3, 3] = -27
    tissue = Tissue(np.float32(apart < 4.5), np.zeros(apart.shape), np.zeros(apart.shape), affine)
    theta = Theta((0.0, 5.0, 3.0), 5.0, 2.5)
    c, jacobian = simulate_batch(tissue, [theta], jacobian=True, device="cpu", triton=True)
    expected, slopes = simulate(tissue, theta, jacobian=True)
    assert np.abs(c[0].numpy() - expected).max() < 1e-5
    assert np.abs(jacobian[0].numpy() - slopes).max() < 1e-5 * np.abs(slopes).max()
