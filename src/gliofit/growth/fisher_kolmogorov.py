"""
The Fisher–Kolmogorov model: ∂c/∂t = ∇·(D∇c) + ρc(1 − c), no flux out of the tissue (Weidner 2026, Eq. 1).

Time is scaled so that growth runs from t = 0 to 1 with D = μ_D²·(p_WM + p_GM/R) and ρ = μ_ρ². `schedule` has the
scheme, the kernels its loops; this module is the way in.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numba
import numpy as np

from gliofit.errors import InputError
from gliofit.growth import kernels_cpu as kernels
from gliofit.growth.schedule import Schedule, schedule
from gliofit.growth.seed import initial_density
from gliofit.theta import Theta
from gliofit.tissue import GREY_MATTER_RATIO, TISSUE_THRESHOLD, Tissue

Array = np.ndarray

FLOOR = {np.dtype(np.float32): 1e-9, np.dtype(np.float64): 1e-17}
"""Density below which a row's end is not followed, at t = 1; earlier it is smaller by the growth still to come."""


@dataclass(frozen=True, eq=False)
class Medium:
    """
    What of a tissue the kernels read; θ has no part in it.

    Parameters
    ----------
    diffusivity : ndarray [nx + 2, ny + 2, nz + 2]
        D / D_w, `kernels_cpu.OUTSIDE` where no tumour can be.
    radius : float
        Bound of the spectral radius of the diffusion operator for D_w = 1, 1/mm².
    """

    diffusivity: Array
    radius: float


_media: WeakKeyDictionary[Tissue, dict] = WeakKeyDictionary()


def medium(tissue: Tissue, dtype=np.float32) -> Medium:
    """The kernels' view of a tissue, made once."""
    known = _media.setdefault(tissue, {})
    dtype = np.dtype(dtype)
    if dtype not in known:
        field = np.empty(tuple(n + 2 for n in tissue.shape), dtype)
        kernels.diffusivity_field(
            tissue.wm, tissue.gm, np.float32(GREY_MATTER_RATIO), np.float32(TISSUE_THRESHOLD), field
        )
        radius = 4 * float((1 / tissue.spacing**2).sum()) * max(float(field.max()), 1e-6)
        known[dtype] = Medium(field, radius)
    return known[dtype]


def simulate(
    tissue: Tissue,
    theta: Theta,
    *,
    jacobian: bool = False,
    device: str = "cpu",
    seed: str = "smooth",
    threads: int | None = None,
    dtype=np.float32,
    refine: float = 1.0,
):
    """
    Grow a tumour.

    Parameters
    ----------
    tissue : Tissue
        Any grid; spacing in mm.
    theta : Theta
        Origin in mm of the tissue's space, μ_D in mm, μ_ρ.
    jacobian : bool
        Also return the derivative of the discrete scheme.
    device : {"cpu", "cuda"}
    seed : {"smooth", "tgk"}
        Initial density, see `gliofit.growth.seed`.
    threads : int, optional
        CPU threads; numba's setting otherwise (all cores, or NUMBA_NUM_THREADS).
    dtype : float32 or float64
        float64 is for checking derivatives.
    refine : float
        Divides every time step; 1 has a mass error of about 0.3 % (docs/benchmarks.md).

    Returns
    -------
    c : ndarray [x, y, z]
        Tumour-cell density in [0, 1] at t = 1; 0 outside tissue.
    J : ndarray [5, x, y, z], with `jacobian`
        ∂c/∂(x, y, z, μ_D, μ_ρ), per mm and per unit of μ_ρ; exact for the discrete scheme, its
        θ-dependent time steps included.

    Raises
    ------
    InputError
        If the origin is outside the grid, or `device` or `seed` is unknown.
    """
    if device == "cuda":
        from gliofit.growth.kernels_gpu import simulate_batch

        result = simulate_batch(tissue, [theta], jacobian=jacobian, seed=seed, refine=refine)
        return tuple(r[0].cpu().numpy() for r in result) if jacobian else result[0].cpu().numpy()
    if device != "cpu":
        raise InputError(f"unknown device '{device}'; there are: cpu, cuda")
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS) if threads else before)
    try:
        return _run(tissue, theta, jacobian, seed, np.dtype(dtype), refine)
    finally:
        numba.set_num_threads(before)


class _Region:
    """The rows in which there is tumour, growing with it."""

    def __init__(self, shape: tuple, corner: Array, window: tuple):
        nx, ny, nz = shape
        self.nz, self.stride = nz, nz + 2
        self.low = np.zeros((nx + 2, ny + 2), np.int32)
        self.high = np.zeros((nx + 2, ny + 2), np.int32)
        here = tuple(slice(c + 1, c + 1 + n) for c, n in zip(corner[:2], window[:2], strict=True))
        self.low[here], self.high[here] = corner[2] + 1, corner[2] + 1 + window[2]
        self.rows = 0
        self.base, self.begin, self.end = (np.empty(nx * ny, np.int64) for _ in range(3))
        self.chunk = np.zeros(numba.get_num_threads() + 1, np.int64)

    def grow(self, width: int) -> None:
        self.rows = kernels.active_rows(
            self.low, self.high, width, self.base, self.begin, self.end, self.chunk, self.stride, self.nz
        )

    @property
    def extent(self) -> tuple:
        return self.base[: self.rows], self.begin[: self.rows], self.end[: self.rows], self.chunk

    def settle(self, low: Array, high: Array) -> None:
        row = self.base[: self.rows] // self.stride
        # never shrink: what was written once stays visited, so that no stale value is left behind
        self.low.ravel()[row], self.high.ravel()[row] = low, high


def _run(tissue: Tissue, theta: Theta, jacobian: bool, seed: str, dtype: np.dtype, refine: float):
    field = medium(tissue, dtype)
    plan = schedule(theta.mu_D, theta.mu_rho, tissue.spacing, field.radius, refine)
    corner, start, slope = initial_density(tissue, theta.origin, seed)
    shape = tuple(n + 2 for n in tissue.shape)
    sx, sy = np.uintp(shape[1] * shape[2]), np.uintp(shape[2])
    w = [dtype.type(v) for v in 1 / field.radius / tissue.spacing**2]  # ω/(2h²), ω = 2/λ_max
    d = field.diffusivity.reshape(-1)

    fields = kernels.FIELDS if jacobian else 1
    y, a, b = (np.zeros((fields, d.size), dtype) for _ in range(3))
    growth = np.expm1(plan.growth)
    inside = tuple(slice(c + 1, c + 1 + n) for c, n in zip(corner, start.shape, strict=True))
    slope_growth = (1 + growth[0]) / (1 + start * growth[0]) ** 2
    grown = start * (1 + growth[0]) / (1 + start * growth[0])
    y[0].reshape(shape)[inside] = grown
    if jacobian:
        for i in range(3):
            y[1 + i].reshape(shape)[inside] = slope[i] * slope_growth
        y[4].reshape(shape)[inside] = start * (1 - start) * slope_growth * plan.growth_mu_D[0]
    extra = np.zeros((0, 1), dtype)
    region = _Region(tissue.shape, corner, start.shape)
    remaining = plan.growth.sum() - np.cumsum(plan.growth)
    for k in range(plan.steps):
        s = int(plan.stages[k])
        region.grow(s)
        where = (*region.extent, sx, sy, *w)
        floor = dtype.type(max(FLOOR[dtype] * np.exp(-remaining[k + 1]), 1e-25))
        low, high = np.empty(region.rows, np.int32), np.empty(region.rows, np.int32)
        weights = [dtype.type(v) for v in plan.weights[k]]
        gain = dtype.type(growth[k + 1])
        if not jacobian:
            before, now = _legendre(kernels.stage, y[0], a[0], b[0], d, where, s - 1, dtype)
            c1, c2 = _recurrence(s, dtype)
            kernels.finish(now, before, y[0], d, *where, c1, c2, *weights, gain, floor, low, high)
        else:
            before, now = _legendre(kernels.stage_tangent, y, a, b, d, where, s, dtype)
            last = k == plan.steps - 1
            if last:
                extra = _scale_tangent(plan, y, d, where, s, dtype, growth)
            kernels.finish_tangent(
                before, now, y, *region.extent, *weights, *(dtype.type(v) for v in plan.weights_mu_D[k]), gain,
                dtype.type(plan.growth_mu_D[k + 1]), *(dtype.type(v) for v in plan.weights_scale[k]),
                dtype.type(plan.growth_scale[k + 1]), extra, floor, low, high,
            )  # fmt: skip
        region.settle(low, high)
    core = (slice(1, -1),) * 3
    c = np.ascontiguousarray(y[0].reshape(shape)[core])
    if not jacobian:
        return c
    J = np.empty((5, *tissue.shape), dtype)
    for i in range(4):
        J[i] = y[1 + i].reshape(shape)[core]
    # c depends on (D, ρ) alone, so μ_D·∂c/∂μ_D + μ_ρ·∂c/∂μ_ρ = 2·∂c/∂(time scale)
    if theta.mu_rho > 0:
        J[4] = (2 * extra[0].reshape(shape)[core] - theta.mu_D * J[3]) / theta.mu_rho
    else:
        J[4] = 0
    return c, J


def _recurrence(j: int, dtype) -> tuple:
    return dtype.type((2 * j - 1) / j), dtype.type((j - 1) / j)


def _legendre(stage, y, a, b, d, where, degree: int, dtype) -> tuple[Array, Array]:
    """(P_{degree−1} y, P_degree y), degree ≥ 1; P_0 y = y itself."""
    stage(y, y, a, d, *where, *_recurrence(1, dtype))
    if degree == 1:
        return y, a
    stage(a, y, b, d, *where, *_recurrence(2, dtype))
    for j in range(3, degree + 1):
        a, b = b, a
        stage(a, b, b, d, *where, *_recurrence(j, dtype))
    return a, b


def _scale_tangent(plan: Schedule, y, d, where, s: int, dtype, growth) -> Array:
    """[3, n]: the tangent along the time scale before the last diffusion, and its P_{s−1} and P_s."""
    out = np.zeros((3, d.size), dtype)
    # only the last step feels the time scale: first through the logistic flow that precedes it
    k = plan.steps - 1
    c = y[0]
    out[0] = dtype.type(plan.growth_scale[k]) * c * (1 - c)
    a, b = _legendre(kernels.stage, out[0], np.zeros_like(out[0]), np.zeros_like(out[0]), d, where, s, dtype)
    out[1], out[2] = a, b
    return out
