"""
The Fisher–Kolmogorov model: ∂c/∂t = ∇·(D∇c) + ρc(1 − c), no flux out of the tissue (Weidner 2026, Eq. 1).

Time is scaled so that growth runs from t = 0 to 1 with D = μ_D²·(p_WM + p_GM/R) and ρ = μ_ρ². `schedule` has the
scheme, the kernels its loops; this module is the way in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth.cpu.crew import share, threads_of
from gliofit.growth.cpu.gather import gathered
from gliofit.growth.cpu.padded import combine, unpad
from gliofit.growth.cpu.region import region_of
from gliofit.growth.cpu.stepper import FLOOR, Stepper
from gliofit.growth.medium import medium
from gliofit.growth.ranges import GREY_MATTER_RATIO
from gliofit.growth.schedule import SEED_VARIANCE, Schedule, schedule
from gliofit.growth.seed import Seed, given_density, initial_density, joined
from gliofit.growth.theta import Theta


def simulate(
    tissue: Tissue,
    theta: Theta,
    *,
    jacobian: bool = False,
    device: str = "cpu",
    seed: str = "smooth",
    threads: int | None = None,
    dtype: DTypeLike = np.float32,
    refine: float = 1.0,
    initial: Array | None = None,
    ratio: float = GREY_MATTER_RATIO,
    further: Sequence[Sequence[float]] = (),
) -> Any:
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
        CPU threads, at most as many as there are; otherwise all cores that the process may use, or
        NUMBA_NUM_THREADS. The result is the same to the last bit.
    dtype : float32 or float64
        float64 is for checking derivatives; CPU only.
    refine : float
        Divides every time step; docs/benchmarks.md has the errors at 1.
    initial : ndarray [x, y, z], optional
        Density at t = 0, in place of the seed at the origin (which then changes nothing); CPU only.
    ratio : float
        R = D_w/D_g.
    further : sequence of (x, y, z)
        Origins in mm of further foci, which begin with θ's and grow with it; CPU only. Where seeds sᵢ overlap, the
        density begins as 1 − ∏(1 − sᵢ).

    Returns
    -------
    c : ndarray [x, y, z]
        Tumour-cell density in [0, 1] at t = 1; 0 outside tissue.
    J : ndarray [5 + 3·further, x, y, z], with `jacobian`
        ∂c/∂(x, y, z, further origins, μ_D, μ_ρ), per mm and per unit of μ_ρ; exact for the discrete scheme, its
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
        if initial is not None or len(further):
            raise InputError("an initial density and further foci are for device cpu alone")
        if np.dtype(dtype) != np.float32:
            raise InputError(f"device cuda computes in float32, not {np.dtype(dtype)}")
        from gliofit.growth.gpu.batch import simulate_batch

        result = simulate_batch(tissue, [theta], jacobian=jacobian, seed=seed, refine=refine, ratio=ratio)
        return tuple(r[0].cpu().numpy() for r in result) if jacobian else result[0].cpu().numpy()
    if device != "cpu":
        raise InputError(f"unknown device '{device}'; there are: cpu, cuda")
    threads = threads_of(threads)
    if initial is None:
        seeds = [initial_density(tissue, origin, seed) for origin in (theta.origin, *further)]
        begin = joined(seeds)
    else:
        begin = given_density(tissue, initial)
    return _run(tissue, theta, jacobian, begin, np.dtype(dtype), refine, threads, ratio=ratio)


def compile_kernels() -> None:
    """Compile the float32 CPU kernels of one focus, or load them from numba's cache: no run's time contains it then."""
    tissue = Tissue(np.ones((8, 8, 8)), np.zeros((8, 8, 8)), np.zeros((8, 8, 8)), np.diag([4.0, 4.0, 4.0, 1.0]))
    for jacobian in (False, True):
        found = simulate(tissue, Theta((14.0, 14.0, 14.0), 3.0, 1.0), jacobian=jacobian, threads=1)
    gathered(found[1], np.zeros(1, int))


def _run(
    tissue: Tissue,
    theta: Theta,
    jacobian: bool,
    begin: Seed,
    dtype: np.dtype,
    refine: float,
    threads: int,
    work: list[int] | None = None,
    ratio: float = GREY_MATTER_RATIO,
):
    """
    `simulate` on the CPU, from a density at t = 0; `work` receives the voxels visited by the stages of each step.

    Fields are the density (0), its tangents by the coordinates of origins, by μ_D, and along (D, ρ) → λ(D, ρ) at λ = 1.
    All steps but the last keep D·Δt and ρ·Δt along the latter, so that it is 0 before the last step, which becomes
    longer.
    """
    field = medium(tissue, dtype, ratio, threads)
    plan = schedule(theta.mu_D, theta.mu_rho, tissue.spacing, field.radius, refine)
    padded = field.diffusivity.shape
    region = region_of(padded, tissue.shape[2], begin.corner, begin.value.shape, threads)
    # ω/(2h²), ω = 2/λ_max
    stepper = Stepper(field.diffusivity, 1 / field.radius / tissue.spacing**2, plan, threads)
    by_mu_D, by_scale = 1 + len(begin.slope), 2 + len(begin.slope)
    fields = 1 + by_scale if jacobian else 1
    y, buffers = stepper.room(fields, _mean_chord(theta, dtype) / tissue.spacing[2])
    _begin(stepper.padded(y), begin, plan)
    own = np.zeros((plan.steps, fields, 4))
    if jacobian:
        own[:, by_mu_D] = np.column_stack([plan.weights_mu_D, plan.growth_mu_D[1:]])
        own[-1, by_scale] = *plan.weights_scale[-1], plan.growth_scale[-1]
    visited = stepper.run(y, min(fields, by_scale), buffers, region, stepper.steps(own))
    if work is not None:
        work.extend(visited.tolist())

    c = np.zeros(tissue.shape, dtype)
    base, low, high, row_y = region.rows()
    share(threads, unpad, y[0], base, low, high, row_y, padded[1] * padded[2], c)
    if not jacobian:
        return c
    # c depends on D and ρ alone: μ_D·∂c/∂μ_D + μ_ρ·∂c/∂μ_ρ = 2·∂c/∂(time scale)
    factors = (2 / theta.mu_rho, -theta.mu_D / theta.mu_rho) if theta.mu_rho > 0 else (0, 0)
    share(threads, combine, y[by_scale], y[by_mu_D], *(dtype.type(f) for f in factors), base, low, high)
    inner = tuple(slice(1, n + 1) for n in tissue.shape)
    return c, stepper.padded(y)[(slice(1, None), *inner)]


def _mean_chord(theta: Theta, dtype: np.dtype) -> float:
    """Of a ball whose radius, mm, is about where free growth ends at the floor: how long rows become."""
    variance = SEED_VARIANCE + 2 * theta.mu_D**2
    decades = theta.mu_rho**2 - np.log(FLOOR[dtype]) - 1.5 * np.log(variance / SEED_VARIANCE)
    return 4 / 3 * np.sqrt(2 * variance * max(decades, 1))


def _begin(y: Array, seed: Seed, plan: Schedule) -> None:
    """Initial density, and its tangents if there are any, after the first logistic flow; y is padded."""
    inside = tuple(slice(c + 1, c + 1 + n) for c, n in zip(seed.corner, seed.value.shape, strict=True))
    gain = np.expm1(plan.growth[0])
    scale = 1 / (1 + seed.value * gain)
    y[0][inside] = seed.value * (1 + gain) * scale
    if len(y) > 1:
        flow = (1 + gain) * scale**2
        for i, slope in enumerate(seed.slope):
            y[1 + i][inside] = slope * flow
        y[1 + len(seed.slope)][inside] = seed.value * (1 - seed.value) * flow * plan.growth_mu_D[0]
