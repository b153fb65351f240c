"""Checks of a method's settings, wherever they come from: callers of `invert` and the workflow's config."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Annotated, Any, get_type_hints

import numpy as np
from pydantic import ConfigDict, Field, ValidationError, create_model

from gliofit.base.errors import InputError
from gliofit.base.section import fault, unknown

Share = Annotated[float, Field(ge=0, le=1)]
"""In a method's signature, as pydantic's `PositiveInt`: what is refused when a config is read, and by `invert`."""

PositiveShare = Annotated[float, Field(gt=0, le=1)]


def defaults(run: Callable) -> dict[str, Any]:
    """Names and defaults of a method's settings: what its function takes after the problem."""
    parameters = list(inspect.signature(run).parameters.values())[1:]
    return {p.name: p.default for p in parameters}


def no_weights(method: str, roles: Sequence[str]) -> InputError:
    """The error of a method whose networks were not given: which, and where released ones are."""
    files = ", ".join(f'"{role}": "resources/weights/{role}.safetensors"' for role in roles)
    return InputError(
        f"{method} needs trained weights for: {', '.join(roles)}; give networks={{{files}}} (the released ones, in the "
        "repository) or your own"
    )


def check_settings(run: Callable, settings: Mapping[str, Any], prefix: str) -> None:
    """
    Raise an InputError for a setting that a method does not have, or of another type, or negative or not finite.

    Parameters
    ----------
    run : callable
        The method's function; its annotations say what is allowed.
    settings : mapping
        By name. Lists count as tuples (YAML has no others), numpy's numbers as Python's.
    prefix : str
        Begins the sentence, just before the setting's name: "method hybrid: ", "methods.hybrid.".
    """
    known, hints = defaults(run), get_type_hints(run, include_extras=True)
    for name in settings:
        if name not in known:
            raise InputError(f"{prefix.rstrip(': .')}: {unknown('setting', name, list(known))}")
    fields: dict[str, Any] = {name: (hints.get(name, Any), default) for name, default in known.items()}
    model = create_model("Settings", __config__=ConfigDict(strict=True, arbitrary_types_allowed=True), **fields)
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in settings.items()}
    for name, value in plain.items():
        if isinstance(value, int | float) and not (isfinite(value) and value >= 0):
            raise InputError(f"{prefix}{name} = {value!r} must be finite and not negative")
    try:
        model.model_validate({k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()})
    except ValidationError as error:
        raise InputError(f"{prefix}{fault(error, model)}") from None
