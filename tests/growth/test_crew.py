"""Threads of a run: they wait without using a core, and runs do without them where there are none."""

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from gliofit import Theta, simulate
from gliofit.growth.cpu import crew

THETA = Theta((9.0, 21.0, -6.0), 9.0, 2.4)


@pytest.fixture
def two_cores(monkeypatch):
    """Two threads, whatever the machine has."""
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    crew._pool.cache_clear()
    yield
    crew._pool.cache_clear()


def test_who_waits_sleeps_and_is_woken():
    mine, used = crew._new(2, 9), []
    crew.wait(mine, crew.STEP, 0)  # compiled

    def waits():
        begun = time.thread_time()
        crew.wait(mine, crew.STEP, 5)
        used.append(time.thread_time() - begun)

    threads = [threading.Thread(target=waits) for _ in range(3)]
    for thread in threads:
        thread.start()
    for step in range(1, 5):
        time.sleep(0.1)
        crew.raise_mark(mine, crew.STEP, step)  # woken, but not yet what they wait for
        assert not used
    crew.raise_mark(mine, crew.STEP, 5)
    for thread in threads:
        thread.join(60)
    assert len(used) == 3
    assert max(used) < 0.05  # of 0.4 s
    assert mine.marks[crew.ASLEEP, 0] == 0


def test_helpers_take_part(small_tissue, all_helpers, monkeypatch):
    made, new = [], crew._new
    monkeypatch.setattr(crew, "_new", lambda *sizes: made.append(new(*sizes)) or made[-1])
    simulate(small_tissue, THETA, threads=2)
    simulate(small_tissue, THETA, threads=1)
    assert set(made[0].parts) == {2}
    assert set(made[1].parts) == {1}


def test_runs_at_once_from_several_threads(small_tissue, two_cores):
    expected = simulate(small_tissue, THETA, jacobian=True, threads=1)
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: simulate(small_tissue, THETA, jacobian=True, threads=2), range(12)))
    for run in runs:
        for ours, alone in zip(run, expected, strict=True):
            np.testing.assert_array_equal(ours, alone)


def test_a_helper_that_never_comes_is_not_missed(small_tissue, two_cores):
    expected, released = simulate(small_tissue, THETA, threads=1), threading.Event()
    busy = crew._ask(1, released.wait)
    try:
        np.testing.assert_array_equal(simulate(small_tissue, THETA, threads=2), expected)
    finally:
        released.set()
    assert busy[0].result(60)


def _sum(tissue) -> float:
    return float(simulate(tissue, THETA, threads=2).sum(dtype=float))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_has_helpers_of_its_own(small_tissue, two_cores):
    expected = _sum(small_tissue)  # the parent's helpers are threads that the child lacks
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(_sum, [small_tissue] * 4).get(120) == [expected] * 4
