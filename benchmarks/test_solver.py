"""
Time of one forward run and of one with its Jacobian, beside the peers, in one session (pytest-benchmark).

`make benchmark` runs this; peers that are not installed are skipped with a reason.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numba
import numpy as np
import pytest
from cases import CASES, case
from peers import jax_euler, theta_of, tumor_growth_toolkit

from gliofit import Theta, Tissue, simulate

CORES = numba.config.NUMBA_NUM_THREADS

BATCH_CASE = "64³, 2 mm, 150 d"

BATCHES = (1, 4, 16)
"""Numbers of θ that are simulated on one tissue."""


def fresh(tissue: Tissue) -> Tissue:
    """A tissue nothing is remembered of, as in a first call."""
    return Tissue(tissue.wm, tissue.gm, tissue.csf, tissue.affine)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("threads", sorted({1, CORES}))
def test_gliofit(benchmark, name, threads):
    tissue, *rest = case(name)
    benchmark.group, benchmark.extra_info["solver"] = name, f"gliofit, {threads} threads"
    theta = theta_of(*rest)
    simulate(fresh(tissue), theta, threads=threads)
    benchmark.pedantic(lambda: simulate(fresh(tissue), theta, threads=threads), rounds=9, warmup_rounds=1)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("threads", sorted({1, CORES}))
def test_gliofit_jacobian(benchmark, name, threads):
    tissue, *rest = case(name)
    benchmark.group, benchmark.extra_info["solver"] = name, f"gliofit with Jacobian, {threads} threads"
    theta = theta_of(*rest)
    benchmark.pedantic(lambda: simulate(tissue, theta, threads=threads, jacobian=True), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("name", CASES)
def test_jax_euler(benchmark, name):
    tissue, *rest = case(name)
    run = jax_euler(tissue, *rest)
    if run is None:
        pytest.skip("JAX is not installed (pip install .[benchmark])")
    benchmark.group, benchmark.extra_info["solver"] = name, "JAX Euler float32"
    assert np.isfinite(run()).all()
    benchmark.pedantic(run, rounds=1 if name.startswith("256") else 3, warmup_rounds=0)


@pytest.mark.parametrize("name", [n for n in CASES if not n.startswith("256")])
def test_tumor_growth_toolkit(benchmark, name):
    tissue, *rest = case(name)
    run = tumor_growth_toolkit(tissue, *rest)
    if run is None:
        pytest.skip("TumorGrowthToolkit is not on PYTHONPATH (see peers.py)")
    benchmark.group, benchmark.extra_info["solver"] = name, "TumorGrowthToolkit"
    benchmark.pedantic(run, rounds=3 if name.startswith("64") else 1, warmup_rounds=0)


def _one_of_a_batch(index: int) -> float:
    """A run of a θ of its own, on one thread; what a worker process does."""
    tissue, *rest = case(BATCH_CASE)
    theta = theta_of(*rest)
    grown = Theta(theta.origin, theta.mu_D * (1 + 0.01 * index), theta.mu_rho)
    return float(simulate(tissue, grown, threads=1).sum())


@pytest.mark.parametrize("size", BATCHES)
@pytest.mark.parametrize("workers", sorted({1, CORES}))
def test_batch(benchmark, size, workers):
    benchmark.group = "batch"
    benchmark.extra_info |= {"size": size, "workers": workers}
    if workers == 1:
        _one_of_a_batch(0)
        benchmark.pedantic(lambda: [_one_of_a_batch(k) for k in range(size)], rounds=5, warmup_rounds=1)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_one_of_a_batch, range(8 * workers)))  # every worker has loaded its kernels
        benchmark.pedantic(lambda: list(pool.map(_one_of_a_batch, range(size))), rounds=5, warmup_rounds=2)
