"""Inferred tumours beside true ones: what Figures 3, 4 and 6 of Learn-Morph-Infer show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gliofit.base.arrays import Array
from gliofit.base.overlap import dice
from gliofit.evaluation.lmi_scores import TestTumour, TestTumours, inferred, target_of
from gliofit.evaluation.lmi_table import MODEL_TITLES, PRESENT, SHOWN
from gliofit.inversion import invert


@dataclass(frozen=True, eq=False)
class Example:
    """
    A test tumour and what was inferred from its outlines.

    Parameters
    ----------
    label : str
    truth : ndarray [x, y, z]
    core, whole : ndarray of bool [x, y, z]
        On the atlas's working grid.
    found : dict of title → ndarray [x, y, z]
    overlaps : dict of title → float
        Dice with the truth, of what is at least `PRESENT`.
    """

    label: str
    truth: Array
    core: Array
    whole: Array
    found: dict[str, Array]
    overlaps: dict[str, float]


def by_targets(
    tests: Mapping[str, TestTumours], networks: Mapping, gamma: float, number: int, threads: int = 1
) -> list[Example]:
    """Figure 3: networks for {D, ρ, T} and for {μ₁, μ₂, x}, on the first tumours of each growth model."""
    rows = []
    for model, cases in tests.items():
        for index in range(min(number, len(cases))):
            tumour = cases.tumour(index, networks[model, "all"])
            found = {}
            for targets in (("times", "origin"), ("all",)):
                chosen = [networks[model, target] for target in targets]
                name = ", ".join(SHOWN[target] for target in targets)
                found[name] = inferred(cases, index, chosen, model, gamma, threads)
            rows.append(_example(tumour, f"{MODEL_TITLES[model]}, {index + 1}", found))
    return rows


def by_model(
    tests: Mapping[str, TestTumours], networks: Mapping, gamma: float, number: int, threads: int = 1
) -> list[Example]:
    """
    Figures 4 and 6: the same outlines by the networks for either growth model, and by Gauss–Newton.

    The tumours have mass effect where the study has it.
    """
    model = list(tests)[-1]
    cases, rows = tests[model], []
    for index in range(min(number, len(cases))):
        tumour = cases.tumour(index, networks[model, "all"])
        found = {
            f"{MODEL_TITLES[of]} network": inferred(cases, index, [networks[of, "all"]], of, gamma, threads)
            for of in tests
        }
        fit = invert(target_of(tumour), cases.tissue, "gauss_newton", threads=threads, uncertainty=False)
        assert fit.density is not None  # of a fit just made
        found["Gauss–Newton, FK"] = fit.density
        rows.append(_example(tumour, f"{MODEL_TITLES[model]}, {index + 1}", found))
    return rows


def _example(tumour: TestTumour, label: str, found: dict[str, Array]) -> Example:
    core, whole = tumour.outlines()
    overlaps = {name: dice(density >= PRESENT, tumour.density >= PRESENT) for name, density in found.items()}
    return Example(label, tumour.density, core, whole, found, overlaps)
