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
from gliofit.growth import tangents_cpu as tangents
from gliofit.growth.schedule import Schedule, schedule
from gliofit.growth.seed import given_density, initial_density
from gliofit.theta import Theta
from gliofit.tissue import GREY_MATTER_RATIO, TISSUE_THRESHOLD, Tissue

Array = np.ndarray

CACHE_BYTES = 2_500_000
"""What a sweep plans to keep in a core's caches."""

CACHE_LINE, PAGE = 64, 4096
"""Bytes."""

STAGGER = 3
"""Cache lines by which fields are shifted against each other."""

FLOOR = {np.dtype(np.float32): 1e-8, np.dtype(np.float64): 1e-17}
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
        nx, ny, nz = tissue.shape
        padded = nx + 2, ny + 2, -(-(nz + 2) // kernels.LANES) * kernels.LANES
        field = _zeros(1, int(np.prod(padded)), dtype)[0].reshape(padded)
        limits = np.float32(GREY_MATTER_RATIO), np.float32(TISSUE_THRESHOLD)
        largest = kernels.diffusivity_field(tissue.wm, tissue.gm, *limits, field).max()
        radius = 4 * float((1 / tissue.spacing**2).sum()) * max(float(largest), 1e-6)
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
    initial: Array | None = None,
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
        float64 is for checking derivatives; CPU only.
    refine : float
        Divides every time step; docs/benchmarks.md has the errors at 1.
    initial : ndarray [x, y, z], optional
        Density at t = 0, in place of the seed at the origin (which then changes nothing); CPU only.

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
        If the origin is outside the grid, `device` or `seed` is unknown, or `initial` is no density on this grid.
    """
    if device == "cuda":
        if initial is not None:
            raise InputError("an initial density is for device cpu alone")
        if np.dtype(dtype) != np.float32:
            raise InputError(f"device cuda computes in float32, not {np.dtype(dtype)}")
        from gliofit.growth.kernels_gpu import simulate_batch

        result = simulate_batch(tissue, [theta], jacobian=jacobian, seed=seed, refine=refine)
        return tuple(r[0].cpu().numpy() for r in result) if jacobian else result[0].cpu().numpy()
    if device != "cpu":
        raise InputError(f"unknown device '{device}'; there are: cpu, cuda")
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS) if threads else before)
    try:
        return _run(tissue, theta, jacobian, seed, np.dtype(dtype), refine, initial=initial)
    finally:
        numba.set_num_threads(before)


def compile_kernels() -> None:
    """Compile all float32 CPU kernels, or load them from numba's cache, so that no run's time contains it."""
    tissue = Tissue(np.ones((8, 8, 8)), np.zeros((8, 8, 8)), np.zeros((8, 8, 8)), np.diag([4.0, 4.0, 4.0, 1.0]))
    for jacobian in (False, True):
        simulate(tissue, Theta((14.0, 14.0, 14.0), 3.0, 1.0), jacobian=jacobian, threads=1)


class _Region:
    """The rows in which there is tumour, growing with it."""

    def __init__(self, padded: tuple, nz: int, corner: Array, window: tuple):
        nx, ny, self.row_length = padded
        self.nz = nz
        self.low = np.full((nx, ny), kernels.EMPTY, np.int32)
        self.high = np.full((nx, ny), -1, np.int32)
        here = tuple(slice(c + 1, c + 1 + n) for c, n in zip(corner[:2], window[:2], strict=True))
        if np.prod(window):
            self.low[here], self.high[here] = corner[2] + 1, corner[2] + 1 + window[2]
        self.base, self.begin, self.end, self.row_y = (np.empty(nx * ny, np.int64) for _ in range(4))
        self.plane = np.zeros(nx + 1, np.int64)
        self.rows = 0

    def grow(self, width: int) -> None:
        """Choose the rows to visit: the support and `width` voxels around it."""
        self.voxels = kernels.active_rows(
            self.low,
            self.high,
            width,
            self.base,
            self.begin,
            self.end,
            self.plane,
            self.row_y,
            self.row_length,
            self.nz,
        )
        self.rows = int(self.plane[-1])

    @property
    def extent(self) -> tuple:
        return self.base[: self.rows], self.begin[: self.rows], self.end[: self.rows], self.plane

    def work(self, fields: int, itemsize: int, stages: int, threads: int) -> tuple:
        """Rows to visit and how the work on them is cut up, as a sweep takes it."""
        y = self.row_y[: self.rows]
        if self.rows == 0:
            return (*self.extent, y, self.slabs(threads, stages), 0, 0, 1)
        length = int((self.end[: self.rows] - self.begin[: self.rows]).max())
        # planes in flight × arrays: two buffers and the density of each field, and the diffusivity
        row = (stages + 2) * (3 * fields + 1) * length * itemsize
        tile = max(int(CACHE_BYTES / row), 4)
        return (*self.extent, y, self.slabs(threads, stages), int(y.min()), int(y.max()) + 1, tile)

    def slabs(self, parts: int, depth: int) -> Array:
        """Planes that split the voxels evenly; a slab between two others must outlast both its wedges."""
        used = np.flatnonzero(self.voxels)
        if used.size == 0:
            return np.array([0, 0])
        first, stop = int(used[0]), int(used[-1]) + 1
        if parts > 2:
            parts = max(min(parts, (stop - first) // max(2 * depth, 1)), min(2, parts))
        share = np.cumsum(self.voxels) / self.voxels.sum()
        inner = [int(np.searchsorted(share, k / parts)) + 1 for k in range(1, parts)]
        slab = np.array([first, *inner, stop])
        if parts > 2 and np.diff(slab)[1:-1].min() < 2 * depth:
            slab = np.linspace(first, stop, parts + 1).astype(np.int64)
        return slab

    def box(self, shape: tuple) -> tuple:
        """Slices of the unpadded grid that hold all rows visited last."""
        if self.rows == 0:
            return (slice(0, 0),) * 3
        row = self.base[: self.rows] // self.row_length
        x, y = np.divmod(row, self.low.shape[1])
        low = x.min() - 1, y.min() - 1, max(self.begin[: self.rows].min() - 1, 0)
        high = x.max(), y.max(), min(self.end[: self.rows].max() - 1, shape[2])
        return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))

    def settle(self, low: Array, high: Array) -> None:
        """Take over the stretches above the floor, as the last sweep found them."""
        row = self.base[: self.rows] // self.row_length
        self.low.ravel()[row], self.high.ravel()[row] = low, high


def _run(
    tissue: Tissue,
    theta: Theta,
    jacobian: bool,
    seed: str,
    dtype: np.dtype,
    refine: float,
    work: list[int] | None = None,
    initial: Array | None = None,
):
    """`simulate` on the CPU; `work` receives the voxels visited by the stages of each step, for benchmarks."""
    field = medium(tissue, dtype)
    plan = schedule(theta.mu_D, theta.mu_rho, tissue.spacing, field.radius, refine)
    begin = initial_density(tissue, theta.origin, seed) if initial is None else given_density(tissue, initial)
    corner, start, slope = begin
    padded = field.diffusivity.shape
    d = field.diffusivity.reshape(-1)
    fields = kernels.FIELDS if jacobian else 1
    arrays = _zeros(3 * fields, d.size, dtype)
    y, a, b = (arrays[k * fields : (k + 1) * fields] for k in range(3))
    _begin(y, padded, corner, start, slope, plan)

    sx, sy = np.uintp(padded[1] * padded[2]), np.uintp(padded[2])
    w = tuple(dtype.type(v) for v in 1 / field.radius / tissue.spacing**2)  # ω/(2h²), ω = 2/λ_max
    degree = np.arange(1, plan.stages.max() + 1)
    c1, c2 = (np.concatenate([[0], v]).astype(dtype) for v in ((2 * degree - 1) / degree, (degree - 1) / degree))
    gain = np.expm1(plan.growth)
    to_come = plan.growth.sum() - np.cumsum(plan.growth)
    region = _Region(padded, tissue.shape[2], corner, start.shape)
    threads = numba.get_num_threads()
    scale = None
    for k in range(plan.steps):
        s = int(plan.stages[k])
        region.grow(_reach(s, k, dtype))
        if work is not None:
            work.append(int(region.voxels.sum()) * s)
        if jacobian and k == plan.steps - 1:
            scale = _scale_tangent(y[0], padded, d, plan, region, threads, (sx, sy, w, c1, c2), (a[:2], b[:2]))
        floor = dtype.type(max(FLOOR[dtype] * np.exp(-to_come[k + 1]), 1e-25))
        low, high = np.empty(region.rows, np.int32), np.empty(region.rows, np.int32)
        mix = tuple(dtype.type(v) for v in plan.weights[k])
        where = (*region.work(fields, dtype.itemsize, s, threads), s, s, sx, sy, w, c1, c2, mix)
        if not jacobian:
            kernels.sweep(y[0], a[0], b[0], d, *where, dtype.type(gain[k + 1]), floor, low, high)
        else:
            dmix = tuple(dtype.type(v) for v in plan.weights_mu_D[k])
            flow = dtype.type(gain[k + 1]), dtype.type(plan.growth_mu_D[k + 1])
            tangents.sweep_tangent(*y, *a, *b, d, *where, dmix, *flow, floor, low, high)
        region.settle(low, high)

    c = _unpadded(y[:1], padded, tissue.shape, region)[0]
    if not jacobian:
        return c
    J = _unpadded([*y[1:], scale], padded, tissue.shape, region)
    # c depends on D and ρ alone: μ_D·∂c/∂μ_D + μ_ρ·∂c/∂μ_ρ = 2·∂c/∂(time scale)
    here = (slice(None), *region.box(tissue.shape))
    along, by_mu_D = J[here][4], J[here][3]
    if theta.mu_rho > 0:
        along *= 2 / theta.mu_rho
        along -= by_mu_D * dtype.type(theta.mu_D / theta.mu_rho)
    else:
        along[:] = 0
    return c, J


def _zeros(count: int, n: int, dtype: np.dtype) -> list[Array]:
    """
    Arrays of n zeros that begin at a cache line, each at another place of a memory page.

    A vector then never straddles two lines, and the same voxel of all fields does not compete for the same few places
    of the first-level cache, which cost a quarter of the tangents' time.
    """
    arrays = []
    for k in range(count):  # one by one: an allocator keeps and reuses what is not too large
        room = np.zeros(n + 2 * PAGE // np.dtype(dtype).itemsize, dtype)
        first = -room.ctypes.data % PAGE + k * STAGGER * CACHE_LINE % PAGE
        arrays.append(room[first // room.itemsize :][:n])
    return arrays


def _unpadded(fields: list[Array], padded: tuple, shape: tuple, region: _Region) -> Array:
    """Fields without their margin, [field, x, y, z]; only where the tumour is, so that the rest costs no memory."""
    out = np.zeros((len(fields), *shape), fields[0].dtype)
    box = region.box(shape)
    inner = tuple(slice(s.start + 1, s.stop + 1) for s in box)
    for i, field in enumerate(fields):
        out[i][box] = field.reshape(padded)[inner]
    return out


def _reach(stages: int, step: int, dtype: np.dtype) -> int:
    """
    Voxels around the support that a step is computed on; a step of s stages reaches s voxels.

    Past the first steps, whose seed is sharp, what goes further than half of that is below 1e-5; for checks
    in float64 nothing is cut.
    """
    return stages if dtype == np.float64 or step < 3 else min(stages, stages // 2 + 2)


def _begin(y: list[Array], padded: tuple, corner: Array, start: Array, slope: Array, plan: Schedule) -> None:
    """Initial density, and its tangents if there are any, after the first logistic flow."""
    inside = tuple(slice(c + 1, c + 1 + n) for c, n in zip(corner, start.shape, strict=True))
    gain = np.expm1(plan.growth[0])
    scale = 1 / (1 + start * gain)
    y[0].reshape(padded)[inside] = start * (1 + gain) * scale
    if len(y) > 1:
        flow = (1 + gain) * scale**2
        for i in range(3):
            y[1 + i].reshape(padded)[inside] = slope[i] * flow
        y[4].reshape(padded)[inside] = start * (1 - start) * flow * plan.growth_mu_D[0]


def _scale_tangent(
    y: Array, padded: tuple, d: Array, plan: Schedule, region: _Region, threads: int, how: tuple, scratch: tuple
) -> Array:
    """
    Derivative of the final density along (D, ρ) → λ(D, ρ) at λ = 1, flat and padded.

    All earlier steps keep D·Δt and ρ·Δt, so only the last one, which becomes longer, and the logistic flow before it
    count. `scratch`: two pairs of fields that are 0 where the region is not.
    """
    s, dtype = int(plan.stages[-1]), y.dtype
    (e,) = _zeros(1, y.size, dtype)
    here = tuple(slice(b.start + 1, b.stop + 1) for b in region.box(tuple(n - 2 for n in padded)))
    before = y.reshape(padded)[here]
    e.reshape(padded)[here] = dtype.type(plan.growth_scale[-2]) * before * (1 - before)
    none = dtype.type(0)
    unused = np.empty(region.rows, np.int32)

    def legendre(f, a, b):
        where = region.work(1, dtype.itemsize, s, threads)
        # told of one stage more than it is given, the sweep leaves the step unfinished
        kernels.sweep(f, a, b, d, *where, s, s + 1, *how, (none,) * 3, none, none, unused, unused)
        return (b, a) if s % 2 else (a, b)

    mix, dmix = (tuple(dtype.type(v) for v in weights[-1]) for weights in (plan.weights, plan.weights_scale))
    flow = dtype.type(np.expm1(plan.growth[-1])), dtype.type(plan.growth_scale[-1])
    first, second = zip(*scratch, strict=True)
    tangents.finish_scale(e, *legendre(e, *first), y, *legendre(y, *second), *region.extent, mix, dmix, *flow)
    return e
