"""
Plans of all learning-free methods on synthetic recurrences, at 2 mm: a table and a figure for docs/planning.md.

    python benchmarks/recurrences.py [--number 6] [--methods gauss_newton gliodil wavefront] [--keep FOLDER]

The workflow's `results/tables/recurrences.md` is the same at 1 mm, with every method of its config. With `--keep`,
scores are kept in a folder, and a second run goes on where the first ended.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
from cases import brain
from pages import DOCS, put

from gliofit.evaluation.comparison import compare, markdown
from gliofit.evaluation.gliodil_scores import fit_scores, margin_scores
from gliofit.evaluation.score_file import Scores, load_scores
from gliofit.growth import compile_kernels
from gliofit.inversion import describe, invert
from gliofit.inversion.patient_problem import patient_problem
from gliofit.reporting.figures.coverage import coverage_curves
from gliofit.synthetic.gliodil_patient import FOCI, load_patient, make_patient

SETTINGS = {"gliodil": {"cells": 24, "times": 24}, "gauss_newton": {"uncertainty": False}}
MODEL = {"name": "fisher_kolmogorov", "foci": "auto"}
MARGINS = {"standard": "Standard plan", "geodesic": "Margin along tissue"}
SETS = {
    "single": "One focus",
    "multi": "Three foci",
    "model": "Grown by the model",
    "diffusion": "Other diffusion",
    "second_focus": "A new focus",
}


def scored(folder: Path, kind: str, index: int, method: str) -> Scores:
    """Scores of one patient by one way of planning, from their file or made."""
    path = folder / f"{kind}_{index}" / f"{method}.json"
    if path.is_file():
        return load_scores(path)
    tissue = brain(2.0)
    if not (path.parent / "truth.json").is_file():
        make_patient(tissue, path.parent, kind, index)
    patient, truth = load_patient(path.parent, tissue)
    if method in MARGINS:
        values = margin_scores(truth, patient, along_tissue=method == "geodesic")
    else:
        problem = patient_problem(patient, 2.0, pet=False)
        started = time.process_time()
        fit = invert(problem.target, problem.tissue, method, model=MODEL, **SETTINGS.get(method, {}))
        seconds = time.process_time() - started
        density = patient.to_scan(fit.density, problem.tissue.affine)
        values = {**fit_scores(density, truth, patient), "cpu_seconds": seconds}
    about = {"kind": patient.report["truth"]["recurrence"]["kind"]}
    found = Scores(f"{kind}_{index}", method, values, kind, about=about)
    found.save(path)
    return load_scores(path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int, default=6, help="patients of one focus, and as many of three")
    parser.add_argument("--methods", nargs="*", default=["gauss_newton", "gliodil", "wavefront"])
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    compile_kernels()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for index in range(arguments.number):
            for kind in FOCI:
                for method in (*MARGINS, *arguments.methods):
                    scores = scored(arguments.keep or Path(scratch), kind, index, method)
                    rows += [scores.rows, replace(scores, set=scores.about["kind"]).rows]
                    print(scores.case, method, round(scores.scores["coverage_broad"], 3), flush=True)
    metrics = pd.concat(rows)
    titles = MARGINS | {method: describe(method).title.replace(" (ours)", "") for method in arguments.methods}
    table = compare(metrics, SETS, list(titles), "standard")
    coverage_curves(DOCS / "images" / "recurrences", table, titles, SETS)
    (DOCS / "images" / "recurrences.pdf").unlink()
    put("planning.md", "recurrences", [*markdown(table, titles, SETS).splitlines(), "", *unseen(metrics, titles)])


def unseen(metrics: pd.DataFrame, titles: dict[str, str]) -> list[str]:
    """What plans miss of the cells that no scan shows, and the processor time of a fit."""
    lines = [
        "| Plan | missed 15 mm, one focus | three foci | better, one focus | three foci | Dice core | whole | CPU s |"
    ]
    lines += ["|---|" + "--:|" * 7]
    for method, title in titles.items():
        own = metrics[metrics["method"] == method]
        cells = []
        for metric, unit, digits in (("missed_15", 100, 2), ("better_15", 100, 0)):
            for kind in FOCI:
                values = own[(own["metric"] == metric) & (own["set"] == kind)]["value"]
                cells.append(f"{unit * values.mean():.{digits}f} %" if len(values) else "–")
        for metric, digits in (("dice_core", 3), ("dice_whole", 3), ("cpu_seconds", 1)):
            values = own[(own["metric"] == metric) & own["set"].isin(FOCI)]["value"]
            cells.append(f"{values.mean():.{digits}f}" if len(values) else "–")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    main()
