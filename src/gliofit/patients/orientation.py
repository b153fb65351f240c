"""Whether a brain lies as its header says, told from its shape alone: which end is up, which is the front."""

from __future__ import annotations

import base64
import json
import zlib
from functools import cache
from importlib import resources
from itertools import permutations, product
from pathlib import Path

import numpy as np

from gliofit.base import grids
from gliofit.base.arrays import Array

SHAPE_FILE = "adult_brain.json"
"""Brain of the ICBM MNI152 2009a template (as nilearn has it), 6 mm, as bits; a test makes it anew."""

BETTER, ON_ITS_SIDE = 0.02, 0.04
"""
Dice by which a flip, or another order of the axes, must fit better than what the header says. Of the six shared
patients five fit an adult's brain by 0.90 to 0.92 as they are, and by 0.83 to 0.87 in the best of the 23 other ways.
The sixth, whose header is an identity, fits by 0.81, and by 0.89 with front and back exchanged. A brain that is cut
off at one side can fit on its side by 0.03 better.
"""

COARSE_MM = 4.0

WAYS = ("left and right", "front and back", "top and bottom")


@cache
def _adult() -> tuple[Array, Array]:
    """
    A brain's mask, bool [x, y, z], and the places of all voxels less the brain's centre, over its spread along each
    axis, (n, 3).
    """
    stored = json.loads((resources.files(__package__) / SHAPE_FILE).read_text(encoding="utf-8"))
    shape = tuple(stored["shape"])
    bits = np.frombuffer(zlib.decompress(base64.b64decode(stored["bits"])), np.uint8)
    mask = np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).astype(bool)
    places = grids.to_world(np.array(stored["affine"]), np.argwhere(np.ones(shape, bool)))
    inside = places[mask.ravel()]
    return mask, (places - inside.mean(0)) / inside.std(0)


def overlaps(brain: Array, affine: Array) -> dict[tuple[tuple[int, ...], tuple[int, ...]], float]:
    """
    Dice of a brain with an adult's for each way that its axes could be confused.

    Centres and spreads along the axes are made equal first, so that place and size do not count. Left and right are
    not told apart: brains are too symmetric.

    Parameters
    ----------
    brain : ndarray of bool [x, y, z]
    affine : ndarray (4, 4)

    Returns
    -------
    dict of (axes, signs) → float
        Axis of the patient's world that takes the place of x, y and z, and the signs that they are taken with.
    """
    step = [max(1, round(COARSE_MM / edge)) for edge in grids.spacing_of(affine)]
    brain = brain[tuple(slice(None, None, n) for n in step)]
    affine = affine @ np.diag([*step, 1.0])
    mask, places = _adult()
    inside = grids.to_world(affine, np.argwhere(brain))
    centre, spread = inside.mean(0), inside.std(0)
    limit = np.array(brain.shape)
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], float] = {}
    for axes in permutations(range(3)):
        for back, down in product((1, -1), repeat=2):
            world = np.empty_like(places)
            world[:, axes] = places * (1, back, down)
            voxels = np.rint(grids.to_voxel(affine, world * spread + centre)).astype(int)
            there = ((voxels >= 0) & (voxels < limit)).all(1)
            seen = np.zeros(len(voxels), bool)
            seen[there] = brain[tuple(voxels[there].T)]
            both = np.count_nonzero(seen & mask.ravel())
            found[axes, (1, back, down)] = 2 * both / (np.count_nonzero(seen) + np.count_nonzero(mask))
    return found


def turned(source: Path | None, brain: Array, affine: Array) -> list[str]:
    """
    Whether a brain has the shape of one that lies another way than its header says.

    Parameters
    ----------
    source : path
        Of what the brain was told from.
    brain : ndarray of bool [x, y, z]
    affine : ndarray (4, 4)
    """
    found = overlaps(brain, affine)
    own = found[(0, 1, 2), (1, 1, 1)]
    upright = (0, 1, 2)
    gains = {way: overlap - own - (BETTER if way[0] == upright else ON_ITS_SIDE) for way, overlap in found.items()}
    axes, signs = max(gains, key=lambda way: gains[way])
    if gains[axes, signs] <= 0:
        return []
    best = found[axes, signs]
    ways = [way for way, sign in zip(WAYS, signs, strict=True) if sign < 0]
    what = f"{' and '.join(ways)} exchanged" if axes == upright else "its axes exchanged (a head on its side)"
    return [
        f"{source}: the brain has the shape of one with {what} (overlap with an adult's {best:.2f}, as the header says "
        f"{own:.2f}): are the axes in the header those of the image? Check the orientation in the pictures"
    ]
