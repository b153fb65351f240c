"""Table II: what two posteriors of one case are off by, and their rows side by side."""

import numpy as np
import pandas as pd
import pytest

from gliofit.evaluation.bayesian_scores import mean_difference, side_by_side


def test_densities_are_compared_where_either_is_seen():
    one, two = np.zeros((4, 4, 4)), np.zeros((4, 4, 4))
    one[0, 0, 0], two[0, 0, 0], two[1, 0, 0], one[2, 2, 2] = 0.5, 0.3, 0.4, 0.005
    assert mean_difference(one, two) == pytest.approx(0.3)
    assert mean_difference(one * 0, two * 0) == 0


def test_a_line_for_each_parameter_of_each_case():
    rows = pd.DataFrame(
        [
            {
                "case": case,
                "forward": forward,
                "parameter": "mu_D",
                "truth": truth,
                "most_likely": 6,
                "mean": 7,
                "sd": 0.5,
            }
            for case, truth in (("simulated-0", 6.5), ("patient", np.nan))
            for forward in ("solver", "surrogate")
        ]
    )
    head, *lines = side_by_side(rows[:-1], ["solver", "surrogate"])
    assert head[2:5] == ["truth", "solver: MAP", "solver: mean ± sd"]
    assert lines == [
        ["simulated-0", "mu_D", "6.5", "6", "7 ± 0.5", "6", "7 ± 0.5"],
        ["patient", "mu_D", "–", "6", "7 ± 0.5", "–", "–"],
    ]
