"""docs/adding_a_growth_model.md: its examples work."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from gliofit import growth_model, invert
from gliofit.growth.model import MODELS

PAGE = (Path(__file__).parents[2] / "docs" / "adding_a_growth_model.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_names_every_model():
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(MODELS)


def test_the_example_of_use_works(small_tissue):
    names = {"tissue": small_tissue, "origin": (-4.0, 6.0, 2.0)}
    exec(compile(EXAMPLES[0], "docs/adding_a_growth_model.md", "exec"), names)
    assert names["jacobian"].shape == (6, *small_tissue.shape)
    assert "ratio" in names["fit"].parameters


def test_the_example_of_a_new_model_works(small_tissue, monkeypatch):
    monkeypatch.setattr("gliofit.growth.model.MODELS", dict(MODELS))
    exec(compile(EXAMPLES[1], "docs/adding_a_growth_model.md", "exec"), {})
    truth = np.array([-4.0, 6.0, 2.0, 5.0, 3.0, 0.4])
    model = growth_model("partly_in_grey")
    fit = invert(model.simulate(small_tissue, truth), small_tissue, model="partly_in_grey")
    np.testing.assert_allclose(list(fit.parameters.values()), truth, rtol=0.02, atol=0.1)
