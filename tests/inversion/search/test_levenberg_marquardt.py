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
