"""Corner plot of a posterior: each unknown alone, and every two together."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from gliofit.inversion.samples import Samples
from gliofit.reporting.figures.style import INK, OURS, PAGE, figure, save

BINS = 24
"""At most; of few samples, as many as tell a shape from chance."""


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
    last, number = len(shown) - 1, len(samples.values)
    bins, dot = int(np.clip(1.5 * np.sqrt(number), 6, BINS)), float(np.clip(30 / np.sqrt(number), 1.2, 4))
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
                    ax.hist(x, bins, color=OURS, alpha=0.8)
                    ax.set_yticks([])
                    for end in (low, high):
                        ax.axvline(end, color=INK, lw=0.5, ls="--")
                    ax.set_title(_interval(low, high), fontsize=4.8)
                else:
                    ax.plot(x, y, ".", ms=dot, mew=0, color=OURS, alpha=0.5, rasterized=True)
                if i == last:
                    ax.set_xlabel(column.replace("_", " "), fontsize=5)
                if j == 0 < i:
                    ax.set_ylabel(row.replace("_", " "), fontsize=5)
        save(fig, stem)


def _interval(low: float, high: float) -> str:
    """With as many decimals as tell its ends apart."""
    digits = max(0, 1 - math.floor(math.log10(max(high - low, 1e-9))))
    return f"{low:.{digits}f} … {high:.{digits}f}".replace("-", "−")
