"""How large simulated tumours are, beside patients' segmentations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gliofit.errors import InputError
from gliofit.figures import style

SEGMENTED = (27.0, 155.0)
"""Whole-tumour volumes (ml) of five segmented patients of BraTS and GliODIL, smallest and largest."""


def volumes(stem: str | Path, simulated: Sequence[float], patients: Sequence[float] = ()) -> None:
    """
    Histogram of visible volumes that the prior draws, as pdf and png.

    Parameters
    ----------
    stem : path without suffix
    simulated : sequence of float
        Volume of c > 0.25 by test case, ml.
    patients : sequence of float
        Volume of the whole-tumour segmentation by patient, ml; without any, the range `SEGMENTED` is shown.
    """
    if not len(simulated):
        raise InputError("figure of volumes: there are no simulated tumours")
    with style.figure(style.COLUMN, 2.2) as fig:
        ax = fig.subplots()
        bins = np.linspace(0, max(*simulated, *patients, SEGMENTED[1]), 26)
        ax.hist(simulated, bins, color=style.PALETTE[0], alpha=0.6, label=f"simulated ({len(simulated)})")
        if len(patients):
            marks = ax.get_xaxis_transform()
            ax.plot(patients, np.full(len(patients), 0.03), "v", color=style.OURS, transform=marks, ms=5,
                    label=f"segmentations ({len(patients)})")  # fmt: skip
        else:
            ax.axvspan(*SEGMENTED, color=style.OURS, alpha=0.15, lw=0, label="five segmented patients")
        ax.set(xlabel="Visible volume (ml)", ylabel="Tumours", xlim=(0, bins[-1]))
        ax.yaxis.get_major_locator().set_params(integer=True)
        fig.legend(loc="outside upper right", ncols=2)
        style.save(fig, stem)
