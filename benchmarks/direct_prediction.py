"""
What `direct` makes of rough outlines, by weights: the table of docs/networks.md.

    python benchmarks/direct_prediction.py resources/weights/inverse_segmentation.safetensors OTHER.safetensors …
        --tissue results/anatomy/sri24 --cohort results/cohort --patients results

One line per weights and set: core and whole Dice, error where nothing is seen, failures as docs/cohort.md defines them
and, of cohort tumours of one focus, the origin's distance and the relative errors of μ_D and μ_ρ. `--patients` is a
folder of prepared patients, ID/prepared.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from gliofit.anatomy.tissue import Tissue
from gliofit.evaluation.cohort_scores import fit_scores
from gliofit.evaluation.patient_scores import data_fit
from gliofit.inversion import invert
from gliofit.inversion.patient_problem import patient_problem
from gliofit.inversion.registry import ready
from gliofit.patients.prepared import Prepared, load_prepared
from gliofit.synthetic.cohort import load_patient

SPACING = 2.0
INVERSE = Path(__file__).parents[1] / "resources" / "weights" / "inverse.safetensors"
COLUMNS = {
    "dice_core": ("core Dice, %", 100, 1),
    "dice_whole": ("whole Dice, %", 100, 1),
    "failed": ("failed", 1, 0),
    "rmse_unseen": ("RMSE unseen, 10⁻²", 100, 1),
    "origin_mm": ("origin, mm", 1, 1),
    "mu_D": ("μ_D, %", 100, 0),
    "mu_rho": ("μ_ρ, %", 100, 0),
}


def fitted(patient: Prepared, networks: dict):
    """The direct prediction for a patient, and its density [x, y, z] on the scan's grid."""
    problem = patient_problem(patient, SPACING, pet=False)
    fit = invert(problem.target, problem.tissue, "direct", networks=networks)
    return fit, patient.to_scan(fit.density, problem.tissue.affine)


def of_cohort(folder: Path, atlas: Tissue, networks: dict) -> dict[str, float]:
    """Scores of a synthetic patient."""
    patient, truth_density, truth = load_patient(folder, atlas)
    fit, density = fitted(patient, networks)
    scores = fit_scores(density, truth_density, patient)
    if len(truth.foci) == 1:
        scores["origin_mm"] = float(np.linalg.norm(np.array(fit.theta.origin) - np.array(truth.foci[0])))
        scores["mu_D"] = abs(fit.theta.mu_D / truth.mu_D - 1)
        scores["mu_rho"] = abs(fit.theta.mu_rho / truth.mu_rho - 1)
    return scores


def of_patient(folder: Path, networks: dict) -> dict[str, float]:
    """Scores of a prepared one."""
    patient = load_prepared(folder)
    _, density = fitted(patient, networks)
    found = data_fit(density, patient)
    scores = {name: found[name] for name in ("dice_core", "dice_whole")}
    return scores | {"failed": float(1 - sum(scores.values()) / 2 > 0.4)}


def line(weights: str, name: str, rows: pd.DataFrame) -> str:
    """Of the table: means with one standard error; failures are counted."""
    cells = [f"`{weights}`", name, str(len(rows))]
    for column, (_, unit, digits) in COLUMNS.items():
        values = unit * rows[column].dropna() if column in rows else pd.Series(dtype=float)
        if column == "failed":
            cells.append(f"{values.sum():.0f}")
        elif values.empty:
            cells.append("–")
        else:
            cells.append(f"{values.mean():.{digits}f} ± {values.sem():.{digits}f}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+", type=Path)
    parser.add_argument("--tissue", type=Path, required=True, help="folder of the atlas's wm, gm and csf.nii.gz")
    parser.add_argument("--cohort", type=Path, help="folder of synthetic patients")
    parser.add_argument("--patients", type=Path, help="folder of prepared patients")
    given = parser.parse_args()
    atlas = Tissue.from_nifti(*(given.tissue / f"{name}.nii.gz" for name in ("wm", "gm", "csf")))
    lines = [f"| weights | set | N | {' | '.join(title for title, *_ in COLUMNS.values())} |", "|---|---|" + "--:|" * 8]
    for weights in given.weights:
        networks = ready("direct", [INVERSE, weights])
        if given.cohort:
            folders = sorted((p.parent for p in given.cohort.glob("*/truth.json")), key=lambda p: int(p.name))
            rows = pd.DataFrame([of_cohort(folder, atlas, networks) for folder in folders])
            lines.append(line(weights.stem, "cohort", rows))
        if given.patients:
            folders = sorted(p.parent for p in given.patients.glob("*/prepared/prepared.json"))
            lines.append(line(weights.stem, "patients", pd.DataFrame([of_patient(f, networks) for f in folders])))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
