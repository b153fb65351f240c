"""
What a finer grid would add to densities: told at one θ, kept near it.

A front that a grid does not resolve runs too fast on it and is too wide, by an amount that hardly depends on θ within a
posterior or over the last steps of a search. So one run on half the spacing corrects all others: its logit less that
of a run on the grid itself, and the slope of that difference by θ, are added to the logit of every density. This is a
defect correction (Stetter 1978, Numer. Math. 29); that a difference between models is told at a place and kept near it
is the idea of space mapping (Bandler et al. 1994, IEEE Trans. Microw. Theory Techn. 42).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.growth import GrowthModel

TIMES = 2
"""The finer grid's voxels in one, along each axis."""

FAINTEST = np.float32(1e-4)
"""Added to c and to 1 − c in a logit."""

MOST, MOST_BY_VALUES = np.float32(6.0), np.float32(2.0)
"""More is never added to a logit, nor is that changed by more away from its θ: far off a correction tells nothing."""

Window = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Correction:
    """
    Of densities on a window of a grid.

    Parameters
    ----------
    corner : tuple of int
        Voxel that the window begins at.
    at : ndarray (n,)
        Values of the growth model that the difference was told at.
    offset : ndarray [x, y, z]
        What is added to the logit there.
    slopes : ndarray [n, x, y, z]
        … and its derivatives by the values.
    """

    corner: tuple[int, ...]
    at: Array
    offset: Array
    slopes: Array

    @classmethod
    def between(
        cls, at: Array, better: tuple[Array, Array], plain: tuple[Array, Array], corner: Sequence[int] = (0, 0, 0)
    ) -> Correction:
        """From densities [x, y, z] and their Jacobians [n, x, y, z] at `at`, better ones and plain ones."""
        (high, high_slopes), (low, low_slopes) = ((_logit(c), _steep(c) * jacobian) for c, jacobian in (better, plain))
        offset, slopes = high - low, high_slopes - low_slopes
        return cls(tuple(int(n) for n in corner), np.array(at, float), offset, slopes)

    def cut(self, corner: Sequence[int], shape: Sequence[int]) -> Correction:
        """The same on a piece of the grid: what of its window is in there."""
        begin = np.maximum(np.subtract(self.corner, corner), 0)
        skipped = begin - np.subtract(self.corner, corner)
        number = np.maximum(np.minimum(np.subtract(self.offset.shape, skipped), np.subtract(shape, begin)), 0)
        part = tuple(slice(a, a + n) for a, n in zip(skipped, number, strict=True))
        offset, slopes = self.offset[part], self.slopes[(slice(None), *part)]
        return Correction(tuple(begin.tolist()), self.at, offset, slopes)

    def density(self, values: Array, c: Array) -> Array:
        """The density of `values`, corrected."""
        window, part = self._window, c[self._window]
        gain = self._gain(self._change(values))
        c = c.copy()
        c[window] = part * gain / (1 + part * (gain - 1))
        return c

    def with_jacobian(self, values: Array, c: Array, jacobian: Array) -> tuple[Array, Array]:
        """The density of `values` and its Jacobian, corrected."""
        window, part = self._window, c[self._window]
        change = self._change(values)
        gain = self._gain(change)
        below = 1 + part * (gain - 1)
        c, jacobian = c.copy(), jacobian.copy()
        c[window] = new = part * gain / below
        bent = np.where(np.abs(change) < MOST_BY_VALUES, new * (1 - new), 0) * self.slopes
        jacobian[(slice(None), *window)] = jacobian[(slice(None), *window)] * (gain / below**2) + bent
        return c, jacobian

    @property
    def _window(self) -> Window:
        x, y, z = (slice(a, a + n) for a, n in zip(self.corner, self.offset.shape, strict=True))
        return x, y, z

    def _change(self, values: Array) -> Array:
        """Of the logit's correction, from where it was told."""
        away = (np.asarray(values, float)[: len(self.at)] - self.at).astype(self.offset.dtype)
        found: Array = np.tensordot(away, self.slopes, 1)
        return found

    def _gain(self, change: Array) -> Array:
        """exp of what the logit gets."""
        near = np.clip(change, -MOST_BY_VALUES, MOST_BY_VALUES)
        found: Array = np.exp(np.clip(self.offset, -MOST, MOST) + near)
        return found


def divided(tissue: Tissue, head: Tissue | None = None, times: int = TIMES) -> Tissue:
    """A window's tissue with `times` voxels in one along each axis, interpolated between those of the head it is of."""
    shape = tuple(times * n for n in tissue.shape)
    affine = tissue.affine @ np.diag([1 / times] * 3 + [1.0])
    affine[:3, 3] -= tissue.affine[:3, :3] @ np.full(3, (1 - 1 / times) / 2)
    return (head or tissue).resample_to(shape, affine)


def on_finer_grid(
    model: GrowthModel,
    tissue: Tissue,
    values: Array,
    head: Tissue | None = None,
    threads: int = 1,
    refine: float = 1.0,
) -> tuple[Array, Array]:
    """
    Density [x, y, z] and Jacobian [n, x, y, z] by a run on half the spacing, as means over the tissue of each voxel.

    Tissue is that of `divided`; what is none in the window stays so.
    """
    fine = divided(tissue, head)
    c, jacobian = model.grow(fine, values, jacobian=True, threads=threads, refine=refine)
    share = _mean(fine.mask.astype(c.dtype))
    weight = np.divide(1, share, out=np.zeros_like(share), where=tissue.mask & (share > 0))
    return _mean(c) * weight, np.stack([_mean(a) * weight for a in jacobian])


def corrected_on(
    model: GrowthModel,
    tissue: Tissue,
    values: Array,
    corner: Sequence[int] = (0, 0, 0),
    head: Tissue | None = None,
    threads: int = 1,
    refine: float = 1.0,
    refine_finer: float = 1.0,
) -> Correction:
    """
    The correction near `values` by a run on half the spacing.

    Parameters
    ----------
    model : GrowthModel
    tissue : Tissue
        The tumour and all near it.
    values : ndarray (n,)
    corner : sequence of int
        Voxel of the problem's grid that this window begins at.
    head : Tissue, optional
        What it is a window of; it is all there is if not given.
    threads : int
    refine, refine_finer : float
        Of the runs that are corrected (`GrowthModel.grow`) and of the one on the finer grid; what longer time steps of
        the former do is made up for as well.
    """
    plain = model.grow(tissue, values, jacobian=True, threads=threads, refine=refine)
    better = on_finer_grid(model, tissue, values, head, threads, refine_finer)
    return Correction.between(values, better, plain, corner)


def _mean(a: Array) -> Array:
    """Over blocks of `TIMES` voxels along each axis."""
    nx, ny, nz = (n // TIMES for n in a.shape)
    found: Array = a.reshape(nx, TIMES, ny, TIMES, nz, TIMES).mean((1, 3, 5), dtype=a.dtype)
    return found


def _logit(c: Array) -> Array:
    found: Array = np.log((c + FAINTEST) / (1 - c + FAINTEST))
    return found


def _steep(c: Array) -> Array:
    """Derivative of `_logit`."""
    return 1 / (c + FAINTEST) + 1 / (1 - c + FAINTEST)
