"""Optional packages: what is not needed by all, and how it is installed."""

from __future__ import annotations

from importlib.util import find_spec

from gliofit.base.errors import InputError

EXTRAS = {"nnunet": "nnunetv2"}
"""By the name of the extra: the package that tells whether it is there."""


def require(extra: str, who: str) -> None:
    """
    InputError, which says how to install it, unless an extra is installed.

    Parameters
    ----------
    extra : str
        Of `EXTRAS`, as in pyproject.toml.
    who : str
        Needs it: begins the sentence.
    """
    package = EXTRAS[extra]
    if find_spec(package) is None:
        raise InputError(f"{who} needs the package {package}, which is not installed: pip install 'gliofit[{extra}]'")
