"""
The Fisher–Kolmogorov model: ∂c/∂t = ∇·(D∇c) + ρc(1 − c), no flux out of the tissue (Weidner 2026, Eq. 1).

Time is scaled so that growth runs from t = 0 to 1 with D = μ_D²·(p_WM + p_GM/R) and ρ = μ_ρ². `schedule` has the
scheme, the kernels its loops; this module is the way in.
"""

from __future__ import annotations

import numba
import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.cpu import sweep as kernels
from gliofit.growth.cpu.region import Region
from gliofit.growth.cpu.stepper import FLOOR, Stepper
from gliofit.growth.medium import medium
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.growth.schedule import SEED_VARIANCE, Schedule, schedule
from gliofit.growth.seed import given_density, initial_density
from gliofit.growth.theta import Theta

BY_MU_D, BY_SCALE = 4, 5
"""
Fields after the density (0) and its tangents by x, y and z: those by μ_D, and along (D, ρ) → λ(D, ρ) at λ = 1.

All steps but the last keep D·Δt and ρ·Δt along the latter, so that it is 0 before the last step, which becomes longer.
"""


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
    ratio: float = GREY_MATTER_RATIO,
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
    ratio : float
        R = D_w/D_g.

    Returns
    -------
    c : ndarray [x, y, z]
        Tumour-cell density in [0, 1] at t = 1; 0 outside tissue.
    J : ndarray [5, x, y, z], with `jacobian`
        ∂c/∂(x, y, z, μ_D, μ_ρ), per mm and per unit of μ_ρ; exact for the discrete scheme, its
        θ-dependent time steps included. On the CPU a view of the solver's own, padded arrays.

    Raises
    ------
    InputError
        If the origin is outside the grid, `device` or `seed` is unknown, `initial` is no density on this grid, or
        `ratio` is not positive.
    """
    if not 0 < ratio < np.inf:
        raise InputError(f"the ratio D_w/D_g = {ratio} must be positive")
    if device == "cuda":
        if initial is not None:
            raise InputError("an initial density is for device cpu alone")
        if np.dtype(dtype) != np.float32:
            raise InputError(f"device cuda computes in float32, not {np.dtype(dtype)}")
        from gliofit.growth.gpu.batch import simulate_batch

        result = simulate_batch(tissue, [theta], jacobian=jacobian, seed=seed, refine=refine, ratio=ratio)
        return tuple(r[0].cpu().numpy() for r in result) if jacobian else result[0].cpu().numpy()
    if device != "cpu":
        raise InputError(f"unknown device '{device}'; there are: cpu, cuda")
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS) if threads else before)
    try:
        return _run(tissue, theta, jacobian, seed, np.dtype(dtype), refine, initial=initial, ratio=ratio)
    finally:
        numba.set_num_threads(before)


def compile_kernels() -> None:
    """Compile all float32 CPU kernels, or load them from numba's cache, so that no run's time contains it."""
    tissue = Tissue(np.ones((8, 8, 8)), np.zeros((8, 8, 8)), np.zeros((8, 8, 8)), np.diag([4.0, 4.0, 4.0, 1.0]))
    for jacobian in (False, True):
        simulate(tissue, Theta((14.0, 14.0, 14.0), 3.0, 1.0), jacobian=jacobian, threads=1)


def _run(
    tissue: Tissue,
    theta: Theta,
    jacobian: bool,
    seed: str,
    dtype: np.dtype,
    refine: float,
    work: list[int] | None = None,
    initial: Array | None = None,
    ratio: float = GREY_MATTER_RATIO,
):
    """`simulate` on the CPU; `work` receives the voxels visited by the stages of each step, for benchmarks."""
    field = medium(tissue, dtype, ratio)
    plan = schedule(theta.mu_D, theta.mu_rho, tissue.spacing, field.radius, refine)
    begin = initial_density(tissue, theta.origin, seed) if initial is None else given_density(tissue, initial)
    padded = field.diffusivity.shape
    region = Region(padded, tissue.shape[2], begin[0], begin[1].shape)
    # ω/(2h²), ω = 2/λ_max
    stepper = Stepper(field.diffusivity, 1 / field.radius / tissue.spacing**2, plan, region, numba.get_num_threads())
    fields = 1 + BY_SCALE if jacobian else 1
    y, buffers = stepper.room(fields, _mean_chord(theta, dtype) / tissue.spacing[2])
    _begin(stepper.padded(y), *begin, plan)
    own = np.zeros((fields, 4))
    for k in range(plan.steps):
        stepper.grow(k)
        if work is not None:
            work.append(int(region.voxels.sum()) * int(plan.stages[k]))
        moving = min(fields, BY_SCALE)
        if jacobian:
            own[BY_MU_D] = *plan.weights_mu_D[k], plan.growth_mu_D[k + 1]
        if jacobian and k == plan.steps - 1:
            own[BY_SCALE] = *plan.weights_scale[k], plan.growth_scale[k + 1]
            kernels.lengthen(y[0], *region.extent[:3], dtype.type(plan.growth_scale[k]), y[BY_SCALE])
            moving = fields
        stepper.advance(k, y[:moving], buffers, own[:moving])

    c = np.zeros(tissue.shape, dtype)
    kernels.unpad(y[0], *region.extent, padded[1] * padded[2], c)
    if not jacobian:
        return c
    # c depends on D and ρ alone: μ_D·∂c/∂μ_D + μ_ρ·∂c/∂μ_ρ = 2·∂c/∂(time scale)
    factors = (2 / theta.mu_rho, -theta.mu_D / theta.mu_rho) if theta.mu_rho > 0 else (0, 0)
    kernels.combine(y[BY_SCALE], y[BY_MU_D], *(dtype.type(f) for f in factors), *region.extent[:3])
    inner = tuple(slice(1, n + 1) for n in tissue.shape)
    return c, stepper.padded(y)[(slice(1, None), *inner)]


def _mean_chord(theta: Theta, dtype: np.dtype) -> float:
    """Of a ball whose radius, mm, is about where free growth ends at the floor: how long rows become."""
    variance = SEED_VARIANCE + 2 * theta.mu_D**2
    decades = theta.mu_rho**2 - np.log(FLOOR[dtype]) - 1.5 * np.log(variance / SEED_VARIANCE)
    return 4 / 3 * np.sqrt(2 * variance * max(decades, 1))


def _begin(y: Array, corner: Array, start: Array, slope: Array, plan: Schedule) -> None:
    """Initial density, and its tangents if there are any, after the first logistic flow; y is padded."""
    inside = tuple(slice(c + 1, c + 1 + n) for c, n in zip(corner, start.shape, strict=True))
    gain = np.expm1(plan.growth[0])
    scale = 1 / (1 + start * gain)
    y[0][inside] = start * (1 + gain) * scale
    if len(y) > 1:
        flow = (1 + gain) * scale**2
        for i in range(3):
            y[1 + i][inside] = slope[i] * flow
        y[BY_MU_D][inside] = start * (1 - start) * flow * plan.growth_mu_D[0]
