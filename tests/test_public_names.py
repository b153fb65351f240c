"""`import gliofit`: all public names are there, and nothing heavy is imported before it is asked for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gliofit


@pytest.mark.parametrize("name", gliofit.__all__)
def test_each_public_name_is_there(name):
    value = getattr(gliofit, name)
    assert value.__name__ == name
    assert name in dir(gliofit)


def test_the_example_of_the_readme_runs(small_tissue):
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(from gliofit import Theta.*?)```", text, re.DOTALL).group(1)
    names = {"small": small_tissue}
    exec(code.replace("load_mni152().tissue.working_grid(2.0)", "small"), names)
    assert names["tissue"] is small_tissue
    assert names["jacobian"].shape == (5, *small_tissue.shape)
    assert names["fit"].theta.mu_D == pytest.approx(names["theta"].mu_D, rel=0.05)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Tumour'"):
        gliofit.Tumour  # noqa: B018


def test_reading_scans_waits_for_no_compiler():
    code = (
        "import gliofit.patients.preparation, sys; print({'numba', 'torch', 'scipy.stats', 'ants'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_planning_a_run_waits_for_no_optimiser():
    code = "import gliofit.pipeline.plan, sys; print({'torch', 'scipy.stats', 'scipy.optimize'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_descent_waits_for_no_compiler():
    """torch would import its own, which takes as long as torch, to leave the optimiser uncompiled."""
    code = (
        "import sys, numpy; from gliofit.inversion.search.lbfgs import minimise\n"
        "found = minimise(lambda u: ((u - 0.3) ** 2).sum(), numpy.full(2, 0.6), iterations=9)\n"
        "assert abs(found.unit - 0.3).max() < 1e-3; print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
