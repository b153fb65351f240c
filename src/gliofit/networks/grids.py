"""Grids that networks work on; here, as reading a config must not import torch."""

from __future__ import annotations

COARSER_GRIDS = (2, 4)
"""Factors of the grids that the `weidner` surrogate can learn on; here, as checking a config must not import torch."""


CROP_MM = 128
"""Edge of every network's crop (Weidner 2026: 128³ at 1 mm)."""

GROWTH_MODEL = "fisher_kolmogorov"
"""What all networks here are trained on: θ of one focus."""

GEOMETRY_AWARE = ("ezhov", "ezhov_unet", "ezhov_csf")
"""Ezhov's network, and Table I (a) and (b): with skips from encoder to decoder, and with CSF alone as input."""
