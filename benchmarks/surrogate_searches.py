"""
`gb_surrogate` and `hybrid` by either of their searches, on the same tumours.

    python benchmarks/surrogate_searches.py [--number 24] [--seed 80] [--spacing 2]

Tumours of the default prior in SRI24, densities seen whole, released networks, one thread, one process; each tumour is
fitted by one after the other. Printed: processor seconds, surrogate runs and the density's mean squared error, means
and medians.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from cases import brain

from gliofit import invert
from gliofit.inversion.registry import ready
from gliofit.synthetic.prior import Prior, samples

WEIGHTS = Path(__file__).parents[1] / "resources" / "weights"
ROLES = {"gb_surrogate": ("surrogate",), "hybrid": ("surrogate", "inverse")}
SEARCHES = ("lbfgs", "gauss_newton")


def main(number: int, seed: int, spacing: float) -> None:
    tissue, found = brain(spacing), {}
    networks = {name: ready(name, [WEIGHTS / f"{role}.safetensors" for role in roles]) for name, roles in ROLES.items()}
    for index, tumour in enumerate(samples(tissue, Prior(), number, seed)):
        for name in ROLES:
            for search in SEARCHES:
                begun = time.process_time()
                fit = invert(tumour.density, tissue, name, networks=networks[name], search=search, threads=1)
                row = time.process_time() - begun, fit.evaluations, np.mean((fit.density - tumour.density) ** 2)
                if index or number == 1:  # the first has what is loaded once in it
                    found.setdefault((name, search), []).append(row)
        print(f"{index + 1} of {number}", flush=True)
    print("method search: CPU s, surrogate runs, MSE; mean (median)")
    for (name, search), rows in found.items():
        pairs = zip(np.mean(rows, 0), np.median(rows, 0), strict=True)
        print(f"{name} {search}: {', '.join(f'{mean:.3g} ({median:.3g})' for mean, median in pairs)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=24)
    parser.add_argument("--seed", type=int, default=80)
    parser.add_argument("--spacing", type=float, default=2.0, help="mm")
    main(**vars(parser.parse_args()))
