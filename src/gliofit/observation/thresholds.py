"""
Densities at which a tumour begins to show, by purpose.

T1c shows the core (enhancing and necrotic) above one density, FLAIR the whole tumour above a lower one. Nobody has
measured either, and every paper has ranges of its own. Each constant here serves one purpose, says where its numbers
come from, and is the only place that has them.
"""

from __future__ import annotations

from typing import NamedTuple

Range = tuple[float, float]
"""Lowest and highest, both included."""


class Values(NamedTuple):
    """One density for each outline."""

    core: float
    whole: float


class Ranges(NamedTuple):
    """One range for each outline."""

    core: Range
    whole: Range


VISIBLE = 0.25
"""
At the edge of what FLAIR shows, where one number must do: the prior's tumour volume, Dice scores on simulated tumours.

The segmentation threshold of Weidner 2026's earlier work, in the middle of GliODIL's range (Table 1: 0.15–0.35).
"""

FITTED = Ranges(core=(0.5, 0.85), whole=(0.05, 0.5))
"""
Unknown thresholds of a patient: bounds of searches, and what networks for outlines are trained on.

Learn-Morph-Infer's ranges (Ezhov 2023, Sec. 3.1). They meet at one point alone, so that the
core always lies within the whole tumour. A network must have seen what a search may find: hence one constant for both.
"""

START = Values(core=0.65, whole=VISIBLE)
"""
Where searches of `FITTED` begin, and what stands for thresholds that a method does not estimate.

Core: GliODIL's start, near the middle of `FITTED`; whole tumour: the start of Weidner 2026.
"""

STARTS = (Values(0.55, 0.25), Values(0.8, 0.1))
"""Starts for searches that can get stuck: thresholds close to each other, and far apart."""

GLIODIL_START = Values(core=0.65, whole=0.30)
"""Where GliODIL's coefficients begin (its released code), kept apart from `START` to be the published method."""

GLIODIL_FITTED = Ranges(core=FITTED.core, whole=(0.20, 0.50))
"""
Bounds of GliODIL's coefficients (its released code).

Its whole-tumour threshold ends at 0.2, not at 0.05 as `FITTED` does; kept apart to be the published method.
"""

SCORED = Ranges(core=(0.45, FITTED.core[1]), whole=FITTED.whole)
"""
Grid on which the threshold is sought that suits a density best, for a patient's Dice scores (GliODIL, Fig. 3).

All that a method may fit, and the core down to where GliODIL's Table 1 has it (`GLIODIL_DRAWN`), so that no method is
scored at the edge of what it was allowed.
"""

GLIODIL_DRAWN: dict[str, Range] = {"necrotic": (0.70, 0.85), "enhancing": (0.45, 0.60), "edema": (0.15, 0.35)}
"""What GliODIL's synthetic patients are drawn with (Table 1): densities at which each part of a tumour begins."""

SYNTHETIC_PATIENT = (VISIBLE, 0.6, 0.85)
"""
Density at the edge of edema, of enhancing and of necrotic core in the in-silico patients that come with the repository.

Within `FITTED`, and not equal to `START`: a fit has the core's threshold to find.
"""
