"""
The tables of docs/patients.md on the shared patients, from a run of the workflow:

    snakemake results/tables/patients.md --cores 2 --config brats_dir=../shared/patients patients=null
    python benchmarks/patients_doc.py results
"""

from __future__ import annotations

import sys
from pathlib import Path

from pages import put

from gliofit.base.files import read_json
from gliofit.inversion.fit_file import load_fit

TISSUE = {"registration": "registered", "atlas": "the atlas as it is", "maps": "its own maps"}


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def preparation(results: Path) -> list[str]:
    """How each patient was prepared."""
    head = ["patient", "tissue", "tool", "brain Dice", "agreement inside", "smallest Jacobian", "core, whole, ml"]
    rows = []
    for path in sorted(results.glob("*/prepared/prepared.json")):
        report = read_json(path)
        found = report.get("registration") or {}
        volumes = report["volumes_ml"]
        cells = [report["patient"]["id"], TISSUE[report["tissue"]], found.get("tool", "–")]
        cells += [number(report["brain_dice"]), number(report.get("tissue_agreement"), 2)]
        cells += [number(found.get("smallest_jacobian"), 2), f"{volumes['core']:.1f}, {volumes['whole']:.1f}"]
        rows.append(cells)
    return table(head, rows)


def fits(results: Path) -> list[str]:
    """What each method found in each patient."""
    rows = []
    for scores in sorted(results.glob("*/plans/*.json")):
        summary = scores.parents[1] / scores.name
        if not summary.is_file():
            continue
        fit, values = load_fit(summary), read_json(scores)
        values = values.get("scores", values)
        cells = [scores.parents[1].name, f"`{fit.method}`", f"{fit.loss:.3f}", str(len(fit.origins))]
        names = ("dice_core", "dice_whole", "pet_correlation", "coverage_broad")
        rows.append(cells + [number(values.get(name)) for name in names])
    head = ["patient", "method", "loss", "foci", "core Dice", "whole Dice", "FET-PET, r", "coverage, broad"]
    return table(head, rows)


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    rule = "| --- | --- |" + " ---: |" * (len(head) - 2)
    return ["", f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(row)} |" for row in rows), ""]


def main(folder: str) -> None:
    results = Path(folder)
    put("patients.md", "preparation of the shared patients", preparation(results))
    put("patients.md", "fits of the shared patients", fits(results))
    means = results / "tables/patients.md"  # of a run that went to its end
    lines = ["", *means.read_text(encoding="utf-8").strip().splitlines(), ""] if means.is_file() else []
    put("patients.md", "means over the shared patients", lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
