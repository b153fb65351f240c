"""A fit that does not explain the outlines, or ended at a bound, says so."""

from __future__ import annotations

import numpy as np
import pytest

from gliofit import Fit, Problem, SegmentationTarget, Theta, invert, simulate

THETA = Theta((-4.0, 6.0, 2.0), 6.0, 3.0)
END = {"history": [], "evaluations": 1, "converged": True, "reason": "no slope"}


@pytest.fixture(scope="module")
def problem(small_tissue):
    density = simulate(small_tissue, THETA)
    return Problem(small_tissue, SegmentationTarget(*((density > t).astype(np.float32) for t in (0.7, 0.2))))


def test_a_fit_that_explains_has_no_doubts(problem):
    fit = Fit.of(problem, np.array([*THETA.to_array(), 0.7, 0.2]), 0.0, **END)
    assert fit.converged
    assert fit.reason == "no slope"
    assert fit.warnings == []


def test_a_fit_that_misses_the_core_has_not_converged(problem):
    """A front too low for the core's threshold: the loss has no slope there, and a search ends."""
    low = np.array([-4.0, 6.0, 2.0, 9.0, 2.0, 0.84, 0.1])
    fit = Fit.of(problem, low, 0.0, **END)
    assert not fit.converged
    assert "explains the core to Dice 0.00" in fit.warnings
    assert fit.reason.startswith("explains the core to Dice 0.00")
    assert "no slope" in fit.reason


@pytest.mark.parametrize(("place", "end"), [(3, "lower"), (6, "upper")])
def test_a_value_at_the_end_of_its_range_is_told(problem, place, end):
    parameters = np.array([*THETA.to_array(), 0.7, 0.2])
    parameters[place] = getattr(problem.box, end)[place]
    name = [*problem.model.names, *problem.target.extra_names][place]
    found = [w for w in Fit.of(problem, parameters, 0.0, **END).warnings if w.startswith(name)]
    assert len(found) == 1
    assert f"at the {end} end of its range" in found[0]


def test_a_tumour_without_a_core_is_fitted_to_its_whole_outline(problem):
    target = SegmentationTarget(np.zeros_like(problem.target.core), problem.target.whole)
    fit = invert(target, problem.tissue)
    assert list(fit.extras) == ["threshold_whole"]
    assert fit.loss < 0.2
    assert not [w for w in fit.warnings if "explains" in w]


def test_an_outline_that_the_grid_loses_is_told(problem):
    """A voxel of the scan in a coarser one of the grid: neither it nor the density is seen there."""
    speck = np.zeros_like(problem.target.core)
    speck[tuple(np.argwhere(problem.tissue.mask)[0])] = 0.2
    lost = Problem(problem.tissue, SegmentationTarget(speck, speck))
    low = [*problem.tissue.to_world(np.argwhere(speck)[0]), 1.0, 1.0]
    fit = Fit.of(lost, np.array([*low, *np.full(len(lost.target.extra_start), 0.85)]), 0.0, **END)
    assert not fit.converged
    assert "fills no voxel of the working grid to a half" in fit.warnings[0]
    assert "nan" not in fit.reason
