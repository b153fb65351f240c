"""Figure 1b: the surrogate's density beside the numerical solver's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from gliofit.base.errors import InputError
from gliofit.evaluation.surrogate_scores import ForwardCase
from gliofit.reporting.figures import style
from gliofit.reporting.figures.slices import Plane, anatomy, canonical


def forward(
    stem: str | Path,
    cases: list[ForwardCase],
    titles: tuple[str, str] = ("Numerical solver", "Surrogate"),
    labels: list[str] | None = None,
) -> None:
    """
    Figure 1b: one row per case – anatomy with origin, solver, surrogate, difference – as pdf and png.

    Slices are axial, through most of the solver's tumour. The difference's colours saturate at its largest value over
    all cases, so rows compare.

    Parameters
    ----------
    stem : path without suffix
    cases : list of ForwardCase
    titles : tuple of str
        Of the columns with `truth` and `predicted`.
    labels : list of str, optional
        Beside the rows; their θ by default.

    Raises
    ------
    InputError
        If there is no case.
    """
    if not cases:
        raise InputError("figure 1b needs at least one case")
    limit = max(float(np.abs((c.predicted - c.truth)[c.tissue.mask]).max(initial=0)) for c in cases)
    limit = min(1.0, max(0.05, np.ceil(20 * limit) / 20))
    with style.figure(style.PAGE, 0.65 + 1.55 * len(cases)) as fig:
        axes = fig.subplots(len(cases), 4, squeeze=False)
        for row, case, label in zip(axes, cases, labels or [""] * len(cases), strict=True):
            density, difference = _row(row, case, limit, label)
        for ax, title in zip(axes[0], ("Tissue and origin", *titles, "Difference"), strict=True):
            ax.set_title(title)
        options: dict[str, Any] = {"location": "bottom", "aspect": 30, "pad": 0.02, "fraction": 0.06}
        for shown, columns, label in (
            (density, axes[:, 1:3], "Cell density $c$"),
            (difference, axes[:, 3], r"$\Delta c$"),
        ):
            bar = fig.colorbar(shown, ax=columns, label=label, shrink=0.55 if columns.ndim > 1 else 0.9, **options)
            bar.outline.set_linewidth(0.4)
            bar.locator = MaxNLocator(4)
            bar.update_ticks()
        style.save(fig, stem)


def _row(row, case: ForwardCase, limit: float, label: str | None):
    mask = case.tissue.mask
    fields = [anatomy(case.tissue), case.truth * mask, case.predicted * mask, (case.predicted - case.truth) * mask]
    turned = [canonical(field.astype(np.float32), case.tissue.affine) for field in fields]
    (tissue, truth, predicted, difference), affine = [field for field, _ in turned], turned[0][1]
    plane = Plane.through(truth, affine)
    for ax in row[:3]:
        plane.image(ax, tissue, cmap="gray", vmin=0, vmax=1.1, interpolation="bilinear")
    shown = plane.image(row[1], truth, cmap=_faded(), vmin=0, vmax=1, interpolation="nearest")
    plane.image(row[2], predicted, cmap=_faded(), vmin=0, vmax=1, interpolation="nearest")
    change = plane.image(
        row[3], difference, cmap=style.DIFFERENCE_MAP, vmin=-limit, vmax=limit, interpolation="nearest"
    )
    plane.outline(row[3], tissue > 0.1, [0.5], colors=style.MUTED, linewidths=0.3)
    origin = np.linalg.inv(affine) @ [*case.theta.origin, 1]
    x, y = (origin[:2] + 0.5) * plane.spacing[:2]
    row[0].plot(x, y, marker="+", color=style.OURS, ms=7, mew=1.2)
    for ax in row:
        plane.window(ax, np.ones(tissue.shape, bool), margin=0)
    plane.scale_bar(row[0])
    plane.sides(row[0])
    label = label or rf"$\mu_D$ = {case.theta.mu_D:.1f} mm, $\mu_\rho$ = {case.theta.mu_rho:.1f}"
    row[0].text(-0.04, 0.5, label, rotation=90, ha="right", va="center", transform=row[0].transAxes, size=6.5)
    row[3].text(
        0.97, 0.97, f"MSE {style.scientific(case.error)}", transform=row[3].transAxes, ha="right", va="top", size=6
    )
    return shown, change


def _faded():
    """The density's colours, transparent where it vanishes, so that anatomy shows through."""
    colours = style.mpl.colormaps[style.DENSITY_MAP](np.linspace(0, 1, 256))
    colours[:, 3] = np.clip(np.linspace(0, 1, 256) / 0.05, 0, 1)
    return style.mpl.colors.ListedColormap(colours)
