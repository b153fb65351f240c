"""When a search is worth going on with thresholds that a scan has found."""

from __future__ import annotations

RESCANS, RESCAN_GAIN = 3, 1e-3
"""How often thresholds are scanned for at the end of a search, and by which share that must lower the loss."""


def worth_going_on(ended: float, scanned: float) -> bool:
    """Whether the loss with `scanned` thresholds is clearly below that at which a search `ended`."""
    return scanned <= (1 - RESCAN_GAIN) * ended
