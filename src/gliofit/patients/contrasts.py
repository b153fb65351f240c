"""Whether scans show what their columns say, and lie on each other: told from what is bright where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.masks import dilated
from gliofit.observation.labels import EDEMA, ENHANCING, NECROTIC

COARSE_MM = 4.0
"""Grid that all of this is told on."""

CLIP = (1.0, 99.0)
"""Percentiles that intensities are clipped to."""

RIM_MM, DEEP_MM = (3.0, 8.0), 18.0
"""Depths beneath the brain's surface: mostly cortex and sulci, and mostly white matter."""

DARK_DEEP = 0.75
"""T1 deep in the brain over T1 near its surface: 1.00 to 1.17 in the shared patients, 0.63 in an inverted T1."""

ALIKE = 0.0
"""Correlation of T1 and T1c in the brain: 0.39 to 0.71 in the shared patients; −0.77 inverted, −0.52 a T2 as T1."""

BRIGHT_FLUID = 1.2
"""
FLAIR over its median where the T1 is darkest (the ventricles): 0.38 to 0.62 in the shared patients, above 2 in a T2.
"""

DARKEST = 5.0
"""Percent of the T1, deeper than `RIM_MM`, that count as fluid."""

AWAY_MM = 4.0
"""The tumour and this rim around it are left out."""

BRIGHT_NECROSIS = 0.9
"""T1c in enhancing tumour over T1c in necrosis: 1.24 to 1.52 in the shared patients."""

DARK_EDEMA = 0.95
"""
Edema over the brain beside it on the FLAIR, by the same on the T1 (T1c): 1.20 to 1.90 (1.33 to 1.95) in the shared
patients, and one over that where the two are exchanged.
"""

EMPTY = 0.2
"""Share of the tumour without signal: what of it was cut or stripped away."""

GAIN = 1.05
"""Mutual information by which a moved scan must fit better; scans that lie on each other fit best as they are."""

FARTHEST = 8
"""Steps of the grid that a scan is moved by along each axis."""

BINS = 24


def empty(path: Path, scan: Array, labels: Array, brain: Array) -> list[str]:
    """Whether a scan has no signal (its background, 0) in much of the tumour."""
    tumour = (labels > 0) & brain
    share = float((scan[tumour] == 0).mean()) if tumour.any() else 0.0
    if share <= EMPTY:
        return []
    return [
        f"{path}: shows nothing (0) in {share:.0%} of the tumour: is its field of view cut there, or was the tumour "
        "stripped away? Look at it in the pictures"
    ]


def enhancing(path: Path, t1c: Array, labels: Array) -> list[str]:
    """Whether what is called necrosis is brighter on the T1c than what is called enhancing."""
    bright, dark = t1c[labels == ENHANCING], t1c[labels == NECROTIC]
    if min(bright.size, dark.size) < 50 or not dark.mean() > 0 or bright.mean() >= BRIGHT_NECROSIS * dark.mean():
        return []
    return [
        f"{path}: what the segmentation calls enhancing is darker on it than what it calls necrosis "
        f"({float(bright.mean() / dark.mean()):.2f} times as bright): are the two numbers exchanged, or is it no "
        "T1c?"
    ]


def edema(files: dict[str, Path], images: dict[str, Array], labels: Array, brain: Array, name: str) -> list[str]:
    """Whether edema stands out on the T1 or T1c (`name`) more than on the FLAIR."""
    seen = brain & (labels == EDEMA)
    seen = seen if np.count_nonzero(seen) >= 50 else brain & (labels > 0)
    beside = brain & (labels == 0)
    if not {name, "flair"} <= set(images) or np.count_nonzero(seen) < 50 or not beside.any():
        return []
    middles = [(np.median(images[n][seen]), np.median(images[n][beside])) for n in (name, "flair")]
    if min(min(pair) for pair in middles) <= 0:
        return []  # of normalised intensities, a ratio says nothing
    on_other, on_flair = (float(edema / usual) for edema, usual in middles)
    if on_flair >= DARK_EDEMA * on_other:
        return []
    return [
        f"{files['flair']}: shows edema {on_flair:.2f} times as bright as the brain beside it, {files[name].name} "
        f"{on_other:.2f} times: are the two exchanged, or is it no FLAIR?"
    ]


def check(files: dict[str, Path], images: dict[str, Array], labels: Array, brain: Array, affine: Array) -> list[str]:
    """
    Sentences on a T1, T1c or FLAIR that is another sequence, inverted, or does not lie on the others.

    Parameters
    ----------
    files : dict of path
    images : dict of ndarray [x, y, z]
        Columns t1, t1c and flair, as far as there are any.
    labels : ndarray of uint8 [x, y, z]
    brain : ndarray of bool [x, y, z]
    affine : ndarray (4, 4)
    """
    names = [name for name in ("t1", "t1c", "flair") if name in images]
    if not names or not brain.any():
        return []
    whole = brain
    scans, brain, free, depth, edges = _coarse({name: images[name] for name in names}, labels, brain, affine)
    if np.count_nonzero(free) < 1000:
        return []
    first = names[0]
    warnings = _sequence(files, scans, free, depth) or edema(
        files, images, labels, whole, "t1" if "t1" in images else "t1c"
    )
    if not warnings and "flair" in scans and first != "flair":
        warnings += _fluid(files["flair"], scans[first], scans["flair"], free & (depth > RIM_MM[1]))
    for name in names[1:]:
        warnings += _moved(files[name], files[first], scans[first], scans[name], brain, edges)
    return warnings


def _coarse(
    images: dict[str, Array], labels: Array, brain: Array, affine: Array
) -> tuple[dict[str, Array], Array, Array, Array, Array]:
    """Images, brain, brain without tumour, depth in mm and voxel edges on a grid of `COARSE_MM`, around the brain."""
    spacing = grids.spacing_of(affine)
    steps = [max(1, round(COARSE_MM / edge)) for edge in spacing]
    box = grids.box_of(brain, 2 * np.array(steps))
    every = tuple(slice(None, None, n) for n in steps)
    edges = spacing * steps
    # blocks in place of points: a single voxel is noisy
    scans = {name: ndimage.uniform_filter(image[box], steps, mode="nearest")[every] for name, image in images.items()}
    inside = brain[box][every]
    depth = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=edges)[1:-1, 1:-1, 1:-1]
    tumour = labels[box][every] > 0
    near = ndimage.distance_transform_edt(~tumour, sampling=edges) <= AWAY_MM if tumour.any() else tumour
    return {name: _clipped(scan, inside) for name, scan in scans.items()}, inside, inside & ~near, depth, edges


def _clipped(scan: Array, inside: Array) -> Array:
    return scan.clip(*np.percentile(scan[inside], CLIP))


def _sequence(files: dict[str, Path], scans: dict[str, Array], free: Array, depth: Array) -> list[str]:
    """Whether T1 and T1c are both weighted by T1."""
    if "t1" in scans and "t1c" in scans:
        seen = free & (scans["t1"] != 0) & (scans["t1c"] != 0)
        alike = np.corrcoef(scans["t1"][seen], scans["t1c"][seen])[0, 1] if seen.sum() > 1000 else 1.0
        if alike < ALIKE:
            return [
                f"{files['t1']}: is bright where {files['t1c'].name} is dark (correlation {alike:.2f} in the brain): "
                "is one of them inverted, or another sequence?"
            ]
    name = "t1" if "t1" in scans else "t1c"
    if name not in scans:
        return []
    rim, deep = free & (depth > RIM_MM[0]) & (depth < RIM_MM[1]), free & (depth > DEEP_MM)
    if min(rim.sum(), deep.sum()) < 100 or (scans[name][free] < 0).mean() > 0.05:
        return []  # of normalised intensities, a ratio says nothing
    ratio = float(np.median(scans[name][deep]) / max(float(np.median(scans[name][rim])), 1e-9))
    if ratio >= DARK_DEEP:
        return []
    return [
        f"{files[name]}: is darker deep in the brain than near its surface ({ratio:.2f} times as bright), as no T1 is: "
        "is it inverted, or another sequence?"
    ]


def _fluid(path: Path, t1: Array, flair: Array, deep: Array) -> list[str]:
    """Whether a FLAIR shows fluid bright, as a T2 does."""
    usual = float(np.median(flair[deep])) if deep.any() else 0.0
    if not usual > 0 or (flair[deep] < 0).mean() > 0.05:
        return []
    fluid = deep & (t1 <= np.percentile(t1[deep], DARKEST))
    ratio = float(np.median(flair[fluid])) / usual
    if ratio <= BRIGHT_FLUID:
        return []
    return [f"{path}: fluid is bright on it ({ratio:.2f} of the brain's median), as on a T2: is it a FLAIR?"]


def _moved(path: Path, other: Path, fixed: Array, moving: Array, brain: Array, edges: Array) -> list[str]:
    """Whether a scan fits another better when it is moved, or mirrored, than as their headers say."""
    around = dilated(brain, 2)
    fixed, moving = _levels(fixed), _levels(moving)
    known: dict[tuple[int, ...], float] = {}

    def fit(shift: tuple[int, ...]) -> float:
        if shift not in known:
            known[shift] = _information(fixed[around], np.roll(moving, shift, (0, 1, 2))[around])
        return known[shift]

    as_is: tuple[int, ...] = (0, 0, 0)
    best = as_is
    while max(map(abs, best)) < FARTHEST:
        steps = [tuple(int(n) for n in best + way) for way in (*np.eye(3, dtype=int), *-np.eye(3, dtype=int))]
        uphill = max([best, *steps], key=fit)
        if uphill == best:
            break
        best = uphill
    if best != as_is and fit(best) > GAIN * fit(as_is):
        distance = float(np.linalg.norm(np.array(best) * edges))
        return [
            f"{path}: lies about {distance:.0f} mm away from where {other.name} has the same: do the two belong "
            "together, and are they registered to each other? Look at both in the pictures"
        ]
    centre = ndimage.center_of_mass(brain)
    own = _information(fixed[brain], moving[brain])
    for axis, way in enumerate(centre):
        last = brain.shape[axis] - 1
        ways = [(round(2 * way) + n - np.arange(last + 1)).clip(0, last) for n in (-1, 0, 1)]
        if max(_information(fixed[brain], np.take(moving, index, axis)[brain]) for index in ways) > GAIN * own:
            return [
                f"{path}: fits {other.name} better as its mirror image (along axis {axis + 1} of its voxels): is one "
                "of the two under a wrong header? Look at both in the pictures"
            ]
    return []


def _levels(scan: Array) -> Array:
    """An image in `BINS` grey levels."""
    low, high = float(scan.min()), float(scan.max())
    return np.minimum((scan - low) * (BINS / max(high - low, 1e-9)), BINS - 1).astype(np.intp)


def _information(one: Array, other: Array) -> float:
    """Mutual information of two images in `BINS` grey levels, nats."""
    joint = np.bincount(one * BINS + other, minlength=BINS * BINS).reshape(BINS, BINS) / one.size
    alone = joint.sum(1)[:, None] * joint.sum(0)[None]
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / alone[there])).sum())
