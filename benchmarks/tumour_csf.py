"""
Does CSF under the tumour matter? Gauss–Newton on patients' segmentations, with the atlas's CSF there kept or made WM.

    python benchmarks/tumour_csf.py results/anatomy/sri24 results/*/prepared

prints a table for docs/methods.md. Patients must have been prepared by registration; it is not repeated.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from gliofit import Tissue, invert
from gliofit.atlas import Anatomy
from gliofit.clinical import data_fit
from gliofit.nifti import Volume
from gliofit.patients import Prepared, load_prepared
from gliofit.preparation import fill
from gliofit.registration import Registration

SPACING = 2.0
CHOICES = ("wm", "keep")


def fitted(prepared: Prepared, maps: list, choice: str) -> dict[str, float]:
    """Dice scores, loss and seconds of a fit with one choice of tissue under the tumour."""
    tissue = Tissue(*fill(maps, prepared.brain, prepared.whole, choice), prepared.affine)
    patient = replace(prepared, tissue=tissue)
    problem = patient.problem(SPACING)
    fit = invert(problem.target, problem.tissue, "gauss_newton", uncertainty=False)
    density = patient.to_scan(fit.density, problem.tissue.affine)
    return {**data_fit(density, patient), "loss": fit.loss}


def main(atlas: str, *folders: str) -> None:
    anatomy = Anatomy.load(atlas)
    volumes = [Volume(m, anatomy.tissue.affine) for m in (anatomy.tissue.wm, anatomy.tissue.gm, anatomy.tissue.csf)]
    rows, means = [], {choice: [] for choice in CHOICES}
    for folder in tqdm([f for f in map(Path, folders) if (f / "registration").is_dir()]):
        prepared = load_prepared(folder)
        maps = Registration(folder / "registration").to_patient(volumes, prepared.shape, prepared.affine)
        cells = [prepared.patient.id, f"{prepared.report['core_csf_before']:.1%}"]
        for choice in CHOICES:
            scores = fitted(prepared, maps, choice)
            means[choice].append([scores[name] for name in ("dice_core", "dice_whole", "loss")])
            cells += [f"{value:.3f}" for value in means[choice][-1]]
        rows.append(cells)
    average = [f"{sum(column) / len(rows):.3f}" for choice in CHOICES for column in zip(*means[choice], strict=True)]
    rows.append(["mean", "", *average])
    head = ["patient", "CSF in the core", *(f"{c}: {n}" for c in CHOICES for n in ("core Dice", "whole Dice", "loss"))]
    for cells in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(*sys.argv[1:])
