"""The residual: conservation, the scheme of the paper, and solutions of the scheme."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gliofit.inversion.discrete_loss.crank_nicolson import SquaredResidual, diffusion, face_coefficients, residual

SPACING = (2.0, 3.0, 2.5)


@pytest.fixture
def medium():
    """Diffusivity and tissue of a random 7×6×5 medium with holes."""
    rng = np.random.default_rng(5)
    diffusivity = torch.as_tensor(rng.uniform(0.1, 1, (7, 6, 5)))
    return diffusivity, torch.as_tensor(rng.random((7, 6, 5)) > 0.3)


def by_voxel(u, diffusivity, inside, swapped=False):
    """∇·(D∇u) of Eq. 5, voxel by voxel; `swapped` gives each face the diffusivity of the opposite one."""
    out = np.zeros(u.shape)
    for at in np.ndindex(u.shape):
        for axis, h in enumerate(SPACING):
            face, slope = {}, {}
            for side in (-1, 1):
                there = tuple(i + side * (a == axis) for a, i in enumerate(at))
                if 0 <= there[axis] < u.shape[axis] and inside[at] and inside[there]:
                    face[side] = (diffusivity[at] + diffusivity[there]) / 2
                    slope[side] = (u[there] - u[at]) / h**2
            for side in slope:
                out[at] += face.get(-side if swapped else side, 0.0) * slope[side]
    return out


def test_the_flux_is_that_of_the_paper_and_sums_to_zero(medium):
    rng = np.random.default_rng(6)
    u = rng.random((2, 7, 6, 5))
    ours = diffusion(torch.as_tensor(u), face_coefficients(*medium, SPACING)).numpy()
    expected = [by_voxel(v, *(m.numpy() for m in medium)) for v in u]
    np.testing.assert_allclose(ours, expected, atol=1e-13)
    np.testing.assert_allclose(ours.sum((1, 2, 3)), 0, atol=1e-12)
    # the sum tells a scheme with swapped faces, as in the released code, from one without
    wrong = by_voxel(u[0], *(m.numpy() for m in medium), swapped=True)
    assert abs(wrong.sum()) > 0.1


def test_nothing_leaves_tissue(medium):
    u = torch.where(medium[1], 0.7, 0.0).double()
    assert diffusion(u, face_coefficients(*medium, SPACING)).abs().max() == 0


def crank_nicolson(u, d_w, rho, faces, dt, steps):
    """Solve the scheme: each step's equation by Newton's method on the dense matrix."""
    shape, states = u.shape, [u]
    eye = torch.eye(u.numel(), dtype=u.dtype)
    matrix = d_w * diffusion(eye.reshape(-1, *shape), faces).reshape(u.numel(), -1)
    for _ in range(steps):
        old = states[-1].flatten()
        new = old.clone()
        for _ in range(5):
            rate = lambda c: matrix @ c + rho * c * (1 - c)  # noqa: E731
            k = (new - old) / dt - (rate(new) + rate(old)) / 2
            jacobian = eye / dt - (matrix + torch.diag(rho * (1 - 2 * new))) / 2
            new = new - torch.linalg.solve(jacobian, k)
        states.append(new.reshape(shape))
    return torch.stack(states)


def test_the_residual_of_a_solution_is_zero(medium):
    rng = np.random.default_rng(7)
    diffusivity, inside = (m[:4, :4, :4] for m in medium)
    faces = face_coefficients(diffusivity, inside, SPACING)
    start = torch.as_tensor(rng.random((4, 4, 4))) * inside
    u = crank_nicolson(start, 0.4, 0.1, faces, 2.0, 4)
    assert residual(u, 0.4, 0.1, faces, 2.0).abs().max() < 1e-12
    assert residual(u, 0.4, 0.12, faces, 2.0).abs().max() > 1e-3
    # what left a voxel is in another: without growth, the sum stays
    still = crank_nicolson(start, 0.4, 0.0, faces, 2.0, 4)
    np.testing.assert_allclose(still.sum((1, 2, 3)), float(start.sum()), rtol=1e-12)


def test_the_fused_loss_and_its_gradient_are_those_of_the_residual(medium):
    rng = np.random.default_rng(8)
    faces = face_coefficients(*medium, SPACING)
    u = torch.as_tensor(rng.random((16, 7, 6, 5))).requires_grad_()
    d_w, rho = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.4, 0.1))
    fused = SquaredResidual.apply(u, d_w, rho, faces, medium[1], 2.0, 30.0)
    plain = ((30 * medium[1] * residual(u, d_w, rho, faces, 2.0)) ** 2).mean()
    assert fused.item() == pytest.approx(plain.item(), rel=1e-12)
    pairs = (torch.autograd.grad(3 * loss, (u, d_w, rho)) for loss in (fused, plain))
    for ours, automatic in zip(*pairs, strict=True):
        torch.testing.assert_close(ours, automatic, rtol=1e-9, atol=1e-9)
