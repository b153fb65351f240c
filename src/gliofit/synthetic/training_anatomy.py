"""The anatomy of a training shard: the atlas, or a deformation of it."""

from __future__ import annotations

import numpy as np

from gliofit.anatomy.deformation import deformed
from gliofit.anatomy.tissue import Tissue

ATLAS_EVERY = 4
"""Of the training shards, every fourth (from the first on) shows the atlas itself."""


def of_shard(tissue: Tissue, amount: float, seed: int, shard: int) -> Tissue:
    """
    The anatomy of a training shard: every fourth is the atlas itself, the others are deformations of it.

    Parameters
    ----------
    tissue : Tissue
        The atlas.
    amount : float
        See `deformed`; 0: every shard shows the atlas.
    seed, shard : int
        Together they determine the deformation.
    """
    if shard % ATLAS_EVERY == 0:
        return tissue
    return deformed(tissue, amount, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(shard,))))
