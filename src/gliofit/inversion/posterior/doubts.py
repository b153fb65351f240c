"""When samples of a posterior are not to be trusted."""

from __future__ import annotations

import numpy as np

from gliofit.inversion.samples import Samples

ENOUGH = 50
"""Independent samples below which a posterior is not to be trusted."""

CLIMBS = 4.0
"""Standard errors by which the last stage's mean log-likelihood may exceed that of the stage before."""

AGAINST = 0.05
"""Share of a range (of its logarithm) next to its end where half of the samples lie."""

NOISE = "sigma"
"""Names of noise begin so. Its lower end is no sign of a misfit: scans may have none, and outlines be sharp."""

FORGOTTEN = 0.6
"""Correlation of the last stage's points with its start, above which they are not to be trusted."""


def few(samples: Samples) -> list[str]:
    """Sentences if some parameter's samples are worth less than `ENOUGH` independent ones, or still lie as they lay."""
    worst = int(samples.effective.argmin())
    worth, name, found = samples.effective[worst], samples.names[worst], []
    if worth < ENOUGH:
        found.append(
            f"the {len(samples.values)} samples of {name} are worth {worth:.0f} independent ones: means, intervals and "
            "evidence may be wrong; take more samples, and compare with another seed"
        )
    left = samples.stages[-1]["correlation"]
    if left > FORGOTTEN:
        found.append(
            f"the samples of the last stage still resemble those before it (correlation {left:.2f}): means and "
            "intervals may be wrong; allow more moves"
        )
    climbed = samples.stages[-1].get("climbed", 0.0)
    if climbed > CLIMBS:
        found.append(
            f"the likelihood of the last stage's samples still climbs (by {climbed:.1f} standard errors of its mean): "
            "means, intervals and evidence may be wrong; take more samples"
        )
    return found


def against_ends(samples: Samples) -> list[str]:
    """A sentence for each unknown whose samples mostly lie against an end of its range, but for little noise."""
    found = []
    for name, (low, high, log) in samples.prior.items():
        ends, values = np.array([low, high]), samples.unknowns[name]
        if log:
            ends, values = np.log(ends), np.log(values)
        middle = float(np.median((values - ends[0]) / (ends[1] - ends[0])))
        if middle > 1 - AGAINST or (middle < AGAINST and not name.startswith(NOISE)):
            end = "lower" if middle < 0.5 else "upper"
            found.append(
                f"the samples of {name} lie against the {end} end of its range, {low:.3g} … {high:.3g}: model and data "
                "may not fit each other"
            )
    return found
