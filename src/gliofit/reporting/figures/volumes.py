"""How large simulated tumours are, beside patients' segmentations."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from gliofit.base.errors import InputError
from gliofit.reporting.figures import style


def segmented() -> list[float]:
    """Whole-tumour volumes (ml) of five public segmentations."""
    with (resources.files(__package__) / "segmented_volumes.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#")["volume"].tolist()


def volumes(stem: str | Path, simulated: Sequence[float], patients: Sequence[float] = ()) -> None:
    """
    Histogram of visible volumes that the prior draws, as pdf and png.

    Parameters
    ----------
    stem : path without suffix
    simulated : sequence of float
        Volume of c > 0.25 by test case, ml.
    patients : sequence of float
        Volume of the whole-tumour segmentation by patient, ml; without any, those of `segmented` are shown.

    Raises
    ------
    InputError
        If there is no simulated tumour.
    """
    if not len(simulated):
        raise InputError("figure of volumes: there are no simulated tumours")
    seen = patients if len(patients) else segmented()
    with style.figure(style.COLUMN, 2.2) as fig:
        ax = fig.subplots()
        bins = np.linspace(0, max(*simulated, *seen), 26).tolist()
        ax.hist(simulated, bins, color=style.PALETTE[0], alpha=0.6, label=f"simulated ({len(simulated)})")
        # one tick a patient, as there are few of them
        ax.vlines(seen, 0, 0.08, color=style.OURS, lw=1.5, transform=ax.get_xaxis_transform(),
                  label=f"{'' if len(patients) else 'public '}segmentations ({len(seen)})")  # fmt: skip
        ax.set(xlabel="Visible volume (ml)", ylabel="Tumours", xlim=(0, bins[-1]))
        ax.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
        fig.legend(loc="outside upper right", ncols=2)
        style.save(fig, stem)
