"""
How many tumours a network needs: errors after the same training on a part of the shards, a table for docs/networks.md.

    python benchmarks/learning_curve.py --shards results/shards

Settings and seed are the default config's. Takes about seven CPU minutes a network and size; what is trained is kept in
results/benchmarks/learning_curve, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import yaml
from pages import put

from gliofit.base.errors import InputError
from gliofit.pipeline.config import load_config
from gliofit.training.loop import train
from gliofit.training.release import release
from gliofit.training.settings import SETTINGS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "results" / "benchmarks" / "learning_curve"
PARTS = (1 / 4, 1 / 2, 1)
ROLES = {
    "surrogate": ("MSE", {"mse": "{:.2e}"}),
    "inverse": ("origin, mm; μ_D; μ_ρ", {"origin_mm": "{:.2f}", "mu_D": "{:.1%}", "mu_rho": "{:.1%}"}),
}


def trained(role: str, part: float, shards: Path, settings: dict, seed: int) -> dict:
    """The card, with test errors, of a network trained on the first `part` of the training shards."""
    folder = FOLDER / f"{role}_{part:g}"
    released = folder / "released.safetensors"
    wanted = asdict(SETTINGS[role](**settings)) | {"seed": seed}
    if released.is_file():
        card = json.loads(released.with_suffix(".json").read_text())
        if card["settings"] | {"seed": card["seed"]} != wanted:
            raise InputError(f"{folder}: was trained with other settings; delete it to train anew")
    else:
        paths = sorted((shards / "train").glob("*.h5"), key=lambda p: int(p.name.split("-")[0]))
        log, weights = folder / "training.csv", folder / "weights.safetensors"
        if not weights.is_file():
            train(
                role,
                SETTINGS[role](**settings),
                paths[: round(part * len(paths))],
                sorted((shards / "validation").glob("*.h5")),
                weights,
                log_csv=log,
                figure_png=folder / "training.png",
                checkpoint=folder / "checkpoint.pt",
                seed=seed,
            )
        release(weights, log, {p.stem: [p] for p in sorted((shards / "test").glob("*.h5"))}, released)
    return json.loads(released.with_suffix(".json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--shards", type=Path, default=ROOT / "results" / "shards", help="train/, validation/, test/")
    parser.add_argument("--networks", nargs="+", default=list(ROLES), choices=list(ROLES))
    options = parser.parse_args()
    config = load_config(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()) | {"patients": None})
    for role in options.networks:
        (what, columns), rows = ROLES[role], []
        for part in PARTS:
            card = trained(role, part, options.shards, getattr(config.networks, role).given(), config.seeds.training)
            errors = [
                "; ".join(form.format(found[name]) for name, form in columns.items())
                for found in (card["metrics"], *card["test"].values())
            ]
            known, seen = card["data"]["train_samples"], card["settings"]["steps"] * card["settings"]["batch"]
            rows.append(f"| {known:,} | {seen:,} | {' | '.join(errors)} |")
            print(rows[-1], flush=True)
        sets = [("validation", card["data"]["validation_samples"])]
        sets += [(name, found["samples"]) for name, found in card["test"].items()]
        names = " | ".join(f"{name} ({count:,})" for name, count in sets)
        head = f"| `{role}` ({what}): tumours | samples seen | {names} |"
        put("networks.md", f"learning curve of {role}", [head, "|--:|--:|" + "--:|" * len(sets), *rows])


if __name__ == "__main__":
    main()
