"""The discrete loss and its gradient in few passes over memory: on the processor, in float32."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch

from gliofit.base.arrays import Array
from gliofit.inversion.discrete_loss.fused import Growth, growth_terms, padded_faces
from gliofit.inversion.discrete_loss.fused_ends import first_term, outline_terms, uptake_term
from gliofit.inversion.discrete_loss.loss import ORIGIN_UNIT_MM, PLACE, SCALARS, SCALES, Coefficient, DiscreteLoss
from gliofit.observation.segmentation import STEEPNESS


class _Total(torch.autograd.Function):
    """`apply(u, variables, loss)` → the sum of the terms of a `CompiledLoss`."""

    @staticmethod
    def forward(ctx: Any, u: Any, variables: Any, loss: Any) -> Any:
        total, by_field, by_variables = loss.with_gradient(u.detach().contiguous().numpy(), variables.detach().numpy())
        ctx.save_for_backward(torch.from_numpy(by_field), torch.from_numpy(by_variables))
        return torch.tensor(total, dtype=u.dtype)

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        by_field, by_variables = ctx.saved_tensors
        if float(upstream) == 1:  # as in a descent: one pass over the field less
            return by_field, by_variables, None
        return by_field * upstream, by_variables * upstream, None


class CompiledLoss(DiscreteLoss):
    """A `DiscreteLoss` of float32 fields on the processor, whose `total` is compiled, gradient included."""

    def total(self, u: torch.Tensor, variables: torch.Tensor) -> torch.Tensor:
        return _Total.apply(u, variables, self)

    def with_gradient(self, u: Array, variables: Array) -> tuple[float, Array, Array]:
        """
        The sum of all terms of a density [t, x, y, z], and its derivatives by the density and by the variables.

        Parameters
        ----------
        u : ndarray of float32 [t, x, y, z]
            Contiguous.
        variables : ndarray
            See `DiscreteLoss.variables`.
        """
        found = {name: _value(c, v) for (name, c), v in zip(self.coefficients.items(), variables[SCALARS], strict=True)}
        value = {name: pair[0] for name, pair in found.items()}
        by, gradient = dict.fromkeys(value, 0.0), np.empty_like(u)
        first, last = gradient[0], gradient[-1]
        growth = growth_terms(u, value["diffusivity"], value["growth"], self._growth, gradient)
        pde, by["diffusivity"], by["growth"], beyond, outside = growth
        origin = variables[PLACE].astype(float) * ORIGIN_UNIT_MM
        points = [p.numpy() for p in self.points]
        seed, *by_origin = first_term(u[0], origin, points, self._growth.inside, SCALES["initial"] ** 2, first)
        total = pde + beyond + outside + seed
        if self.density is not None:
            total += self._uptake("density", self.density, u[-1], 1.0, 0.0, 1.0, last)[0]
        else:
            steep = STEEPNESS if self.penalty == "sigmoid" else 0.0
            thresholds = value.get("threshold_core"), value["threshold_whole"]
            weight = SCALES[self.outlines_scale] ** 2
            term, by_core, by_whole = outline_terms(u[-1], self._shares, thresholds, (steep, self.slack), weight, last)
            total += term
            by |= {"threshold_whole": by_whole} | ({"threshold_core": by_core} if "threshold_core" in by else {})
        if self.pet is not None:
            gain, ground = value["pet_scale"], value["pet_background"]
            term, *along = self._uptake("pet", self.pet, u[-1], gain, ground, self.pet_weight, last)
            total += term
            by["pet_scale"], by["pet_background"] = along
        slopes = [by[name] * slope for name, (_, slope) in found.items()]
        return total, gradient, np.array([*(ORIGIN_UNIT_MM * b for b in by_origin), *slopes], np.float32)

    def _uptake(
        self, name: str, seen: torch.Tensor, c: Array, gain: float, ground: float, weight: float, gradient: Array
    ) -> tuple[float, float, float]:
        share = self.weights[name].numpy()
        return uptake_term(c, share, seen.numpy(), gain, ground, weight * SCALES["pet"] ** 2, gradient)

    @cached_property
    def _growth(self) -> Growth:
        faces = padded_faces([face.numpy() for face in self.faces], self.domain.tissue.shape)
        squares = self.pde_weight * SCALES["pde"] ** 2, SCALES["range"] ** 2, SCALES["csf"] ** 2
        return Growth(faces, self.inside.float().numpy(), self.dt, *squares)

    @cached_property
    def _shares(self) -> Array:
        """Voxels' shares [3, x, y, z] in core, edema and background."""
        return np.stack([self.weights[name].numpy() for name in ("core", "edema", "background")])


def _value(coefficient: Coefficient, v: float) -> tuple[float, float]:
    """`Coefficient.value`, and its derivative by v."""
    low, high = coefficient.ends()
    value, slope = low + (high - low) * (1 + np.sin(v)) / 2, (high - low) * np.cos(v) / 2
    return (float(np.exp(value)), float(np.exp(value) * slope)) if coefficient.log else (float(value), float(slope))
