"""Corner plot of a posterior: each unknown alone, and every two together."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gliofit.inversion.samples import Samples
from gliofit.reporting.figures.style import INK, OURS, PAGE, figure, save

BINS = 24


def draw_corner(stem: str | Path, samples: Samples) -> None:
    """
    Draw the sampled unknowns that vary, with their 90 % intervals.

    Parameters
    ----------
    stem : path
        Without suffix.
    samples : Samples
    """
    shown = {name: a for name, a in samples.unknowns.items() if np.ptp(a) > 0}
    last = len(shown) - 1
    with figure(PAGE, PAGE) as fig:
        axes = fig.subplots(len(shown), len(shown), squeeze=False)
        for i, (row, y) in enumerate(shown.items()):
            for j, (column, x) in enumerate(shown.items()):
                ax = axes[i, j]
                if j > i:
                    ax.set_visible(False)
                    continue
                ax.locator_params(nbins=3)
                ax.tick_params(labelbottom=i == last, labelleft=j == 0 < i, labelsize=4.5, length=1.5, pad=1)
                if i == j:
                    low, high = np.quantile(x, (0.05, 0.95))
                    ax.hist(x, BINS, color=OURS, alpha=0.8)
                    ax.set_yticks([])
                    for end in (low, high):
                        ax.axvline(end, color=INK, lw=0.5, ls="--")
                    ax.set_title(f"{low:.3g} … {high:.3g}", fontsize=4.8)
                else:
                    ax.plot(x, y, ".", ms=1.2, mew=0, color=OURS, alpha=0.5, rasterized=True)
                if i == last:
                    ax.set_xlabel(column.replace("_", " "), fontsize=5)
                if j == 0 < i:
                    ax.set_ylabel(row.replace("_", " "), fontsize=5)
        save(fig, stem)
