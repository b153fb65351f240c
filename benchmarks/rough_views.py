"""
What the network of outlines is trained on, beside real segmentations: a table for docs/networks.md.

    python benchmarks/rough_views.py results/shards/train/*.h5 [--number 100] [--write]

Volumes, shares of core, pieces, surfaces and smoothness (`gliofit.evaluation.outline_shapes`) of rough and smooth views
of training samples, and of the six public segmentations that the cohort is measured by.
"""

from __future__ import annotations

import argparse
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pandas as pd
from pages import put

import gliofit.reporting.figures
from gliofit.evaluation.outline_shapes import shapes
from gliofit.synthetic.rough_views import RoughViews
from gliofit.synthetic.shards import ShardDataset
from gliofit.training.batches import outlined

REAL = Path(gliofit.reporting.figures.__file__).with_name("segmented_shapes.csv")
SHOWN = {
    "core_volume": ("core, ml", 1),
    "whole_volume": ("whole tumour, ml", 1),
    "ratio": ("core / whole", 2),
    "core_pieces": ("pieces of the core", 0),
    "whole_pieces": ("pieces of the whole tumour", 0),
    "whole_holes": ("holes of the whole tumour", 0),
    "core_surface": ("core, surface / ball's", 2),
    "whole_surface": ("whole tumour, surface / ball's", 2),
    "core_smoothness": ("core, Dice with itself smoothed", 3),
    "whole_smoothness": ("whole tumour, Dice with itself smoothed", 3),
}
QUANTILES = (0, 0.05, 0.5, 0.95, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", nargs="+", type=Path)
    parser.add_argument("--number", type=int, default=100, help="samples, of all shards in turn")
    parser.add_argument("--write", action="store_true", help="put the table into the documentation")
    given = parser.parse_args()
    sets = [ShardDataset([path]) for path in given.shards]
    samples = [data[k % len(data)] for k, data in enumerate(islice(cycle(sets), given.number))]
    spacing = sets[0].spacing
    views, rng = RoughViews(sets[0].shape, spacing), np.random.default_rng(0)
    started = time.process_time()
    seen = {"rough": [outlined(case, spacing, rng, views).density for case in samples]}
    seconds = (time.process_time() - started) / len(samples)
    seen["smooth"] = [outlined(case, spacing, rng).density for case in samples]
    rows = {
        name: pd.DataFrame([shapes(d > 0.75, d > 0.25, np.full(3, spacing)) for d in drawn])
        for name, drawn in seen.items()
    }
    rows["real"] = pd.read_csv(REAL, comment="#")
    lines = [
        f"Smallest, 5 %, median, 95 %, largest of {given.number} samples; smallest, median, largest of six real ones.",
        f"A rough view takes {1000 * seconds:.0f} CPU ms (`python benchmarks/rough_views.py`).",
        "",
        "| measure | rough | smooth | real |",
        "|---|---|---|---|",
    ]
    for name, (title, digits) in SHOWN.items():
        cells = []
        for kind, quantiles in (("rough", QUANTILES), ("smooth", QUANTILES), ("real", QUANTILES[::2])):
            values = rows[kind][name].dropna().quantile(list(quantiles))
            cells.append(", ".join(f"{value:.{digits}f}" for value in values))
        lines.append(f"| {title} | {' | '.join(cells)} |")
    print("\n".join(lines))
    if given.write:
        put("networks.md", "rough views", lines)


if __name__ == "__main__":
    main()
