"""Release of a trained network: weights, the card that loading needs, and a page about them for people."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from gliofit.base.files import write_text
from gliofit.base.threads import torch_threads
from gliofit.growth.theta import SYMBOLS
from gliofit.networks.inverse import SegmentationInverse
from gliofit.networks.lmi import REACH_MM
from gliofit.networks.weights import card_path, load_network
from gliofit.synthetic.rough_views import RoughViews
from gliofit.training.loop import held_out
from gliofit.training.losses import DICES, validate
from gliofit.training.settings import Settings

TITLES = {
    "surrogate": "Forward surrogate: θ and anatomy → tumour cell density",
    "inverse": "Direct inverse: tumour cell density and anatomy → θ",
    "inverse_segmentation": "Direct inverse: tumour core, whole tumour and anatomy → θ",
    "lmi": "Learn-Morph-Infer: tumour core and whole tumour in the atlas's space → θ",
    "geometry_aware": "Geometry-aware surrogate: D, ρ, T and the anatomy about an origin → tumour cell density",
}

METRICS = {
    "mse": "MSE",
    "mse_tissue": "MSE over tissue",
    "mse_relative": "MSE relative to predicting zero (ratio of the means)",
    "origin_mm": "origin, mean distance (mm)",
    "mu_D": "μ_D, mean relative error",
    "mu_rho": "μ_ρ, mean relative error",
    "loss": "mean absolute error over the tumour + that over CSF",
    **{name: f"Dice at {level:g}" for name, level in DICES.items()},
}

LIMITS = {
    "surrogate": (
        "Trained on tumours of 5–250 ml (c > 0.25) that one focus grows in healthy tissue; mass effect, necrosis, "
        "resection and several foci are unknown to it. Beyond the ranges of θ above it extrapolates."
    ),
    "inverse": (
        "It answers within the ranges of θ above, whatever it is shown. It was trained on noiseless densities of one "
        "focus: what is inferred from a scan is another matter."
    ),
    "inverse_segmentation": (
        "It answers within the ranges of θ above, whatever it is shown. It was trained on outlines of simulated "
        "tumours of one focus, without necrosis or resection; a tumour's outlines leave θ less determined than its "
        "density."
    ),
    "lmi": (
        "It answers within the ranges of θ above, whatever it is shown. It was trained on one brain, the atlas (with "
        "`flip`, mirrored, too), and on outlines of simulated tumours of one focus at random thresholds; the errors "
        "below are for such outlines in the anatomy's own space, without those of a registration. Outlines whose "
        "thresholds are unknown tell the width of a front poorly."
    ),
    "geometry_aware": (
        "The origin is at voxel n/2 of the crop, to the nearest voxel; so the density has no derivative in it. Trained "
        "on tumours of all sizes that have cells of density 0.25, in deformations of one atlas. Beyond the ranges it "
        "extrapolates. It may leave [0, 1], and find cells in CSF: `GeometryAware.predict` clips."
    ),
}

PLAIN = "All errors are of the network's plain answer; in use it is"

ERRORS = {
    "surrogate": "MSE is the mean over the crop; the last column divides its mean over the samples by that of zero's.",
    "inverse": (
        f"MSE is of θ scaled to the unit cube of its range. {PLAIN} averaged with that to the mirror image and clipped "
        "to the range."
    ),
    "inverse_segmentation": (
        "MSE is of the origin scaled to the unit cube of its range, and of log(μ_D·μ_ρ) and log(μ_D/μ_ρ) in units of "
        f"{' and '.join(f'{scale:g}' for scale in SegmentationInverse.scales)} (`SegmentationInverse.to_unit`). "
        f"{PLAIN} averaged with that to the mirror image and clipped to the range."
    ),
    "lmi": (
        "MSE is of the network's outputs before they become θ (`Lmi.to_unit`): with `gliofit` the origin in units of "
        f"{2 * REACH_MM:g} mm, log(μ_D·μ_ρ) and log(μ_D/μ_ρ) in units of their ranges; with `ezhov` θ in units of its "
        f"range. {PLAIN} clipped to the range."
    ),
    "geometry_aware": (
        "MSE is the mean over the crop. Dice is of what lies above a density, in the tumours that have, or are said to "
        "have, such a voxel."
    ),
}
"""What the numbers of the page's table are of."""


def release(
    weights: str | Path,
    log_csv: str | Path,
    tests: dict[str, Sequence[str | Path]],
    out_path: str | Path,
    *,
    about: str = "",
    threads: int = 1,
) -> dict[str, Any]:
    """
    Test a network and write it for release.

    Parameters
    ----------
    weights : path
        As written by `gliofit.training.loop.train`, the card beside them.
    log_csv : path
        Of the training run.
    tests : dict of name → shards
        Test sets.
    out_path : path
        `.safetensors`; the card is written beside it as `.json`, the page as `.md`.
    about : str
        A sentence on the training tumours, where the role does not tell enough.
    threads : int
        CPU threads.

    Returns
    -------
    dict
        The card, with the results under `test` and the training log under `log`.
    """
    card = json.loads(card_path(weights).read_text())
    with torch_threads(threads):
        network = load_network(weights, card["role"])
        card["test"] = {}
        for name, shards in tests.items():
            data = held_out(network, shards)
            found = validate(network, data, torch.device("cpu"))
            card["test"][name] = {"samples": len(data), "sha256": data.sha256(), **found}
            if network.role == "inverse_segmentation":
                views = RoughViews(data.shape, data.spacing)
                found = validate(network, data, torch.device("cpu"), views=views)
                card["test"][f"{name}, rough outlines"] = {"samples": len(data), "sha256": data.sha256(), **found}
    out_path = Path(out_path)
    out_path.parent.mkdir(parents=True, exist_ok=True)
    with Path(log_csv).open() as file:
        log = list(csv.DictReader(file))
    card |= {"about": about} if about else {}
    card["log"] = [{name: float(value) for name, value in row.items()} for row in log]
    shutil.copyfile(weights, out_path)
    write_text(card_path(out_path), json.dumps(card, indent=2))
    write_text(out_path.with_suffix(".md"), page(card, log))
    return card


def page(card: dict[str, Any], log: list[dict[str, str]]) -> str:
    """The card and the training log as Markdown."""
    settings, data = card["settings"], card["data"]
    physical = card["role"] == "geometry_aware"
    box = zip(("D", "ρ", "T") if physical else SYMBOLS, card["box"]["lower"], card["box"]["upper"], strict=True)
    units = "D in mm²/day, ρ in 1/day, T in days" if physical else "origin in mm from the crop's centre, μ_D in mm"
    size = " × ".join(map(str, card["shape"]))
    known = [name for name in METRICS if name in card["metrics"]]
    sets = {"validation": card["metrics"], **{f"test, {name}": found for name, found in card.get("test", {}).items()}}
    counts = {"validation": data["validation_samples"]} | {
        f"test, {name}": found["samples"] for name, found in card.get("test", {}).items()
    }
    lines = [
        f"# {TITLES[card['role']]}",
        "",
        f"Architecture `{card['architecture']}`, width {_widths(card)}, {card['parameters']:,} parameters; crops of "
        f"{size} voxels at {card['spacing']:g} mm (RAS). This page was generated with the weights; "
        "`gliofit.networks.weights` reads the JSON beside it.",
        "",
        f"- **Range of θ**: {', '.join(f'{n} {low:g} … {high:g}' for n, low, high in box)} ({units}).",
        f"- **Data**: {data['train_samples']:,} simulated tumours for training, {data['validation_samples']:,} for "
        f"validation (SHA-256 of the shards {data['train_sha256'][:12]}…, {data['validation_sha256'][:12]}…)."
        + (f" {card['about']}" if "about" in card else ""),
        f"- **Training**: seed {card['seed']}, {settings['steps']:,} steps of {settings['batch']} samples, "
        f"{_duration(card)}; the weights are those of step {card['best_step']:,}, the best in validation.",
        f"- **Settings**: {', '.join(f'{k} {v}' for k, v in settings.items())}.",
        f"- **Versions**: {', '.join(f'{k} {v}' for k, v in card['versions'].items())}.",
        f"- **Limits**: {LIMITS[card['role']]}",
        "",
        f"| set | samples | {' | '.join(METRICS[name] for name in known)} |",
        f"|---|--:|{'--:|' * len(known)}",
        *(
            f"| {name} | {counts[name]:,} | {' | '.join(f'{found[k]:.3g}' for k in known)} |"
            for name, found in sets.items()
        ),
        "",
        ERRORS[card["role"]],
        "",
        "| step | grid, mm | training loss | validation MSE |",
        "|--:|--:|--:|--:|",
        *(
            f"| {int(row['step']):,} | {card['spacing'] * _coarser(settings, int(row['step'])):g} "
            f"| {float(row['train_loss']):.3g} | {float(row['mse']):.3g} |"
            for row in log
        ),
    ]
    return "\n".join(lines) + "\n"


def _coarser(settings: dict[str, Any], step: int) -> int:
    """The factor on the spacing at which a step was trained and validated."""
    coarse = {int(factor): share for factor, share in settings.get("coarse", {}).items()}  # JSON's keys are text
    if not coarse:
        return 1
    return Settings(architecture=settings["architecture"], steps=settings["steps"], coarse=coarse).part(step - 1)[2]


def _duration(card: dict[str, Any]) -> str:
    wall = f"{card['seconds'] / 60:.0f} minutes"
    return (
        f"{card['cpu_seconds'] / 60:.0f} minutes of CPU time ({wall} by the clock)" if "cpu_seconds" in card else wall
    )


def _widths(card: dict[str, Any]) -> str:
    """Channels of the finest grid and, where they are given, of the coarser ones."""
    return ", ".join(map(str, [card["width"], *card.get("options", {}).get("deeper", [])]))
