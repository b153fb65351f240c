"""The solver and the surrogate on a GPU: time, rate of simulated tumours, and agreement with the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cases import CASES, case
from peers import theta_of

from gliofit import Theta, Tissue, simulate

SHARDS, SURROGATE = 200, Path(__file__).parents[1] / "resources" / "weights" / "surrogate.safetensors"
PAPERS_SAMPLES = 28_000
"""Of Weidner 2026."""


def gpu(options) -> dict | None:
    """Time of many θ at once on a GPU, and how far its densities are from the CPU's; None without one."""
    import torch

    if not torch.cuda.is_available():
        return None
    names = list(CASES)
    return {
        "device": torch.cuda.get_device_name(),
        "batches": batches(names[0], "cuda", (1, 8, 64)),
        "shards": shards(names[1], "cuda", SHARDS, 4),
        "surrogate": surrogate(names[0], "cuda"),
    }


def seconds(run: Callable[[], Any], device: str, repeats: int = 6) -> float:
    """The shortest time of a run, the first left out."""
    import torch

    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)
    times = []
    for _ in range(repeats):
        wait()
        begun = time.perf_counter()
        run()
        wait()
        times.append(time.perf_counter() - begun)
    return min(times[1:])


def batches(name: str, device: str, sizes: tuple[int, ...]) -> list[dict]:
    """Milliseconds a θ, with and without Jacobian, and the largest difference from the CPU's kernel."""
    from gliofit.growth.gpu.batch import simulate_batch

    tissue, *rest = case(name)
    theta = theta_of(*rest)
    alone = simulate(tissue, theta)
    out = []
    for size in sizes:
        thetas = [Theta(theta.origin, theta.mu_D * (1 + 0.01 * i / size), theta.mu_rho) for i in range(size)]
        apart = simulate_batch(tissue, thetas, device=device)[0].cpu().numpy() - alone
        entry = {"size": size, "difference": float(np.abs(apart).max())}
        for jacobian, key in ((False, "forward_ms"), (True, "jacobian_ms")):
            run = lambda j=jacobian, t=thetas: simulate_batch(tissue, t, jacobian=j, device=device)  # noqa: E731
            entry[key] = 1e3 * seconds(run, device) / size
        out.append(entry)
    return out


def spread(tissue: Tissue, theta: Theta, number: int) -> list[Theta]:
    """θ as far apart as in training data: μ_D and μ_ρ of a third to all of a late tumour's."""
    rng = np.random.default_rng(0)
    shares = rng.uniform(1 / 3, 1, (number, 2))
    return [Theta(theta.origin, theta.mu_D * a, theta.mu_rho * b) for a, b in shares]


def shards(name: str, device: str, number: int, size: int) -> dict:
    """Tumours a second of a set of training data, the densities brought to the host; hours for the paper's."""
    from gliofit.growth.gpu.batch import simulate_batch

    tissue, *rest = case(name)
    thetas = sorted(spread(tissue, theta_of(*rest), number), key=lambda t: t.mu_D)  # alike in steps within a batch
    simulate_batch(tissue, thetas[:size], device=device)
    begun = time.perf_counter()
    for i in range(0, number, size):
        simulate_batch(tissue, thetas[i : i + size], device=device).cpu()
    each = (time.perf_counter() - begun) / number
    return {"case": name, "number": number, "seconds": each, "hours": each * PAPERS_SAMPLES / 3600}


def surrogate(name: str, device: str) -> dict:
    """A density with its gradient by the released surrogate beside one with its Jacobian by the solver."""
    import torch

    from gliofit.growth.gpu.batch import simulate_batch
    from gliofit.networks.weights import load_surrogate

    tissue, *rest = case(name)
    theta = theta_of(*rest)
    network = load_surrogate(SURROGATE, device)
    offset = tissue.crop_offset(theta.origin, network.shape)
    static = network.prepare(tissue.crop(offset, network.shape))
    values = torch.tensor([[0.0, 0, 0, theta.mu_D, theta.mu_rho]], device=device, requires_grad=True)
    return {
        "shape": list(network.shape),
        "surrogate_ms": 1e3 * seconds(lambda: network(static, values).sum().backward(), device),
        "solver_ms": 1e3 * seconds(lambda: simulate_batch(tissue, [theta], jacobian=True, device=device), device),
    }
