"""One tumour in the small head, seen by the solver and by the analytic surrogate."""

from __future__ import annotations

import pytest
from networks_for_tests import wave_density

from gliofit import Problem, Theta, simulate
from gliofit.base.vector_math import prepare_vector_math
from gliofit.observation.density import DensityTarget
from gliofit.observation.segmentation import SegmentationTarget

prepare_vector_math()  # the stand-ins call torch's functions with all threads, like a network


@pytest.fixture(scope="session")
def truth() -> Theta:
    return Theta((11.0, -7.0, 16.0), 6.0, 3.0)


@pytest.fixture(scope="session")
def solved(small_tissue, truth):
    """The numerical solver's density of `truth`."""
    return simulate(small_tissue, truth)


@pytest.fixture(scope="session")
def waved(small_tissue, truth):
    """The analytic surrogate's density of `truth`."""
    return wave_density(small_tissue, truth)


@pytest.fixture
def solved_problem(small_tissue, solved) -> Problem:
    return Problem(small_tissue, DensityTarget(solved))


@pytest.fixture
def segmented(solved) -> SegmentationTarget:
    """`solved`, thresholded at 0.6 and 0.2."""
    return SegmentationTarget((solved > 0.6).astype("float32"), (solved > 0.2).astype("float32"))
