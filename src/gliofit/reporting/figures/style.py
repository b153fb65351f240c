"""One look for every figure: journal widths, colour-blind safe colours, files that do not change by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from gliofit.base.files import whole_file

COLUMN, PAGE = 3.5, 7.2
"""Widths of one column and of the page, inches."""

INK, MUTED, FAINT = "#1a1a1a", "#6b6b6b", "#d9d9d9"
OURS = "#D55E00"
PALETTE = ("#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#5D4E8C", "#8C6D31", "#4D4D4D", "#117733", "#882255")
"""Okabe and Ito's colours, then Tol's; vermillion is kept for our own method."""

DENSITY_MAP, DIFFERENCE_MAP, ERROR_MAP = "inferno", "RdBu_r", "viridis"
"""Perceptually uniform (density, error) and colour-blind safe diverging (difference)."""

CORE, WHOLE = "#56E0E9", "#7CFC9A"
"""Outlines of tumour core (solid) and whole tumour (dashed), readable on grey and on the density map."""

RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "mathtext.fontset": "dejavusans",
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "gliofit",
    "savefig.dpi": 300,
    "figure.facecolor": "white",
}


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """A figure of `width` × `height` inches in the house style, with constrained layout."""
    with mpl.rc_context(RC):
        yield Figure(figsize=(width, height), layout="constrained")


def save(fig: Figure, stem: str | Path) -> None:
    """
    Write `stem`.pdf (vector) and `stem`.png (300 dpi), without dates, so that equal figures are equal files.

    Call it inside the `figure` block.
    """
    for suffix, metadata in (("pdf", {"CreationDate": None}), ("png", {"Software": None})):
        with whole_file(f"{stem}.{suffix}") as part:
            fig.savefig(part, format=suffix, metadata=metadata)


def small_copy(source: str | Path, target: str | Path, width: int = 1100) -> None:
    """A PNG for a page: at most `width` pixels across, in 256 colours."""
    from PIL import Image

    with Image.open(source) as image:
        shape = (min(width, image.width), round(image.height * min(width, image.width) / image.width))
        small = image.convert("RGB").resize(shape, Image.Resampling.LANCZOS).quantize(256, dither=Image.Dither.NONE)
    with whole_file(target) as part:
        small.save(part, format="PNG", optimize=True)


def colours(methods: list[str], ours: str | None = None) -> dict[str, str]:
    """A colour per method by its place in the config; vermillion for `ours`."""
    others = [name for name in methods if name != ours]
    chosen = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(others)}
    return chosen | ({ours: OURS} if ours in methods else {})


def scientific(value: float) -> str:
    """1.3×10⁻³ in mathtext."""
    if not value > 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return rf"${mantissa}\times10^{{{int(exponent)}}}$"


def log_norm(values: np.ndarray) -> LogNorm:
    """Logarithmic colour scale over `values` (positive), widened to full decades if it spans less than two."""
    low, high = float(values.min()), float(values.max())
    if high < 100 * low:
        low, high = 10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high * 1.001))
    return LogNorm(low, high)


def panel_letter(ax: Axes, letter: str) -> None:
    """A bold letter above the panel's upper left corner."""
    ax.set_title(letter, loc="left", fontweight="bold", fontsize=8)
