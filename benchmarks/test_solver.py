"""
Time of one forward run and of one with its Jacobian, beside the peers, in one session (pytest-benchmark).

`make benchmark` runs this; peers that are not installed are skipped with a reason.
"""

import numba
import numpy as np
import pytest
from cases import CASES, case
from peers import jax_euler, theta_of, tumor_growth_toolkit

from gliofit import Tissue, simulate

CORES = numba.config.NUMBA_NUM_THREADS


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
    benchmark.pedantic(run, rounds=3, warmup_rounds=0)


@pytest.mark.parametrize("name", [n for n in CASES if not n.startswith("256")])
def test_tumor_growth_toolkit(benchmark, name):
    tissue, *rest = case(name)
    run = tumor_growth_toolkit(tissue, *rest)
    if run is None:
        pytest.skip("TumorGrowthToolkit is not on PYTHONPATH (see peers.py)")
    benchmark.group, benchmark.extra_info["solver"] = name, "TumorGrowthToolkit"
    benchmark.pedantic(run, rounds=3 if name.startswith("64") else 1, warmup_rounds=0)
