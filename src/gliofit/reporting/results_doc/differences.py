"""How the run's set-up differs from the paper's."""

from __future__ import annotations

from typing import Any

from gliofit.growth.parameter import ORIGIN_RADIUS_MM
from gliofit.growth.ranges import MU_D_BOUNDS, MU_RHO_BOUNDS, START_MU
from gliofit.inversion import METHODS, describe
from gliofit.networks.grids import CROP_MM
from gliofit.reporting.results_doc.run import Results
from gliofit.reporting.results_doc.words import count
from gliofit.reporting.tables.markup import plain_markdown
from gliofit.reporting.tables.published import published

PAPER_SAMPLES = 28_000
"""Tumours that the paper's networks learn from (Sec. 2.2)."""

PAPER_GENERATIONS = (1_000, 8)
"""Of its CMA-ES, and candidates in each."""

ARCHITECTURES = {
    "gliofit": "ours: the solver on a coarser grid, corrected by a U-Net",
    "weidner": "the paper's network",
}
"""Of surrogates, by the name on their card."""

Row = tuple[str, str, str]


def differences(results: Results) -> list[str]:
    """The section."""
    c = results.config
    ranges = c["prior"]
    rows = [
        ("", "here", "paper"),
        ("grid", f"{round(CROP_MM / c['spacing'])}³ at {c['spacing']:g} mm (128 mm)", "128³ at 1 mm (128 mm)"),
        _atlas(results),
        (
            "prior",
            f"μ_D {ranges['mu_D'][0]:g}–{ranges['mu_D'][1]:g} mm, μ_ρ {ranges['mu_rho'][0]:g}–{ranges['mu_rho'][1]:g}, "
            f"visible volume {ranges['volume'][0]:g}–{ranges['volume'][1]:g} ml",
            f"not published; training means {START_MU[0]:g} mm and {START_MU[1]:g}",
        ),
        *_surrogate(results),
        *_samples(results),
        *_hybrid(results),
        *_evolution(results),
        (
            "bounds of searches",
            f"origin within {ORIGIN_RADIUS_MM:g} mm, per axis, of the visible tumour's centre of mass; μ_D "
            f"{MU_D_BOUNDS[0]:g}–{MU_D_BOUNDS[1]:g} mm, μ_ρ {MU_RHO_BOUNDS[0]:g}–{MU_RHO_BOUNDS[1]:g}",
            "–",
        ),
        *_cases(results),
        ("solver", "second order in time, no-flux faces, float32", "TumorGrowthToolkit, explicit Euler"),
        ("means over voxels", "integrals over the paper's 240×240×155 mm³", "240×240×155 voxels"),
        ("hardware", "; ".join(results.run.machines), "Quadro RTX 8000, EPYC 7313"),
    ]
    return [
        "## Where the set-up differs",
        plain_markdown(rows),
        "So the MSE and NCC of equal tumours compare, and the tumours are not the same ones: a prior with smaller or "
        "sharper tumours has other errors. Runtimes are on a processor here and on a graphics card in the paper.",
    ]


def _settings(results: Results, method: str) -> dict[str, Any]:
    """A method's settings in this run."""
    return describe(method).settings() | (results.config["methods"][method] or {})


def _listed(methods) -> str:
    return ", ".join(describe(method).title for method in methods)


def _atlas(results: Results) -> Row:
    changes = ["random deformations"] * bool(results.config["samples"].get("deformation_mm"))
    changes += ["mirror images"] * any(card["settings"].get("flip") for card in results.cards.values())
    seen = f"; networks also see {' and '.join(changes)} of it" if changes else ""
    return "atlas", f"{results.anatomy}{seen}", "one atlas (SRI24's space), as it is"


def _surrogate(results: Results) -> list[Row]:
    users = [method for method in results.config["methods"] if "surrogate" in describe(method).networks]
    card = results.cards.get("surrogate")
    if not card or not users:
        return []
    here = f"{ARCHITECTURES[card['architecture']]}; {card['parameters']:,} parameters"
    return [(f"surrogate of {_listed(users)}", here, "its ConvNeXt-U-Net")]


def _samples(results: Results) -> list[Row]:
    numbers: dict[int, list[str]] = {}
    for name, card in results.cards.items():
        numbers.setdefault(card["data"]["train_samples"], []).append(f"`{name}`")
    here = "; ".join(f"{number:,} ({', '.join(names)})" for number, names in numbers.items())
    return [("training tumours", here, f"{PAPER_SAMPLES:,}")] if here else []


def _hybrid(results: Results) -> list[Row]:
    if "hybrid" not in results.config["methods"]:
        return []
    number = _settings(results, "hybrid")["corrections"]
    ends = f"{count(number)} more descent{'s' * (number != 1)} with the surrogate's error taken off"
    return [("the hybrid ends with", f"{ends} (`corrections`)", "the better of direct prediction and descent")]


def _evolution(results: Results) -> list[Row]:
    used = [method for method in ("cmaes_solver", "cmaes_surrogate") if method in results.config["methods"]]
    if not used:
        return []
    parts = []
    for method in used:
        settings = _settings(results, method)
        coarse = f" (first on a grid of {settings['spacing']:g} mm)" if settings.get("spacing") else ""
        parts.append(f"{describe(method).title} at most {settings['max_evaluations']:,}{coarse}")
    generations, population = PAPER_GENERATIONS
    return [("evaluations of CMA-ES", ", ".join(parts), f"{generations:,} generations of {population}")]


def _cases(results: Results) -> list[Row]:
    """How many test cases, and the methods that see fewer or none."""
    number = results.config["test_cases"]["number"]
    planned = {method: results.planned(method) for method in results.config["methods"]}
    fewer = ", ".join(f"{describe(method).title}: {n}" for method, n in planned.items() if 0 < n < number)
    paper = published().query("table == 2").groupby("method", sort=False)["n"].max()
    theirs = ", ".join(f"{describe(method).title}: {n}" for method, n in paper.items() if n < paper.max())
    describe("direct")  # has every method registered
    left = [method for method in METHODS if not planned.get(method)]
    rows = [("test cases", f"{number}{f' ({fewer})' * bool(fewer)}", f"{paper.max()} ({theirs})")]
    if left:
        rows.append(("not run on test cases", _listed(left), f"any but {_listed(paper.index)}"))
    return rows
