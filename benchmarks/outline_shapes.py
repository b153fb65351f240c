"""
How real outlines are shaped, for the cohort without patients (docs/cohort.md).

    python benchmarks/outline_shapes.py FOLDER…

FOLDER has seg.nii.gz (1 and 3 core, 2 edema), or tumT1c and tumFLAIR.nii.gz. Prints the csv that is kept in
src/gliofit/reporting/figures/segmented_shapes.csv.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from gliofit.base.grids import spacing_of
from gliofit.base.nifti import load_volume
from gliofit.evaluation.outline_shapes import shapes


def of_folder(folder: Path) -> dict:
    """Shapes of one segmentation."""
    if (folder / "seg.nii.gz").is_file():
        image = load_volume(folder / "seg.nii.gz")
        core, whole = np.isin(image.data, (1, 3)), image.data > 0
    else:
        image = load_volume(folder / "tumT1c.nii.gz")
        core = image.data > 0
        whole = core | (load_volume(folder / "tumFLAIR.nii.gz").data > 0)
    return {"case": folder.name, **shapes(core, whole, spacing_of(image.affine))}


if __name__ == "__main__":
    rows = [of_folder(Path(folder)) for folder in sys.argv[1:]]
    pd.DataFrame(rows).round(3).to_csv(sys.stdout, index=False)
