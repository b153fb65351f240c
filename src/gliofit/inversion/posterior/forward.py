"""Densities for a sampler, of many θ on one piece of tissue: by the numerical solver or by a surrogate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.errors import BeyondModelError
from gliofit.base.threads import torch_threads
from gliofit.inversion.crops import SurrogateLoss
from gliofit.inversion.problem import COARSELY, Problem
from gliofit.observation.observation import Observation

Result = TypeVar("Result")


class Forward(Protocol):
    """
    What turns values of the growth model into densities.

    Attributes
    ----------
    tissue : Tissue
    target : Observation
        Both on the grid that densities are on.
    """

    tissue: Tissue
    target: Observation

    def densities(self, values: Array, use: Callable[[int, Array], Result]) -> list[Result]:
        """`use(i, c)` of the density c [x, y, z] of each of values [B, n]; densities themselves are not kept."""
        ...

    def jacobians(self, values: Array, use: Callable[[int, Array, Array], Result]) -> list[Result]:
        """`use(i, c, J)`, with the derivatives J [n, x, y, z] by the values."""
        ...


class Solver:
    """
    The numerical solver on the box around a ball.

    Nothing outside the box is computed. Its faces are closed, as those of the head are, so that what a tumour would
    have spread beyond stays within; the likelihood looks at the ball alone.

    Parameters
    ----------
    problem : Problem
        Its `threads` runs go on at once, each in a thread of its own.
    centre : ndarray (3,)
    radius : float
        mm.
    """

    def __init__(self, problem: Problem, centre: Array, radius: float):
        whole = problem.tissue
        reach = radius / whole.spacing
        middle = whole.to_voxel(centre)
        low = np.maximum(np.floor(middle - reach), 0).astype(int)
        shape = tuple(int(n) for n in np.minimum(np.ceil(middle + reach) + 1, whole.shape).astype(int) - low)
        self.offset = low
        self.tissue = whole.crop(low, shape)
        window = tuple(slice(a, a + n) for a, n in zip(low, shape, strict=True))
        self.target = problem.target.map(lambda a: np.ascontiguousarray(a[window]))
        self._problem = problem
        self._model, self._refine = problem.model, problem.refine
        self.correction = None if problem.correction is None else problem.correction.cut(low, shape)

    def densities(self, values: Array, use: Callable[[int, Array], Result]) -> list[Result]:
        return self._each(lambda i: use(i, self.density(values[i])), len(values))

    def jacobians(self, values: Array, use: Callable[[int, Array, Array], Result]) -> list[Result]:
        return self._each(lambda i: use(i, *self.density_and_jacobian(values[i])), len(values))

    def density(self, values: Array) -> Array:
        """Density [x, y, z] of values [n] on `tissue`; the run is not counted."""
        c = self._grown(self.tissue, values)
        return c if self.correction is None else self.correction.density(values, c)

    def density_and_jacobian(self, values: Array) -> tuple[Array, Array]:
        """… and its Jacobian [n, x, y, z]."""
        c, jacobian = self._grown(self.tissue, values, jacobian=True)
        return (c, jacobian) if self.correction is None else self.correction.with_jacobian(values, c, jacobian)

    def _grown(self, tissue: Tissue, values: Array, jacobian: bool = False) -> Any:
        """A run of the model; NaN, whose likelihood is 0, where the model describes no tumour."""
        try:
            return self._model.grow(tissue, values, jacobian=jacobian, threads=1, refine=self._refine)
        except BeyondModelError:
            c = np.full(tissue.shape, np.nan, np.float32)
            return (c, np.stack([c] * len(values))) if jacobian else c

    def _each(self, work: Callable[[int], Result], number: int) -> list[Result]:
        self._problem.runs.number += number
        if self._problem.threads == 1 or number < 2:
            return [work(i) for i in range(number)]
        with ThreadPoolExecutor(self._problem.threads) as pool:  # the solver's kernels leave Python's lock
            return list(pool.map(work, range(number)))


class Coarser(Solver):
    """
    The solver on a grid of a multiple of the spacing, its densities on the problem's grid.

    They are interpolated between voxels of tissue alone: across its edge they would fall off towards 0. So the same
    likelihood can be asked, for a tenth of the time where the grid has an eighth of the voxels.

    Parameters
    ----------
    problem : Problem
    centre : ndarray (3,)
    radius : float
        mm.
    times : int
        The multiple.
    """

    def __init__(self, problem: Problem, centre: Array, radius: float, times: int):
        super().__init__(problem, centre, radius)
        shape = tuple(-(-n // times) for n in self.tissue.shape)
        affine = self.tissue.affine @ np.diag([times, times, times, 1.0])
        affine[:3, 3] = grids.to_world(self.tissue.affine, np.full(3, (times - 1) / 2))
        self._coarse, self._times, self._refine = self.tissue.resample_to(shape, affine), times, COARSELY
        share = self._finer(self._coarse.mask.astype(np.float32))
        known = self.tissue.mask & (share > 1e-3)
        self._weight = np.divide(1, share, out=np.zeros_like(share), where=known)

    def density(self, values: Array) -> Array:
        return self._finer(self._grown(self._coarse, values)) * self._weight

    def density_and_jacobian(self, values: Array) -> tuple[Array, Array]:
        c, jacobian = self._grown(self._coarse, values, jacobian=True)
        return self._finer(c) * self._weight, np.stack([self._finer(a) * self._weight for a in jacobian])

    def _finer(self, a: Array) -> Array:
        for axis, size in enumerate(self.tissue.shape):
            a = _stretched(a, axis, self._times)[(slice(None),) * axis + (slice(size),)]
        return np.ascontiguousarray(a)


def _stretched(a: Array, axis: int, times: int) -> Array:
    """Linear interpolation at the centres of each voxel's `times` parts along an axis; constant past the ends."""
    a = np.moveaxis(a, axis, 0)
    found = np.empty((times * len(a), *a.shape[1:]), a.dtype)
    for part in range(times):
        away = (part + 0.5) / times - 0.5
        beside = np.concatenate([a[1:], a[-1:]]) if away > 0 else np.concatenate([a[:1], a[:-1]])
        found[part::times] = a + a.dtype.type(abs(away)) * (beside - a)
    return np.moveaxis(found, 0, axis)


class Surrogate:
    """
    A surrogate on its crop. Derivatives are central differences: it has none forwards.

    Parameters
    ----------
    problem : Problem
        With a network "surrogate".
    """

    BATCH = 8
    STEP = 2e-3
    """Of each value's range."""

    def __init__(self, problem: Problem):
        self._loss = SurrogateLoss(problem)
        self.tissue, self.target = self._loss.crop.tissue, self._loss.target
        box, size = problem.box, problem.model.size
        self._steps = self.STEP * (box.upper - box.lower)[:size]
        self._threads = problem.threads

    @property
    def evaluations(self) -> int:
        return self._loss.evaluations

    def densities(self, values: Array, use: Callable[[int, Array], Result]) -> list[Result]:
        return [use(i, c) for i, c in enumerate(self._run(values))]

    def jacobians(self, values: Array, use: Callable[[int, Array, Array], Result]) -> list[Result]:
        found = []
        for i, at in enumerate(values):
            shifts = np.concatenate([np.diag(self._steps), -np.diag(self._steps)])
            c, *beside = self._run(np.concatenate([at[None], at + shifts]))
            more, less = np.split(np.array(beside), 2)
            found.append(use(i, c, (more - less) / (2 * self._steps[:, None, None, None]).astype(np.float32)))
        return found

    def _run(self, values: Array) -> Iterator[Array]:
        import torch

        for batch in _batches(values, self.BATCH):
            with torch.no_grad(), torch_threads(self._threads):
                densities = self._loss.densities(torch.as_tensor(batch)).cpu().numpy()
            self._loss.evaluations += len(batch)
            yield from densities


def _batches(values: Array, size: int) -> Iterable[Any]:
    return (values[i : i + size] for i in range(0, len(values), size))
