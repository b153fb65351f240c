"""Checks of a method's settings, for callers of `invert`; the workflow's config has its own."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from gliofit.base.errors import InputError


def check_settings(defaults: dict[str, Any], settings: dict[str, Any], where: str) -> None:
    """
    Raise an InputError for a setting of another kind than its default: a text for a number, a number for a switch.

    Parameters
    ----------
    defaults, settings : dict
        By name; what is not a number, a text or a switch by default is left to the method.
    where : str
        Begins the sentence.
    """
    for name, value in settings.items():
        default = defaults[name]
        if isinstance(default, bool):
            fits, kind = isinstance(value, bool | np.bool_), "True or False"
        elif isinstance(default, int):
            fits, kind = isinstance(value, Integral) and not isinstance(value, bool), "a whole number"
        elif isinstance(default, float):
            fits, kind = isinstance(value, Real) and not isinstance(value, bool), "a number"
        elif isinstance(default, str):
            fits, kind = isinstance(value, str), "a text"
        else:
            continue
        if not fits:
            raise InputError(f"{where}: {name} = {value!r} must be {kind}")
        if isinstance(default, int | float) and not isinstance(default, bool) and not np.isfinite(value):
            raise InputError(f"{where}: {name} = {value!r} must be finite")
