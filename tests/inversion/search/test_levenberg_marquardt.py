"""Steps of Levenberg–Marquardt where a direction changes nothing, up to rounding."""

from types import SimpleNamespace

import numpy as np
import pytest

from gliofit.inversion.search.levenberg_marquardt import _step


@pytest.mark.parametrize("seed", range(20))
def test_a_matrix_of_less_than_full_rank_has_a_step(seed):
    """Its smallest eigenvalue may come out above 0 by rounding, and it has no Cholesky root all the same."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(3, 6)) * np.array([1e6, 1, 1, 1, 1, 1])
    matrix, gradient = rows.T @ rows, 1e6 * rng.normal(size=6)
    point = SimpleNamespace(matrix=matrix, gradient=gradient)
    step, promised = _step(point, matrix, np.zeros((6, 6)), np.diag(matrix))
    assert np.all(np.abs(step) <= 1.5 + 1e-9)
    assert promised > 0


def test_a_matrix_that_is_no_bowl_anywhere_has_a_step():
    """A tumour in the ventricle alone: growth changes nothing, and a threshold's curvature is negative."""
    matrix, gradient = np.diag([0, 0, 0, 0, 0, 0, -0.0117]), np.array([0, 0, 0, 0, 0, 1e-13, 1.7e-9])
    point = SimpleNamespace(matrix=matrix, gradient=gradient)
    diagonal = np.diag(matrix) + 1e-39
    step, _ = _step(point, matrix, 1e-3 * np.diag(diagonal), diagonal)
    assert np.isfinite(step).all()
    assert np.abs(step).max() <= 1.5 + 1e-9
