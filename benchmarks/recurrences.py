"""
Plans of all methods on synthetic recurrences: tables and a figure for docs/planning.md.

    python benchmarks/recurrences.py FOLDER [--number 30] [--rows gauss_newton gliodil] [--write]

Truths are grown on a grid of 3 mm and fits are made on one of 4 mm, so that no fit has the truth's own grid. FOLDER
keeps patients and scores: a run goes on where the last one ended. Without `--write` tables are printed, with what there
is. nnU-Net has rows once `benchmarks/nnunet.py FOLDER` has trained it. The workflow's `results/tables/recurrences.md`
is the same at 1 and 2 mm.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cases import brain
from pages import DOCS, put

from gliofit.evaluation.comparison import compare, markdown
from gliofit.evaluation.gliodil_scores import fit_scores, margin_scores
from gliofit.evaluation.score_file import Scores, load_scores
from gliofit.evaluation.statistics import signed_rank_test
from gliofit.inversion import describe, invert
from gliofit.inversion.fit import Fit
from gliofit.inversion.own_density import Field
from gliofit.inversion.patient_problem import patient_problem
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import OPTIONAL, ready
from gliofit.patients.prepared import Prepared
from gliofit.pipeline.recurrences import MARGINS, SETS
from gliofit.reporting.figures.coverage import coverage_curves
from gliofit.synthetic.gliodil_patient import FOCI, load_patient, make_patient

TRUTH_MM, FIT_MM = 3.0, 4.0
WEIGHTS = Path(__file__).parents[1] / "resources" / "weights"
GLIODIL = {"cells": 16, "times": 24}
"""Coarser than in the default config, as the working grid is."""


@dataclass(frozen=True)
class Way:
    """How the density of one or several rows is made; the first is the method's own."""

    titles: Mapping[str, str]
    method: str
    foci: int | str = "auto"
    pet: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


WAYS = (
    Way({"gauss_newton": "Gauss–Newton"}, "gauss_newton", settings={"uncertainty": False}),
    Way({"one_focus": "Gauss–Newton, one focus"}, "gauss_newton", foci=1, settings={"uncertainty": False}),
    Way({"hybrid_gn": "Prediction and Gauss–Newton"}, "hybrid_gn", settings={"uncertainty": False}),
    Way({"hybrid_foci": "Hybrid"}, "hybrid"),
    Way({"hybrid": "Hybrid, one focus"}, "hybrid", foci=1),
    Way({"direct": "Direct prediction"}, "direct"),
    Way({"lmi": "LMI"}, "lmi"),
    Way({"wavefront": "Field with a wavefront"}, "wavefront"),
    Way(
        {"gliodil": "GliODIL", "gliodil_field": "GliODIL, its field alone", "pde_gliodil": "PDE GliODIL"},
        "gliodil",
        settings=GLIODIL,
    ),
    Way({"gliodil_pet": "GliODIL, FET-PET too"}, "gliodil", pet=True, settings=GLIODIL),
    Way({"cmaes": "CMA-ES on the solver, one focus"}, "cmaes_solver", foci=1, settings={"max_evaluations": 400}),
    Way({"nnunet": "nnU-Net"}, "nnunet"),
    Way({"nnunet_pet": "nnU-Net, FET-PET too"}, "nnunet", pet=True),
)

NNUNET = ("nnunet", "nnunet_pet")

ROWS = MARGINS | {row: title for way in WAYS for row, title in way.titles.items()}


def densities(fit: Fit, problem: Problem, rows: list[str]) -> dict[str, Any]:
    """Density [x, y, z] of each row: the fit's own, and where asked for its field without a front, and the solver's."""
    assert fit.density is not None
    found = {rows[0]: fit.density}
    if len(rows) > 1:
        assert fit.own is not None
        found["gliodil_field"] = Field(fit.own.values, fit.own.affine).on(problem.tissue)
        found["pde_gliodil"] = problem.density(np.array([*fit.parameters.values(), *fit.extras.values()]))
    return found


def networks(method: str, folder: Path) -> dict[str, Any]:
    """Its networks, those of the folder or the released ones, loaded, and the kernels compiled."""
    names = [f"{role}.safetensors" for role in describe(method).networks]
    paths = [own if (own := folder / name).is_file() else WEIGHTS / name for name in names]
    assert all(path.is_file() or path.stem in OPTIONAL for path in paths), f"no weights of {method} in {WEIGHTS}"
    return ready(method, paths)


def patient_of(folder: Path, kind: str, index: int) -> tuple[Prepared, Any]:
    tissue = brain(TRUTH_MM)
    if not (folder / "truth.json").is_file():
        make_patient(tissue, folder, kind, index)
    return load_patient(folder, tissue)


def score(folder: Path, kind: str, index: int, chosen: list[str]) -> None:
    """Make those of the chosen rows of one patient that are not there."""

    def save(row: str, method: str, values: Mapping[str, float]) -> None:
        Scores(folder.name, method, values, kind, row, about).save(folder / f"{row}.json")

    missing = [row for row in chosen if not (folder / f"{row}.json").is_file()]
    if not missing:
        return
    patient, truth = patient_of(folder, kind, index)
    about = {"kind": patient.report["truth"]["recurrence"]["kind"]}
    for row in MARGINS:
        if row in missing:
            save(row, row, margin_scores(truth, patient, along_tissue=row == "geodesic"))
    for way in WAYS:
        rows = list(way.titles)
        if not set(rows) & set(missing):
            continue
        problem = patient_problem(patient, FIT_MM, pet=way.pet)
        model = {"name": "fisher_kolmogorov", "foci": way.foci}
        loaded = networks(way.method, folder.parent)
        started = time.process_time()
        fit = invert(problem.target, problem.tissue, way.method, networks=loaded, model=model, **way.settings)
        seconds = time.process_time() - started
        for row, density in densities(fit, problem, rows).items():
            on_scan = patient.to_scan(density, problem.tissue.affine)
            found = len(fit.foci["loss"]) if fit.foci else 1
            save(row, way.method, {**fit_scores(on_scan, truth, patient), "cpu_seconds": seconds, "tried": found})


def collect(folder: Path, number: int) -> pd.DataFrame:
    """Tidy rows of what is there of the first patients, each in the set of its foci and in that of its recurrence."""
    rows = []
    for kind in FOCI:
        for index in range(number):
            for row in ROWS:
                path = folder / f"{kind}_{index}" / f"{row}.json"
                if path.is_file():
                    scores = load_scores(path)
                    rows += [scores.rows, replace(scores, set=scores.about["kind"]).rows]
    return pd.concat(rows)


def unseen(metrics: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """What plans miss of the cells that no scan shows, how far fits are off, and their processor time."""
    lines = [
        "Share of the cells outside the visible tumour that a plan misses, at the volumes of the standard plans with",
        "15 and 5 mm; better: share of patients of whom it misses less than the standard plan (ties count half); p:",
        "Wilcoxon's test of what is missed with 15 mm; core, whole: Dice of outlines. One focus / three foci.",
        "",
        "| Plan | Missed 15 mm, ‰ | Better, % | p | Missed 5 mm, % | Better, % | RMSE unseen | Core | Whole | CPU s |",
        "|---|" + "--:|" * 9,
    ]
    by = {key: part.set_index("case")["value"] for key, part in metrics.groupby(["method", "metric", "set"])}

    def mean(row: str, metric: str, kind: str, unit: float, digits: int) -> str:
        values = by.get((row, metric, kind))
        return "–" if values is None else f"{unit * values.mean():.{digits}f}"

    def p(row: str, kind: str) -> str:
        own, theirs = by.get((row, "missed_15", kind)), by.get(("standard", "missed_15", kind))
        return "–" if own is None or theirs is None or row == "standard" else f"{signed_rank_test(own, theirs)[0]:.2g}"

    for row, title in titles.items():
        cells = []
        shown = [("missed_15", 1000, 2), ("better_15", 100, 0), None, ("missed_5", 100, 1), ("better_5", 100, 0)]
        for item in [*shown, ("rmse_hidden", 1, 3)]:
            pair = (p(row, kind) if item is None else mean(row, item[0], kind, *item[1:]) for kind in FOCI)
            cells.append(" / ".join(pair))
        for metric, digits in (("dice_core", 3), ("dice_whole", 3), ("cpu_seconds", 1)):
            both = [by[(row, metric, kind)] for kind in FOCI if (row, metric, kind) in by]
            cells.append(f"{pd.concat(both).mean():.{digits}f}" if both else "–")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, default=30, help="patients of one focus, and as many of three")
    parser.add_argument("--rows", nargs="*", choices=list(ROWS), help="all, if not given")
    parser.add_argument("--write", action="store_true", help="put tables and figure into the documentation")
    given = parser.parse_args()
    trained = (given.folder / "nnunet.safetensors").is_file()
    rows = given.rows or [row for row in ROWS if trained or row not in NNUNET]
    for index in range(given.number):
        for kind in FOCI:
            score(given.folder / f"{kind}_{index}", kind, index, rows)
        print(f"{index + 1} of {given.number}", flush=True)
    metrics = collect(given.folder, given.number)
    titles = {row: title for row, title in ROWS.items() if (metrics["method"] == row).any()}
    table = compare(metrics, SETS, list(titles), "standard")
    lines = [*markdown(table, titles, SETS).splitlines(), "", *unseen(metrics, titles)]
    if not given.write:
        print("\n".join(lines))
        return
    stem = DOCS / "images" / "recurrences"
    coverage_curves(stem, table, titles, SETS)
    stem.with_suffix(".pdf").unlink()
    put("planning.md", "recurrences", lines)


if __name__ == "__main__":
    main()
