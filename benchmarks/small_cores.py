"""
What methods make of the cohort's tumours whose core is small: the outlines that fits of patients once failed on.

    snakemake $(python benchmarks/small_cores.py --targets) --cores 2
    python benchmarks/small_cores.py . [--write]

The first prints what to make of the first six tumours with a core of less than 4 ml in a whole tumour of at least 2.5
times as much; the second prints the table of docs/cohort.md, and draws the fits of `hybrid` over outlines and truth.
"""

from __future__ import annotations

import argparse
from itertools import count, islice
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from pages import DOCS, put

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.files import read_json
from gliofit.inversion.fit_file import load_fit
from gliofit.inversion.patient_problem import patient_problem
from gliofit.patients.prepared import Prepared
from gliofit.pipeline.config import load_config
from gliofit.reporting.figures import style
from gliofit.synthetic.cohort import load_patient
from gliofit.synthetic.cohort_truth import first_volumes

METHODS = ("gauss_newton", "hybrid_gn", "hybrid", "gb_surrogate")
NUMBER, CORE_ML, SHARE = 6, 4.0, 0.4
ISOLINES = (0.1, 0.3, 0.6)


def small(seed: int) -> list[int]:
    """Numbers of the first tumours with a small core; `seed` is the config's."""

    def fits(index: int) -> bool:
        core, whole = first_volumes(10000 * seed + index)
        return core < CORE_ML and core / whole <= SHARE

    return list(islice(filter(fits, count()), NUMBER))


def scores(run: Path, index: int, method: str) -> dict[str, float]:
    """Of one method with `foci: auto`."""
    return read_json(run / f"results/cohort/{index}/auto/{method}.scores.json")["scores"]


def table(run: Path, indices: list[int], patients: list[Prepared]) -> list[str]:
    """A line a tumour: volumes, core and whole Dice of each method; the means last."""
    head = " | ".join(f"`{method}`" for method in METHODS)
    lines = [f"| tumour | core, whole, ml | {head} |", "|---|---|" + "---|" * len(METHODS)]
    for index, patient in zip(indices, patients, strict=True):
        ml = float(np.prod(patient.tissue.spacing)) / 1000
        volumes = f"{patient.core.sum() * ml:.1f}, {patient.whole.sum() * ml:.1f}"
        lines.append(f"| {index} | {volumes} | {' | '.join(_dice(scores(run, index, m)) for m in METHODS)} |")
    means = [dict(pd.DataFrame([scores(run, index, m) for index in indices]).mean()) for m in METHODS]
    failed = [sum(scores(run, index, m)["failed"] for index in indices) for m in METHODS]
    lines.append(f"| mean | | {' | '.join(map(_dice, means))} |")
    lines.append(f"| failed | | {' | '.join(f'{n:.0f} of {len(indices)}' for n in failed)} |")
    return lines


def _dice(values: dict[str, float]) -> str:
    return f"{values['dice_core']:.3f}, {values['dice_whole']:.3f}"


def draw(path: Path, indices: list[int], shown: list[tuple[Prepared, Array, Array]]) -> None:
    """Axial slice through each core: outlines filled, isolines of truth (dashed) and of the fit."""
    with style.figure(7.2, 5.2) as fig:
        for ax, index, (patient, truth, density) in zip(fig.subplots(2, 3).flat, indices, shown, strict=True):
            k = int(np.argmax(patient.core.sum((0, 1))))
            box = grids.box_of(patient.whole, 14)[:2]
            ax.imshow(patient.tissue.csf[(*box, k)].T, cmap="gray_r", origin="lower", vmax=2)
            for mask, colour in ((patient.whole, style.WHOLE), (patient.core, style.CORE)):
                ax.contourf(mask[(*box, k)].T, levels=[0.5, 1.5], colors=[colour], alpha=0.35)
            for data, lines in ((truth, "dashed"), (density, "solid")):
                ax.contour(data[(*box, k)].T, levels=ISOLINES, colors="black", linewidths=0.8, linestyles=lines)
            ax.set_title(f"tumour {index}", fontsize=8)
            ax.set_axis_off()
        style.save(fig, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", default=Path(), help="folder that holds results/")
    parser.add_argument("--targets", action="store_true", help="what to make, for Snakemake")
    parser.add_argument("--write", action="store_true", help="put table and picture into docs/cohort.md")
    given = parser.parse_args()
    config = load_config(yaml.safe_load((DOCS.parent / "config/config.yaml").read_text()))
    indices = small(config.seeds.patients)
    if given.targets:
        print(*(f"results/cohort/{index}/auto/{method}.scores.json" for index in indices for method in METHODS))
        return
    folder = given.run / f"results/anatomy/{config.anatomy}"
    atlas = Tissue.from_nifti(*(folder / f"{name}.nii.gz" for name in ("wm", "gm", "csf")))
    shown = []
    for index in indices:
        patient, truth, _ = load_patient(given.run / f"results/cohort/{index}", atlas)
        problem = patient_problem(patient, config.spacing)
        fit = load_fit(given.run / f"results/cohort/{index}/auto/hybrid.json")
        shown.append((patient, truth, patient.to_scan(fit.density_on(problem.tissue), problem.tissue.affine)))
    lines = table(given.run, indices, [patient for patient, _, _ in shown])
    print("\n".join(lines))
    if given.write:
        put("cohort.md", "small cores", lines)
        draw(given.run / "results/figures/small_cores", indices, shown)
        style.small_copy(given.run / "results/figures/small_cores.png", DOCS / "images/small_cores.png")


if __name__ == "__main__":
    main()
