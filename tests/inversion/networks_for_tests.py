"""Small stand-ins with the networks' interface, exact where trained ones are approximate."""

from __future__ import annotations

import numpy as np
import torch

from gliofit import Theta
from gliofit.growth.autograd import simulate_torch


class WaveSurrogate:
    """c = logistic front at distance 0.9 μ_D μ_ρ from the origin, of width μ_D / μ_ρ, inside tissue; differentiable."""

    def __init__(self, shape=(24, 24, 24), spacing=4.0):
        self.shape, self.spacing, self.batches = shape, spacing, []

    def prepare(self, tissue):
        axes = [torch.arange(n) * self.spacing - (n - 1) / 2 * self.spacing for n in self.shape]
        points = torch.stack(torch.meshgrid(*axes, indexing="ij"))
        return torch.cat([torch.as_tensor(tissue.mask, dtype=torch.float32)[None], points])

    def __call__(self, static, theta):
        assert theta.dtype == torch.float32
        self.batches.append(len(theta))
        mask, points = static[0], static[1:]
        origin, mu_d, mu_rho = (
            theta[:, :3, None, None, None],
            theta[:, 3, None, None, None],
            theta[:, 4, None, None, None],
        )
        r = ((points - origin) ** 2).sum(1).add(1e-6).sqrt()
        return mask * torch.sigmoid((0.9 * mu_d * mu_rho - r) * mu_rho / mu_d)


class BiasedSolver:
    """The solver itself, of a tumour whose cells spread a little further than they should."""

    def __init__(self, shape=(24, 24, 24), spacing=4.0, bias=1.05):
        self.shape, self.spacing, self.bias = shape, spacing, bias

    def prepare(self, tissue):
        self.tissue = tissue
        self.centre = torch.as_tensor(tissue.to_world((np.array(self.shape) - 1) / 2))
        return torch.as_tensor(tissue.mask)

    def __call__(self, static, theta):
        shift, factor = torch.tensor([*self.centre, 0, 0]), torch.tensor([1, 1, 1, self.bias, 1])
        return torch.stack([simulate_torch(self.tissue, row) for row in (theta.double() + shift) * factor])


class KnownInverse:
    """Answers θ (world mm) whatever it is shown; keeps what that was."""

    def __init__(self, theta: Theta, shape=(24, 24, 24), spacing=4.0):
        self.theta, self.shape, self.spacing, self.shown = theta.to_array(), shape, spacing, None

    def predict(self, tissue, density):
        assert tissue.shape == density.shape == self.shape
        self.shown = density
        centre = tissue.to_world((np.array(self.shape) - 1) / 2)
        return self.theta - np.array([*centre, 0, 0])


def wave_density(tissue, theta: Theta) -> np.ndarray:
    """WaveSurrogate's density on `tissue`, its whole grid taken as the crop."""
    model = WaveSurrogate(tissue.shape, float(tissue.spacing[0]))
    centre = tissue.to_world((np.array(tissue.shape) - 1) / 2)
    row = torch.tensor(theta.to_array() - np.array([*centre, 0, 0]), dtype=torch.float32)[None]
    return model(model.prepare(tissue), row)[0].numpy()
