"""Neural networks: forward surrogates, the direct inverse and Learn-Morph-Infer's."""

from typing import Any

__all__ = ["load_geometry_aware", "load_inverse", "load_lmi", "load_network", "load_surrogate"]


def __getattr__(name: str) -> Any:
    # handed on when asked for: torch takes seconds to import, and reading a config needs `networks.grids` alone
    if name in __all__:
        from gliofit.networks import weights

        return getattr(weights, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
