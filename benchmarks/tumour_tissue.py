"""
What the atlas has under the tumour, and what it does to a fit: Gauss–Newton on patients for each `tumour_tissue`.

    python benchmarks/tumour_tissue.py results/anatomy/sri24 results/*/prepared

prints the table of docs/patients.md. Patients must have been prepared by registration; it is not repeated.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gliofit import Tissue, invert
from gliofit.anatomy.anatomy import Anatomy
from gliofit.anatomy.transforms import Registration
from gliofit.base.nifti import Volume
from gliofit.evaluation.patient_scores import data_fit
from gliofit.inversion.patient_problem import patient_problem
from gliofit.patients.preparation import TUMOUR_TISSUE, fill
from gliofit.patients.prepared import Prepared, load_prepared

SPACING = 2.0


def fitted(prepared: Prepared, maps: list, choice: str) -> dict[str, float]:
    """Dice scores, loss and seconds of a fit with one choice of tissue under the tumour."""
    tissue = Tissue(*fill(maps, prepared.brain, prepared.whole, prepared.core, choice), prepared.affine)
    patient = replace(prepared, tissue=tissue)
    problem = patient_problem(patient, SPACING)
    fit = invert(problem.target, problem.tissue, "gauss_newton", uncertainty=False)
    density = patient.to_scan(fit.density, problem.tissue.affine)
    return {**data_fit(density, patient), "loss": fit.loss}


def main(atlas: str, *folders: str) -> None:
    anatomy = Anatomy.load(atlas)
    volumes = [Volume(m, anatomy.tissue.affine) for m in (anatomy.tissue.wm, anatomy.tissue.gm, anatomy.tissue.csf)]
    rows, sums = [], {choice: np.zeros(3) for choice in TUMOUR_TISSUE}
    for folder in tqdm([f for f in map(Path, folders) if (f / "registration").is_dir()]):
        prepared = load_prepared(folder)
        maps = Registration(folder / "registration").to_patient(volumes, prepared.shape, prepared.affine)
        cells = [prepared.patient.id, f"{prepared.report['core_csf_before']:.1%}"]
        for choice in TUMOUR_TISSUE:
            scores = fitted(prepared, maps, choice)
            values = np.array([scores[name] for name in ("dice_core", "dice_whole", "loss")])
            sums[choice] += values
            cells.append(written(values))
        rows.append(cells)
    rows.append(["mean", "", *(written(total / len(rows)) for total in sums.values())])
    head = ["patient", "CSF in the core", *(f"`{choice}`: core, whole Dice; loss" for choice in TUMOUR_TISSUE)]
    for cells in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(cells) + " |")


def written(values: np.ndarray) -> str:
    core, whole, loss = values
    return f"{core:.3f}, {whole:.3f}; {loss:.3f}"


if __name__ == "__main__":
    main(*sys.argv[1:])
