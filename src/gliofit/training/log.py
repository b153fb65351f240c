"""What a training run leaves to read: its losses as CSV and as a figure."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from gliofit.base.files import whole_file, write_text


def write_log(path: str | Path, rows: list[dict[str, float]]) -> None:
    """The log as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: v if k == "step" else f"{v:.6g}" for k, v in row.items()} for row in rows)
    write_text(path, text.getvalue())


def draw_losses(path: str | Path, rows: list[dict[str, float]], title: str) -> None:
    """Losses over steps, on a logarithmic axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    steps = [row["step"] for row in rows]
    own = "mse_tissue" if "mse_tissue" in rows[0] else "mse"
    for name, label in (("train_loss", "training"), (own, "validation")):
        axes.semilogy(steps, [row[name] for row in rows], marker=".", label=label)
    axes.set(xlabel="step", ylabel="loss (MSE)", title=title)
    axes.legend()
    with whole_file(path) as part:
        figure.savefig(part, dpi=150)
