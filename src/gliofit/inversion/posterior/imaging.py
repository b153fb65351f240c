"""
What a scan says of the imaging's unknowns – thresholds, uptake, noise – where the density is known.

None of them changes the density, so no run of the solver is needed to integrate them out. Their unit cube is divided
into cells, narrow about the mode and wider far from it. The likelihood at the centre of each is told from a summary
of the density: outlines from its histogram within and without, a PET from sums of squares. From the same cells
unknowns are drawn, and of those some are kept by their likelihood. Cells only propose: draws come with their density,
so that weights make up for what cells and summaries are too coarse for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import logsumexp

from gliofit.base.arrays import Array
from gliofit.inversion.posterior.likelihood import Outline, Seen, Uptake
from gliofit.inversion.posterior.points import Points
from gliofit.inversion.posterior.start import precision_about
from gliofit.inversion.posterior.target import Posterior

BINS = 512
"""Of the histogram of densities; a voxel counts in two neighbouring ones."""

FINEST = 0.6
"""Width of the cells about the mode, of the standard deviation that an unknown has when all others are known."""

REACH = 6.0
"""Standard deviations on either side of the mode that have such cells; beyond they grow."""

GROWTH = 1.5
"""Of each cell beyond, over the one before."""

TRIED = 48
"""Draws from the cells, of which a few are kept by their likelihood."""

SHARED, OUTLINE, SUMS = 32, 120, 50_000
"""Cells, about: of an unknown that two images share; of an outline's own; of all unknowns of a PET or a density."""


class Given(NamedTuple):
    """
    Draws of the imaging's unknowns for one density.

    Parameters
    ----------
    log_mass : float
        Logarithm of the likelihood's integral over their unit cube, estimated without bias.
    unit : ndarray [K, k]
    log_density : ndarray [K]
        Their probability density, up to what the summary's likelihood is from the exact one.
    """

    log_mass: float
    unit: Array
    log_density: Array


class Cells(Protocol):
    """One image's likelihood, from a summary of the density."""

    def summary(self, u: Array) -> Array:
        """Of the densities of the image's voxels."""
        ...

    def on_cells(self, summary: Array) -> Array:
        """Log-likelihoods [G] at the centres of the cells."""
        ...

    def at(self, summary: Array, own: Array) -> Array:
        """… and at any of the image's unknowns [B, k]."""
        ...


@dataclass(frozen=True, eq=False)
class _Part:
    """
    One image.

    Parameters
    ----------
    index : tuple of ndarray
        Its voxels.
    row : list of int
        Its unknowns, places among the posterior's parameters.
    cells : Cells
    shape : tuple of int
        Of the cells: along shared unknowns (1 where this image does not have them), then along its own.
    own : tuple of int
        Its own unknowns, places among all.
    log_volume : ndarray
        Of the cells along its own unknowns.
    """

    index: tuple[Array, ...]
    row: list[int]
    cells: Cells
    shape: tuple[int, ...]
    own: tuple[int, ...]
    log_volume: Array


class Imaging:
    """
    The imaging's unknowns of a posterior.

    Parameters
    ----------
    posterior : Posterior
    mode : Points
        One, with its Gauss–Newton matrix: tells where cells have to be narrow.

    Attributes
    ----------
    growth, others : int ndarray
        Which unknowns the density depends on, and which are the imaging's.
    """

    def __init__(self, posterior: Posterior, mode: Points):
        unknowns, names = posterior.unknowns, list(posterior.names)
        at = mode.unit[0]
        slopes = unknowns.derivative(unknowns.from_unit(at)) != 0
        on_density = slopes[: posterior.problem.model.size].any(0)
        self.growth, self.others = np.flatnonzero(on_density), np.flatnonzero(~on_density)
        images = posterior.likelihood.images
        rows = [[names.index(name) for name in image.unknowns] for image in images]
        of_images = [np.flatnonzero(slopes[row].any(0) & ~on_density) for row in rows]
        counts = np.bincount(np.concatenate(of_images), minlength=unknowns.size)
        self._shared = [int(d) for d in self.others if counts[d] > 1]
        precision = precision_about(mode)
        marginal, conditional = np.sqrt(np.diag(np.linalg.inv(precision))), 1 / np.sqrt(np.diag(precision))
        self._edges: dict[int, Array] = {}
        for image, drives in zip(images, of_images, strict=True):
            alone = max(len(set(drives) - set(self._shared)), 1)
            each = OUTLINE if isinstance(image, Outline) else round(SUMS ** (1 / alone))
            for d in drives:
                most = SHARED if d in self._shared else each
                self._edges[int(d)] = _edges(at[d], conditional[d], marginal[d], most)
        self._log_shared = _log_volume([self._edges[d] for d in self._shared])
        self._parts = []
        for image, row, drives in zip(images, rows, of_images, strict=True):
            own = tuple(int(d) for d in drives if d not in self._shared)
            axes, mine = [*self._shared, *own], set(drives.tolist())
            centres = [_centres(self._edges[d]) if d in mine else at[d : d + 1] for d in axes]
            mesh = np.meshgrid(*centres, indexing="ij")
            cells = np.tile(at, (mesh[0].size, 1))
            for d, along in zip(axes, mesh, strict=True):
                cells[:, d] = along.ravel()
            own_values = posterior.parameters(cells)[:, row]
            of_image = _cells_of(image, own_values)
            volume = _log_volume([self._edges[d] for d in own])
            self._parts.append(_Part(image.index, row, of_image, mesh[0].shape, own, volume))
        self._posterior, self._at = posterior, at

    def given(self, c: Array, rng: np.random.Generator, number: int) -> Given:
        """Draws, `number` of them, where the density is c [x, y, z]: the likelier of `TRIED` that the cells propose."""
        axes = len(self._shared)
        summaries = [part.cells.summary(c[part.index].astype(float)) for part in self._parts]
        logs = [
            part.cells.on_cells(summary).reshape(part.shape) + part.log_volume
            for part, summary in zip(self._parts, summaries, strict=True)
        ]
        total = self._log_shared
        for values in logs:
            total = total + logsumexp(values.reshape(*values.shape[:axes], -1), axis=-1)
        unit, log_density = np.tile(self._at, (TRIED, 1)), np.zeros(TRIED)

        def within(drawn: Sequence[int], cells: Sequence[Array]) -> None:
            """Points of cells, each as likely as any other of its cell."""
            for d, i in zip(drawn, cells, strict=True):
                low, high = self._edges[d][i], self._edges[d][i + 1]
                unit[:, d] = low + rng.random(TRIED) * (high - low)
                log_density[:] -= np.log(high - low)

        shared, log_share = _drawn(total.reshape(1, -1), np.zeros(TRIED, int), rng)
        shared_cells = np.unravel_index(shared, total.shape) if axes else ()
        within(self._shared, shared_cells)
        log_density += log_share
        for part, values in zip(self._parts, logs, strict=True):
            sizes = part.shape[:axes]
            there = [np.minimum(i, n - 1) for i, n in zip(shared_cells, sizes, strict=True)]
            rows = np.ravel_multi_index(there, sizes) if axes else np.zeros(TRIED, int)
            own, log_share = _drawn(values.reshape(int(np.prod(sizes)), -1), rows, rng)
            within(part.own, np.unravel_index(own, part.shape[axes:]) if part.own else ())
            log_density += log_share
        parameters = self._posterior.parameters(unit)
        by_summary = np.zeros(TRIED)
        for part, summary in zip(self._parts, summaries, strict=True):
            by_summary += part.cells.at(summary, parameters[:, part.row])
        weights = by_summary - log_density
        mass = float(logsumexp(weights) - np.log(TRIED))
        kept = _evenly(np.exp(weights - logsumexp(weights)), number, rng)
        return Given(mass, unit[kept][:, self.others], by_summary[kept] - mass)


def _drawn(logs: Array, rows: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Of each of rows [B] of logs [R, G] a cell [B] by its probability, and the logarithm of that."""
    cells, log_share, uniform = np.empty(len(rows), int), np.empty(len(rows)), rng.random(len(rows))
    for row in np.unique(rows):
        here = rows == row
        normal = logs[row] - logsumexp(logs[row])
        cells[here] = np.searchsorted(np.cumsum(np.exp(normal)), uniform[here]).clip(max=normal.size - 1)
        log_share[here] = normal[cells[here]]
    return cells, log_share


def _evenly(weights: Array, number: int, rng: np.random.Generator) -> Array:
    """Places [number] by weight, in a random order."""
    places = np.searchsorted(np.cumsum(weights), (np.arange(number) + rng.random()) / number)
    return rng.permutation(places.clip(max=len(weights) - 1))


def _edges(middle: float, conditional: float, marginal: float, most: int) -> Array:
    """Edges of cells from 0 to 1."""
    reach = REACH * marginal
    step = max(FINEST * conditional, 2 * reach / most, 1 / most / 8)
    one_side = np.arange(step / 2, reach, step)
    beyond = one_side[-1] if one_side.size else 0.0
    steps = step * GROWTH ** np.arange(1, 60)
    away = np.concatenate([one_side, beyond + np.cumsum(steps)])
    edges = np.concatenate([middle - away[::-1], middle + away])
    return np.concatenate([[0.0], edges[(edges > 1e-9) & (edges < 1 - 1e-9)], [1.0]])


def _centres(edges: Array) -> Array:
    return (edges[1:] + edges[:-1]) / 2


def _log_volume(edges: Sequence[Array]) -> Array:
    """Of the cells of several axes [n, m, …]."""
    found: Array = np.zeros(())
    for e in edges:
        found = found[..., None] + np.log(np.diff(e))
    return found


def _cells_of(image: Outline | Uptake | Seen, own: Array) -> Cells:
    """Of an image whose unknowns are `own` [G, k] at the cells' centres."""
    return _OutlineCells(image, own) if isinstance(image, Outline) else _SumsCells(image, own)


class _OutlineCells:
    """Each voxel's part is linear in its label, so a histogram of the labelled and one of the others tell all."""

    def __init__(self, image: Outline, own: Array):
        self._image = image
        self._table = _both(own.astype(np.float32)).astype(np.float32)

    def summary(self, u: Array) -> Array:
        places = u.clip(0, 1) * (BINS - 1)
        low = np.minimum(places.astype(int), BINS - 2)
        share = places - low
        counted = [
            np.bincount(low, (1 - share) * part, BINS) + np.bincount(low + 1, share * part, BINS)
            for part in (self._image.seen, 1 - self._image.seen)
        ]
        return self._image.weight * np.concatenate(counted)

    def on_cells(self, summary: Array) -> Array:  # not by BLAS, whose threads wait for busy cores
        return np.einsum("gk,k->g", self._table, summary.astype(np.float32)).astype(float)

    def at(self, summary: Array, own: Array) -> Array:
        return np.einsum("gk,k->g", _both(own), summary)


def _both(own: Array) -> Array:
    """Log-probabilities [G, 2·BINS] of a label and of none at each bin's density, for thresholds and widths [G, 2]."""
    threshold, width = own.T[:, :, None]
    away = (np.linspace(0, 1, BINS).astype(own.dtype) - threshold) / width
    unlikely = np.log(0.5) - away * away
    likely = np.log1p(-np.exp(unlikely))
    above = away > 0
    return np.concatenate([np.where(above, likely, unlikely), np.where(above, unlikely, likely)], 1)


class _SumsCells:
    """The sum of squares of seen − background − u/scale, from sums over the voxels."""

    def __init__(self, image: Uptake | Seen, own: Array):
        self._image, self._own = image, own

    def summary(self, u: Array) -> Array:
        seen = self._image.seen
        return np.array([seen @ seen, seen.sum(), seen.size, u @ u, u.sum(), seen @ u])

    def on_cells(self, summary: Array) -> Array:
        return self.at(summary, self._own)

    def at(self, summary: Array, own: Array) -> Array:
        seen2, seen, number, u2, u, both = summary
        noise, plain = own[:, -1], np.ones(len(own))
        slope, background = (1 / own[:, 0], own[:, 1]) if isinstance(self._image, Uptake) else (plain, 0 * plain)
        squares = seen2 + number * background**2 + u2 * slope**2
        squares = squares - 2 * background * seen - 2 * slope * both + 2 * background * slope * u
        return -0.5 * squares / noise**2 - number * (np.log(noise) + 0.5 * np.log(2 * np.pi))
