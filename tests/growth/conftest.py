"""Threads that are there, on any machine."""

import time

import numba
import pytest

from gliofit.growth.cpu import crew


@pytest.fixture
def all_helpers(monkeypatch):
    """Six threads whatever the machine has, and runs that begin when all their helpers have come."""
    ask = crew._ask

    def ask_and_wait(helpers, function, *arguments):
        asked = ask(helpers, function, *arguments)
        if arguments and isinstance(arguments[0], crew.Crew):
            while arguments[0].marks[crew.ENLISTED, 0] < helpers:
                for future in asked:
                    if future.done():
                        future.result()
                time.sleep(1e-4)
        return asked

    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 6)
    monkeypatch.setattr(crew, "_ask", ask_and_wait)
    crew._pool.cache_clear()
    yield
    crew._pool.cache_clear()
