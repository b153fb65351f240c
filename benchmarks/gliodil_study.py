"""
GliODIL's two studies of itself on its synthetic patients: λ_PDE, and initial guesses that are off.

    python benchmarks/gliodil_study.py FOLDER [--number 3] [--guesses 5] [--write]

Patients and grids are those of `benchmarks/recurrences.py`, whose FOLDER it may be. FOLDER keeps a table per patient: a
run goes on where the last one ended. With `--write` the means and a figure go into docs/methods.md. The workflow makes
the same at 1 and 2 mm with `gliodil_studies.number`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from pages import DOCS, put
from recurrences import FIT_MM, GLIODIL, patient_of

from gliofit.base.files import write_text
from gliofit.evaluation.gliodil_study import guess_rows, markdown, summary, weight_rows
from gliofit.growth import compile_kernels
from gliofit.inversion import describe
from gliofit.reporting.figures.coverage import weight_study
from gliofit.synthetic.gliodil_patient import FOCI

WEIGHTS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
SCATTER = 0.2


def study(folder: Path, kind: str, index: int, guesses: int) -> pd.DataFrame:
    """One patient's rows, from its table or made."""
    path = folder / f"{kind}_{index}" / "study.csv"
    if not path.is_file():
        patient, truth = patient_of(path.parent, kind, index)
        options = {"spacing": FIT_MM, "seed": 3, "threads": 1, "settings": GLIODIL}
        rows = weight_rows(patient, truth, WEIGHTS, **options)
        frame = pd.DataFrame(rows + guess_rows(patient, truth, guesses, SCATTER, **options))
        frame.insert(0, "set", kind)
        frame.insert(0, "case", path.parent.name)
        write_text(path, frame.to_csv(index=False))
    return pd.read_csv(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, default=3, help="patients of one focus, and as many of three")
    parser.add_argument("--guesses", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put table and figure into the documentation")
    given = parser.parse_args()
    compile_kernels()
    made = []
    for index in range(given.number):
        for kind in FOCI:
            made.append(study(given.folder, kind, index, given.guesses))
            print(kind, index, flush=True)
    rows = pd.concat(made)
    titles = {name: describe(name).title for name in ("gliodil", "pde_gliodil")}
    table = markdown(summary(rows), titles).splitlines()
    print("\n".join(table))
    if given.write:
        stem = DOCS / "images" / "gliodil_study"
        weight_study(stem, rows, titles)
        stem.with_suffix(".pdf").unlink()
        put("methods.md", "gliodil study", [*table, "", "![Scores over λ_PDE](images/gliodil_study.png)"])


if __name__ == "__main__":
    main()
