"""Versions of what computed a result."""

from __future__ import annotations

import platform
from importlib import metadata


def versions() -> dict[str, str]:
    """Versions of what computed a result."""
    names = ("gliofit", "numpy", "numba", "torch")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}
