"""Names and numbers of the shard format (docs/data_format.md)."""

from __future__ import annotations

import hashlib

import numpy as np

from gliofit.anatomy.tissue import Tissue

FORMAT = "gliofit-shard"


FORMAT_VERSION = 1


LEVELS = 65535
"""Density 1 as stored; rounding errs by at most 0.5/65535 = 7.6e-6."""


MAPS = ("wm", "gm", "csf")


def tissue_hash(tissue: Tissue) -> str:
    """SHA-256 of the three maps (float32, C order) and the affine (float64), as hex."""
    digest = hashlib.sha256()
    for array in (*(getattr(tissue, name) for name in MAPS), tissue.affine):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
