"""docs/methods.md: every method has its section, every table the true settings, and its example works."""

import re
from pathlib import Path

import pytest
import yaml

from gliofit import invert
from gliofit.inversion import METHODS, describe

PAGE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text()
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))


def value(cell: str):
    found = yaml.safe_load(cell)
    try:
        return float(found) if isinstance(found, str) else tuple(found) if isinstance(found, list) else found
    except ValueError:
        return found


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_the_settings_in_the_table_are_the_methods(name):
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", SECTIONS[name], re.MULTILINE)
    assert {setting: value(cell) for setting, cell in rows} == describe(name).settings()


def test_every_method_has_a_section():
    describe("direct")  # loads them all
    assert set(SECTIONS) == set(METHODS)


def test_the_example_of_a_new_method_works(small_tissue, solved, monkeypatch):
    describe("direct")
    monkeypatch.setattr("gliofit.inversion.registry.METHODS", dict(METHODS))
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    exec(compile(code, "docs/methods.md", "exec"), {})
    fits = [invert(solved, small_tissue, "random_search", candidates=n, seed=4) for n in (2, 40)]
    assert fits[1].loss < fits[0].loss
    assert fits[1].loss == pytest.approx(fits[1].history[-1])
    assert fits[1].evaluations == len(fits[1].history) == 40
