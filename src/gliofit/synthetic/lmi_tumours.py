"""Learn-Morph-Infer's tumours: D, ρ and T drawn from the paper's ranges, grown with or without mass effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.growth import growth_model, simulate
from gliofit.growth.theta import Theta
from gliofit.networks.lmi_part import TIMES
from gliofit.synthetic.lmi_models import MODELS
from gliofit.synthetic.prior import SPLITS, OriginSampler, Prior, Sample, accepted, visible_volume, within
from gliofit.synthetic.shards import write_shard


def grown(tissue: Tissue, theta: Theta, model: str, gamma: float, threads: int = 1) -> Array:
    """
    Density [x, y, z] by one of `lmi_models.MODELS`; `gamma` (kPa) is for mass effect.

    Raises
    ------
    InputError
        If that γ moves tissue further than the model can describe.
    """
    if model not in MODELS:
        raise InputError(f"the study of Learn-Morph-Infer has no growth model '{model}'; it has: {', '.join(MODELS)}")
    if model == "fisher_kolmogorov":
        return simulate(tissue, theta, threads=threads)
    return growth_model(model).grow(tissue, np.append(theta.to_array(), gamma), threads=threads)


def lmi_samples(
    tissue: Tissue, prior: Prior, count: int, seed: tuple[int, ...], *, model: str, gamma: float, threads: int = 1
) -> Iterator[Sample]:
    """
    Accepted tumours, one after another, seeded as by `prior.accepted`.

    D, ρ and T are uniform in `TIMES`. What the paper says of sizes (Sec. 3.1: between the smallest and the largest of
    BraTS) is here the prior's volume, of the tumour without mass effect and of that with it; μ_D and μ_ρ lie in the
    prior's ranges.

    Parameters
    ----------
    tissue : Tissue
        Whole brain on the working grid.
    prior : Prior
    count : int
    seed : tuple of int
    model : str
        Of `MODELS`.
    gamma : float
        kPa.
    threads : int

    Raises
    ------
    InputError
        If 1000 candidates in a row are not accepted.
    """
    origins = OriginSampler(tissue)

    def candidate(rng: np.random.Generator) -> Sample | None:
        theta, days = _drawn(prior, origins, rng)
        density = simulate(tissue, theta, threads=threads)
        if model != "fisher_kolmogorov":
            # a tenth of the time tells whether the tumour that pushes is worth simulating
            if not prior.volume[0] <= visible_volume(prior.visible, tissue, density) <= prior.volume[1]:
                return None
            try:
                density = grown(tissue, theta, model, gamma, threads)
            except InputError:  # it pushes too hard
                return None
        return within(prior, tissue, theta, density, days)

    refusal = "none of {attempts} tumours of Learn-Morph-Infer's ranges has a volume of the prior"
    yield from accepted(candidate, count, seed, refusal)


def _drawn(prior: Prior, origins: OriginSampler, rng: np.random.Generator) -> tuple[Theta, float]:
    """One candidate and its age in days, before its volume is known."""
    origin = origins.draw(rng)
    while True:
        diffusivity, rate, days = TIMES.from_unit(rng.random(3))
        theta = Theta.from_physical(origin, diffusivity, rate, float(days))
        ranges = zip((theta.mu_D, theta.mu_rho), (prior.mu_D, prior.mu_rho), strict=True)
        inside = all(low <= v <= high for v, (low, high) in ranges)
        if inside and 2 * theta.mu_D * theta.mu_rho <= prior.longest_wave:
            return theta, float(days)


def simulate_lmi_shard(
    tissue: Tissue,
    path: str | Path,
    count: int,
    shape: Sequence[int],
    *,
    model: str,
    gamma: float,
    seed: int,
    split: str,
    shard: int,
    prior: Prior | None = None,
    threads: int = 1,
    progress: bool = True,
) -> None:
    """
    Grow `count` tumours and write one shard, with the tumours' ages as the dataset `days`.

    Parameters
    ----------
    tissue, path, count, shape, seed, split, shard, prior, threads, progress
        As for `shards.simulate_shard`.
    model : str
        Of `MODELS`; both see tumours of their own.
    gamma : float
        kPa.
    """
    prior = prior or Prior()
    key = (seed, SPLITS.index(split), shard, MODELS.index(model))
    drawn = lmi_samples(tissue, prior, count, key, model=model, gamma=gamma, threads=threads)
    # a shard's rows have four numbers for a seed; which model it is, its folder tells
    named = (replace(sample, seed=(*sample.seed[:3], sample.seed[-1])) for sample in drawn)
    bar = tqdm(named, f"{model} {split} {shard}", count, unit="tumour", disable=not progress)
    write_shard(path, tissue, bar, count, shape, split=split, shard=shard, prior=prior)
