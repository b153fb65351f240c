"""
What a tumour moves: the tissue around it, how stiff it is, and how cells spread in it.

Young's moduli and Poisson ratios are those of Subramanian et al. 2019 (J. Math. Biol. 79), which GLIA and
Learn-Morph-Infer use. A voxel with a share c of tumour is c parts as stiff as tumour and 1 − c parts as its healthy
tissue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.cpu.crew import share
from gliofit.growth.cpu.padded import OUTSIDE
from gliofit.growth.mass_effect import cells
from gliofit.growth.mass_effect.elasticity import Operator
from gliofit.growth.mass_effect.grid import Grid
from gliofit.growth.ranges import GREY_MATTER_RATIO, relative_diffusivity

YOUNG = {"wm": 2100.0, "gm": 2100.0, "csf": 100.0, "tumour": 8000.0}
"""Pa."""

POISSON = {"wm": 0.4, "gm": 0.4, "csf": 0.1, "tumour": 0.45}

SCREENING_MM = 270.0
"""
Length over which healthy tissue holds a displacement back, κ = (λ + 2μ)/length².

GLIA's weight of 100 in a box of 2π for 256 mm. Where there is tumour (c well above `SCREENED_BELOW`) it fades to 0.
"""

SCREENED_BELOW = 0.005

C, WM, GM, CSF, HELD = range(5)
"""Rows of a state: tumour cells, tissue, and what tells tissue from CSF (1 where cells can live at first)."""

FRACTIONS = np.array([False, False, False, True, True])
"""Carried along without being compressed; the others are amounts."""

FIRM = (0.25, 0.75)
"""HELD from which a voxel begins to be tissue, and from which it is altogether; a step would make θ's effect jump."""


FIRMLY = np.float32(FIRM[0]), np.float32(1 / (FIRM[1] - FIRM[0]))
"""The same for kernels: where it begins, and how fast it rises."""


def lame(kind: str) -> tuple[float, float]:
    """λ and μ (Pa) of a kind of tissue."""
    young, poisson = YOUNG[kind], POISSON[kind]
    return young * poisson / ((1 + poisson) * (1 - 2 * poisson)), young / (2 * (1 + poisson))


@dataclass(frozen=True, eq=False)
class Medium:
    """
    The box around the brain that things happen in.

    Parameters
    ----------
    shape : tuple of int
        Of the box: the brain and two voxels around it.
    offset : ndarray (3,)
        Its first voxel in the whole.
    grid : Grid
    inside : ndarray [n]
        1 inside the skull, 0 elsewhere.
    spans : int64 ndarray [rows, 2]
        Where in each row that is (`Grid.spans`).
    rest : ndarray [5, n]
        The state before growth; no tumour.
    largest : float
        Diffusivity that is never exceeded, relative to white matter's.
    screening : float
        mm; 0 for none.
    """

    shape: tuple[int, int, int]
    offset: Array
    grid: Grid
    inside: Array
    spans: Array
    rest: Array
    largest: float
    screening: float

    @classmethod
    def of(cls, tissue: Tissue, screening: float) -> Medium:
        if not tissue.mask.any():
            raise InputError("the anatomy has no tissue for a tumour to begin in")
        where = [np.flatnonzero(tissue.brain.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
        low, high = (np.array([w[end] for w in where]) for end in (0, -1))
        offset = low - 2
        box = tissue.crop(offset, tuple(high - low + 5))
        grid = Grid.of(box.shape, box.spacing)
        state = [np.zeros(box.shape, np.float32), box.wm, box.gm, box.csf, box.mask.astype(np.float32)]
        rest = np.stack([grid.pad(field) for field in state])
        largest = max(float(relative_diffusivity(box).max()), 1e-6)
        inside = grid.pad(box.brain > 0)
        return cls(box.shape, offset, grid, inside, grid.spans(inside > 0), rest, largest, screening)

    @cached_property
    def around(self) -> Array:
        """Spans of the cells inside and a cell more."""
        return self.grid.around(self.spans)

    def visit(self, threads: int, kernel: Callable, *arguments: Any, spans: Array | None = None) -> None:
        """Call a kernel of `cells` or `fields` on the cells inside, or on some of them."""
        share(threads, kernel, self.grid[:4], self.spans if spans is None else spans, *arguments)

    def operator(
        self,
        state: Array,
        threads: int,
        like: Operator | None = None,
        room: Array | None = None,
        spans: Array | None = None,
    ) -> Operator:
        """
        Elasticity of a state.

        Parameters
        ----------
        state : ndarray [5, n]
        threads : int
        like : Operator, optional
            An earlier one of this medium, whose room is taken.
        room : ndarray [3, n], optional
            What was that one's.
        spans : int64 ndarray [rows, 2], optional
            Where the state may have changed since, and a cell more.
        """
        lam, mu, kappa = np.zeros((3, self.grid.size), np.float32) if room is None else room
        of_lam, of_mu = (tuple(np.float32(lame(kind)[number]) for kind in YOUNG) for number in range(2))
        stiffness = sum(np.multiply((1, 2), lame("wm"))) / self.screening**2 if self.screening > 0 else 0.0
        held_back = np.float32(stiffness), np.float32(SCREENED_BELOW)
        given = *state[:HELD], self.inside, of_lam, of_mu, *held_back, lam, mu, kappa
        self.visit(threads, cells.stiffness, *given, spans=spans)
        return Operator.of(self.grid, lam, mu, kappa, threads, like, spans)

    def diffusivity(self, state: Array, threads: int, out: Array, spans: Array | None = None) -> None:
        """Relative to white matter's, as the solver's kernels take it; `out` is OUTSIDE where no cell is visited."""
        grey, largest = np.float32(1 / GREY_MATTER_RATIO), np.float32(self.largest)
        tissue = state[WM], state[GM], state[HELD], *FIRMLY
        self.visit(threads, cells.openness, *tissue, grey, largest, np.float32(OUTSIDE), out.reshape(-1), spans=spans)
