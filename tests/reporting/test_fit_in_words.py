"""How many foci, in words."""

import numpy as np
import pytest

from gliofit import Theta, growth_model
from gliofit.inversion.fit import Fit
from gliofit.reporting.fit_in_words import foci_in_words

DICE = [{"core": 0.61, "whole tumour": 0.74}, {"core": 0.83, "whole tumour": 0.79}, {"core": 0.84, "whole tumour": 0.8}]


def fit(method, foci, dice):
    model = growth_model("fisher_kolmogorov", foci=foci)
    values = model.begin(np.zeros(3)).tolist()
    parameters = dict(zip(model.names, values, strict=True))
    sought = None if dice is None else {"loss": [0.3] * len(dice), "dice": dice}
    known = {"method": method, "model": model.to_dict(), "parameters": parameters, "foci": sought}
    return Fit(Theta((0.0, 0.0, 0.0), 5.0, 3.0), None, 0.2, [], 1, 1.0, True, "", **known)


@pytest.mark.parametrize(
    ("foci", "dice", "words"),
    [
        (2, DICE, "explained by two foci (Dice: 0.83 of the core, 0.79 of the whole tumour); "
                  "one explains 0.61 of the core, 0.74 of the whole tumour. "
                  "A third one would explain 0.84 of the core, 0.80 of the whole tumour, "
                  "which is not worth its coordinates."),
        (1, DICE[:2], "explained by one focus (Dice: 0.61 of the core, 0.74 of the whole tumour). "
                      "A second one would explain 0.83 of the core, 0.79 of the whole tumour, "
                      "which is not worth its coordinates."),
    ],
)  # fmt: skip
def test_every_fit_that_sought_foci_says_what_they_explain(foci, dice, words):
    fits = [fit("gauss_newton", foci, dice), fit("direct", 1, None), fit("hybrid", foci, dice)]
    titles = {"gauss_newton": "Gauss–Newton", "hybrid": "Hybrid"}
    assert foci_in_words(fits, titles) == [f"Gauss–Newton: {words}", f"Hybrid: {words}"]
