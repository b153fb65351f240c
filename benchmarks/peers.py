"""Other people's way of solving the same problem, for comparison on the same machine."""

from __future__ import annotations

import numpy as np

from gliofit import Theta, Tissue
from gliofit.growth.ranges import relative_diffusivity
from gliofit.growth.seed import initial_density


def euler_steps(tissue: Tissue, diffusivity: float, growth: float, days: float) -> int:
    """TumorGrowthToolkit's number of explicit steps."""
    return int(np.ceil(max(8 * days * diffusivity / tissue.spacing.min() ** 2 + 100, 1.1 * growth * days)))


def jax_euler(tissue: Tissue, origin, diffusivity: float, growth: float, days: float):
    """
    A jitted JAX float32 explicit Euler on the whole box, as in the strongest public CPU peer (fisher_kpp_jax).

    Returns a function without arguments that runs it to the end; None where JAX is not installed.
    """
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    n = euler_steps(tissue, diffusivity, growth, days)
    dt = days / n
    d, inside = jnp.asarray(relative_diffusivity(tissue)), jnp.asarray(tissue.mask)
    faces = []
    for axis, h in enumerate(tissue.spacing):
        low = jax.lax.slice_in_dim(d, 0, d.shape[axis] - 1, axis=axis)
        high = jax.lax.slice_in_dim(d, 1, d.shape[axis], axis=axis)
        both = jax.lax.slice_in_dim(inside, 0, d.shape[axis] - 1, axis=axis) & jax.lax.slice_in_dim(
            inside, 1, d.shape[axis], axis=axis
        )
        pad = [(0, 0)] * 3
        pad[axis] = (1, 1)
        faces.append(jnp.pad(jnp.where(both, (low + high) / 2, 0) * (dt * diffusivity / h**2), pad).astype(jnp.float32))
    corner, value, _ = initial_density(tissue, origin, "tgk")
    start = np.zeros(tissue.shape, np.float32)
    start[tuple(slice(c, c + k) for c, k in zip(corner, value.shape, strict=True))] = value

    @jax.jit
    def run(c):
        def step(_, c):
            change = growth * dt * c * (1 - c)
            for axis, face in enumerate(faces):
                flux = jax.lax.slice_in_dim(face, 1, face.shape[axis] - 1, axis=axis) * jnp.diff(c, axis=axis)
                pad = [(0, 0)] * 3
                pad[axis] = (1, 1)
                change = change + jnp.diff(jnp.pad(flux, pad), axis=axis)
            return c + change

        return jax.lax.fori_loop(0, n, step, c)

    start = jnp.asarray(start)
    return lambda: np.asarray(run(start))


def tumor_growth_toolkit(tissue: Tissue, origin, diffusivity: float, growth: float, days: float):
    """
    TumorGrowthToolkit's Fisher–Kolmogorov solver; None where it cannot be imported.

    It is not on PyPI: clone its public repository (m1balcerak/TumorGrowthToolkit) and put the folder on PYTHONPATH.
    """
    try:
        from TumorGrowthToolkit.FK import Solver
    except ImportError:
        return None
    voxel = np.round(tissue.to_voxel(origin)).astype(int)
    parameters = {
        "Dw": diffusivity,
        "rho": growth,
        "stopping_time": days,
        "RatioDw_Dg": 10.0,
        "th_matter": 0.1,
        "init_scale": 1.0,
        "resolution_factor": 1.0,
        "gm": tissue.gm.astype(float),
        "wm": tissue.wm.astype(float),
        "verbose": False,
        **{f"d{a}_mm": float(h) for a, h in zip("xyz", tissue.spacing, strict=True)},
        **{f"N{a}T1_pct": (v + 0.5) / n for a, v, n in zip("xyz", voxel, tissue.shape, strict=True)},
    }

    def run():
        result = Solver(parameters).solve()
        if not result.get("success", True):
            raise RuntimeError(f"TumorGrowthToolkit failed: {result.get('error')}")
        return np.asarray(result["final_state"])

    return run


def theta_of(origin, diffusivity: float, growth: float, days: float) -> Theta:
    return Theta.from_physical(origin, diffusivity, growth, days)
