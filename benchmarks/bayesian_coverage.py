"""
Coverage of TMCMC's intervals: analytic tumours and scans of them, drawn from prior and likelihood.

    python benchmarks/bayesian_coverage.py [--cases 24] [--samples 96]

Tumours that nobody would see, or that fill the head, are left out. Prints after each case how many of the 50 % and 90 %
intervals hold the truth, for each unknown and pooled.
"""

from __future__ import annotations

import argparse

import numpy as np
from analytic_tumour import Wave
from phantom import ball

from gliofit import Problem
from gliofit.inversion.posterior.likelihood import Likelihood
from gliofit.inversion.posterior.proposals import Walk
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.tmcmc import Settings, sample
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget

RANGES = {
    "mu_D": (3.0, 15.0),
    "mu_rho": (1.5, 3.5),
    "threshold_core": (0.5, 0.85),
    "threshold_whole": (0.05, 0.5),
    "pet_scale": (0.6, 1.02),
    "pet_background": (0.0, 0.5),
    "sigma_alpha": (0.05, 0.2),
    "sigma": (0.05, 0.2),
}
"""Of the prior; uniform in the logarithm, but for the background."""

MILLILITRES = (10, 120)
"""Of what FLAIR shows."""


def drawn(tissue, wave: Wave, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, float], np.ndarray] | None:
    """Origin, the other unknowns and the density of a tumour; None if it is one to leave out."""
    origin = rng.uniform(-30, 30, 3)
    if not tissue.mask[tuple(tissue.to_voxel(origin).round().astype(int))]:
        return None
    own = {
        name: rng.uniform(*ends) if name == "pet_background" else float(np.exp(rng.uniform(*np.log(ends))))
        for name, ends in RANGES.items()
    }
    if 2 * own["mu_D"] * own["mu_rho"] > 150:
        return None
    c = wave.density(np.array([*origin, own["mu_D"], own["mu_rho"]]))
    visible = (c > own["threshold_whole"]).sum() * float(np.prod(tissue.spacing)) / 1000
    return (origin, own, c) if MILLILITRES[0] < visible < MILLILITRES[1] and c.max() >= 0.9 else None


def scan(tissue, c: np.ndarray, own: dict[str, float], rng: np.random.Generator) -> JointTarget:
    """Outlines and a PET of a density, drawn from the likelihood."""
    labels = []
    for name in ("threshold_core", "threshold_whole"):
        away = (c - own[name]) / own["sigma_alpha"]
        alpha = np.where(tissue.mask, 0.5 + 0.5 * np.sign(away) * (1 - np.exp(-away * away)), 0)
        labels.append((rng.random(c.shape) < alpha).astype(np.float32))
    pet = own["pet_background"] + c / own["pet_scale"] + own["sigma"] * rng.normal(size=c.shape)
    region = (tissue.mask & (c > 0.1)).astype(np.float32)
    uptake = PETTarget(np.maximum(pet, 1e-6).astype(np.float32), region)
    return JointTarget((SegmentationTarget(*labels), uptake), (1.0, 1.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--samples", type=int, default=96)
    options = parser.parse_args()
    tissue = ball().working_grid(8.0)
    wave = Wave(Problem(tissue, np.full(tissue.shape, 0.3, np.float32)))
    rng, ranks = np.random.default_rng(11), []
    while len(ranks) < options.cases:
        found = drawn(tissue, wave, rng)
        if found is None:
            continue
        origin, own, c = found
        problem = Problem(tissue, scan(tissue, c, own, rng))
        posterior = Posterior(problem, ranges=RANGES)
        posterior.forward = Wave(problem)
        posterior.likelihood = Likelihood(tissue, problem.target, posterior._centre, posterior.radius)
        settings = Settings(options.samples, moves=10, first=8, final=2, seed=len(ranks))
        values = posterior.parameters(sample(posterior, Walk(0.04, 0.8, 0.6), settings).unit)
        truth = np.array([*origin, *(own[name] for name in posterior.names[3:])])
        ranks.append((values < truth).mean(0))
        inside = {share: np.abs(np.array(ranks) - 0.5) <= share / 2 for share in (0.5, 0.9)}
        for share, held in inside.items():
            each = dict(zip(posterior.names, held.mean(0).round(2).tolist(), strict=True))
            print(f"{len(ranks)} cases, {share:.0%}: {held.sum()} of {held.size}; {each}", flush=True)


if __name__ == "__main__":
    main()
