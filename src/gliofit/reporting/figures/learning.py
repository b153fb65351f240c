"""How the networks learned: losses over optimisation steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gliofit.base.errors import InputError
from gliofit.reporting.figures import style

ACROSS = 4
"""Panels in a row."""


def learning(stem: str | Path, logs: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """
    Training and validation loss of every network, one panel each, `ACROSS` in a row, as pdf and png.

    Parameters
    ----------
    stem : path without suffix
    logs : mapping of network → rows
        Each with step, train_loss and the validation's mse_tissue (surrogates) or mse, in the loss's own unit.

    Raises
    ------
    InputError
        If a network has no rows.
    """
    if not logs or not all(logs.values()):
        raise InputError("figure of learning: there is a network without a training log")
    rows_of_panels = -(-len(logs) // ACROSS)
    with style.figure(style.PAGE, 0.4 + 1.6 * rows_of_panels) as fig:
        grid = fig.subplots(rows_of_panels, min(ACROSS, len(logs)), squeeze=False)
        axes = grid.ravel()
        for ax in axes[len(logs) :]:
            ax.set_axis_off()
        for ax, (name, rows) in zip(axes, logs.items(), strict=False):
            own = "mse_tissue" if "mse_tissue" in rows[0] else "mse"
            steps = [float(row["step"]) for row in rows]
            for key, label, colour in (
                ("train_loss", "training", style.MUTED),
                (own, "validation", style.PALETTE[0]),
            ):
                ax.semilogy(steps, [float(row[key]) for row in rows], color=colour, label=label)
            ax.set(title=name.replace("_", " "))
        for ax in axes[max(0, len(logs) - grid.shape[1]) : len(logs)]:
            ax.set_xlabel("Step")
        for ax in grid[:, 0]:
            ax.set_ylabel("Loss (MSE)")
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
        style.save(fig, stem)
