"""
Dice of surrogates on tumours of Ezhov 2021's prior (D, ρ, T; origins anywhere), by anatomy.

    python benchmarks/ezhov_tumours.py --tumours 20 results/anatomy/sri24 results/anatomy/mni152 results/ID/prepared
    python benchmarks/ezhov_tumours.py --networks resources/weights/surrogate.safetensors MINE.safetensors … FOLDER…

Folders have wm, gm and csf.nii.gz. The first is also deformed, five times and otherwise than for training; tumours are
shared out among these heads. What is compared is the solver's density on the whole brain, in a crop about the origin;
MAE is over the tumour (density ≥ 0.001). Printed as Markdown; `--csv` keeps every tumour.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import pandas as pd

from gliofit.anatomy.tissue import Tissue
from gliofit.base.threads import torch_threads
from gliofit.evaluation.geometry_aware_scores import LEVELS, Model, forward_surrogate, geometry_aware, scores
from gliofit.networks import load_geometry_aware, load_surrogate
from gliofit.synthetic.physical_prior import PhysicalPrior
from gliofit.synthetic.physical_shards import PhysicalDataset, physical_split

ROOT = Path(__file__).parents[1]

HEADS, DEFORMATION = 5, 4.0
"""Deformed heads, and the standard deviation of the displacement on each axis, mm."""


def model(path: Path) -> tuple[Model, dict]:
    """A network as a model, and its card."""
    card = json.loads(path.with_suffix(".json").read_text())
    if card["role"] == "geometry_aware":
        return geometry_aware(load_geometry_aware(path)), card
    return forward_surrogate(load_surrogate(path)), card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--networks", nargs="+", type=Path, default=[ROOT / "resources/weights/surrogate.safetensors"])
    parser.add_argument("--tumours", type=int, default=20, help="in each anatomy")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--csv", type=Path)
    given = parser.parse_args()
    loaded = {path.stem if path.stem != "weights" else path.parent.name: model(path) for path in given.networks}
    card = next(iter(loaded.values()))[1]
    models = {name: own for name, (own, _) in loaded.items()}
    anatomies = [(f"{given.folders[0].name}, deformed", given.folders[0], HEADS, DEFORMATION)]
    anatomies += [
        (folder.parent.name if folder.name == "prepared" else folder.name, folder, 1, 0.0) for folder in given.folders
    ]
    tables = []
    with tempfile.TemporaryDirectory() as scratch, torch_threads(1):
        for number, (name, folder, heads, amount) in enumerate(anatomies):
            tissue = Tissue.from_nifti(*(folder / f"{m}.nii.gz" for m in ("wm", "gm", "csf")))
            paths = [Path(scratch) / f"{number}-{head}.h5" for head in range(heads)]
            about = {"deformation": amount, "seed": given.seed, "split": "test"}
            physical_split(tissue, paths, given.tumours, card["shape"], card["spacing"], PhysicalPrior(), **about)
            tables.append(scores(PhysicalDataset(paths), models, "unseen", f"10/{name}"))
            print(f"{name}: done", flush=True)
    frame = pd.concat(tables)
    if given.csv:
        frame.to_csv(given.csv, index=False)
    print("\n| anatomy | network | tumours | Dice at 0.2 | at 0.4 | at 0.8 | MAE, tumour | CPU ms |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    wide = frame.pivot(index=["case", "method"], columns="metric", values="value").reset_index()
    order = {name: number for number, (name, *_) in enumerate(anatomies)}
    wide = wide.sort_values("case", key=lambda cases: cases.str.split("/").str[1].map(order), kind="stable")
    for (name, method), rows in wide.groupby([wide["case"].str.split("/").str[1], "method"], sort=False):
        means = rows[[*LEVELS, "mae_tumour", "ms"]].mean()
        cells = " | ".join(f"{means[level]:.3f}" for level in (*LEVELS, "mae_tumour"))
        print(f"| {name} | `{method}` | {len(rows)} | {cells} | {means['ms']:.0f} |")


if __name__ == "__main__":
    main()
