"""What a scan tells and what it does not: directions of the posterior covariance, in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from gliofit.inversion.samples import Labels, Samples

NAMED = 0.35
"""A parameter with a smaller part in a direction is not named."""

TOLD, UNTOLD = 0.1, 0.4
"""Shares of the prior's spread: below the first a direction is told, above the second it is not."""


def directions(samples: Samples) -> list[dict[str, Any]]:
    """
    Directions in which the posterior is independent, best known first: eigenvectors of its covariance.

    Unknowns are measured by their prior's standard deviation, in their logarithm where the prior is flat in that.

    Returns
    -------
    list of dict
        `left`: the share of the prior's spread that the scan leaves; `parts`: each unknown's part in the direction.
    """
    names, scaled = list(samples.unknowns), []
    for name, values in samples.unknowns.items():
        lower, upper, logarithmic = samples.prior[name]
        ends = np.log([lower, upper]) if logarithmic else np.array([lower, upper])
        scaled.append((np.log(values) if logarithmic else values) / np.ptp(ends) * np.sqrt(12))
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(scaled)))
    found = []
    for value, vector in zip(values, vectors.T, strict=True):
        vector = vector * np.sign(vector[np.abs(vector).argmax()])
        found.append({"left": float(np.sqrt(max(value, 0))), "parts": dict(zip(names, vector.tolist(), strict=True))})
    return found


def in_words(found: list[dict[str, Any]]) -> list[str]:
    """A sentence for the direction that is known best, and for each that the scan tells little of."""
    sentences = [f"Known best is {_named(found[0])}: {found[0]['left']:.1%} of its spread before the scan is left."]
    for direction in found[1:]:
        if direction["left"] >= UNTOLD:
            sentences.append(f"Hardly told is {_named(direction)}: {direction['left']:.0%} is left.")
    told = sum(direction["left"] <= TOLD for direction in found)
    sentences.append(f"Of {len(found)} directions {told} are known to a tenth of their spread or better.")
    return sentences


def labels_in_words(labels: Labels) -> str:
    """A sentence on how many voxels of the outlines count as one, for those who drew them."""
    number, size = 1 / labels.power, f"voxels of {labels.voxel_mm:g} mm"
    if number < 1.5:
        return f"Every one of the outlines’ {size} counts as an observation of its own."
    across = f", here over about {labels.errors_mm:.0f} mm" if labels.errors_mm > 0 else ""
    return (
        f"Where the outlines are not as the model has them, they are off in patches{across}. So about {number:.0f} "
        f"neighbouring {size} ({number * labels.voxel_mm**3 / 1000:.2g} ml) count as one observation, not as "
        f"{number:.0f}, and what follows is the less certain for it."
    )


def _named(direction: dict[str, Any]) -> str:
    parts = {name: part for name, part in direction["parts"].items() if abs(part) >= NAMED}
    named = [f"{name}{' falling' if part < 0 else ' rising' if len(parts) > 1 else ''}" for name, part in parts.items()]
    return " with ".join(named)
