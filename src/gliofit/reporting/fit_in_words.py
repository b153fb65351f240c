"""A fit in words and numbers: one row of the tables that a patient's page and the report print."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gliofit.growth import growth_model
from gliofit.growth.parameter import Parameter
from gliofit.inversion import METHODS, Fit
from gliofit.observation.pet import UPTAKE

EXTRA_DIGITS = 3


@dataclass(frozen=True)
class Columns:
    """
    What a table of fits has beside the origins: one column for each name.

    Parameters
    ----------
    growth : tuple of Parameter
        Of the growth models, origins' coordinates left out.
    extras : tuple of str
        Imaging parameters.
    """

    growth: tuple[Parameter, ...]
    extras: tuple[str, ...]

    @classmethod
    def of(cls, fits: Sequence[Fit]) -> Columns:
        """Those that any of the fits has, in order."""
        growth: dict[str, Parameter] = {}
        for fit in fits:
            model = growth_model(fit.model)
            others = np.setdiff1d(np.arange(model.size), model.origins)
            growth |= {p.name: p for p in (model.parameters[place] for place in others) if p.name not in growth}
        return cls(tuple(growth.values()), tuple(dict.fromkeys(name for fit in fits for name in fit.extras)))

    @property
    def titles(self) -> list[str]:
        """As printed, units in brackets."""
        growth = [f"{p.symbol} ({p.unit})" if p.unit else p.symbol for p in self.growth]
        return [*growth, *(name.replace("_", " ") for name in self.extras)]


def fit_row(fit: Fit, columns: Columns, titles: Mapping[str, str]) -> dict[str, Any]:
    """
    One fit as text.

    Parameters
    ----------
    fit : Fit
    columns : Columns
        What the fit lacks of them is "–".
    titles : mapping of method → title
    """
    spread = believed_deviations(fit)
    model = growth_model(fit.model)

    def text(name: str, value: float, digits: int) -> str:
        return with_deviation(value, spread.get(name), digits)

    def origin(places: Iterable[int]) -> str:
        return ", ".join(text(model.names[i], fit.parameters[model.names[i]], 1) for i in places)

    growth = [
        text(p.name, fit.parameters[p.name], p.digits) if p.name in fit.parameters else "–" for p in columns.growth
    ]
    extras = [text(n, fit.extras[n], EXTRA_DIGITS) if n in fit.extras else "–" for n in columns.extras]
    return {
        "title": titles.get(fit.method, fit.method),
        "origins": [origin(places) for places in model.origins],
        "cells": [*growth, *extras],
        "loss": f"{fit.loss:.3g}",
        "evaluations": fit.evaluations,
        "seconds": f"{fit.seconds:.1f}",
        "converged": fit.converged,
        "reason": fit.reason,
    }


def believed_deviations(fit: Fit) -> dict[str, float]:
    """
    Standard deviations that are shown, by name.

    Not those of a PET's scale and background, unless they were sampled: the loss regresses the density on a noisy
    uptake, which puts the scale too low, and Laplace's interval knows nothing of it (docs/bayesian.md).
    """
    sampled = fit.method in METHODS and METHODS[fit.method].posterior
    left_out = () if sampled else tuple(parameter.name for parameter in UPTAKE)
    return {name: value for name, value in fit.deviations().items() if name not in left_out}


def warnings_of(fits: Iterable[Fit], titles: Mapping[str, str]) -> list[str]:
    """What readers should know of fits, as sentences that name the method."""
    return [f"{titles.get(fit.method, fit.method)}: {warning}." for fit in fits for warning in fit.warnings]


NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
FURTHER = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")


def foci_in_words(fits: Iterable[Fit], titles: Mapping[str, str]) -> list[str]:
    """How many foci explain the outlines, and what one does: a sentence for each fit that sought their number."""
    return [
        f"{titles.get(fit.method, fit.method)}: {_explained(len(fit.origins), fit.foci['dice'])}"
        for fit in fits
        if fit.foci is not None
    ]


def _explained(number: int, dice: Sequence[Mapping[str, float]]) -> str:
    by_number = [", ".join(f"{score:.2f} of the {name}" for name, score in scores.items()) for scores in dice]
    tried = ""
    if len(dice) > number:
        tried = f" A {FURTHER[number]} one would explain {by_number[number]}, which is not worth its coordinates."
    if number == 1:
        return f"explained by one focus (Dice: {by_number[0]}).{tried}"
    these = f"explained by {NUMBERS[number]} foci (Dice: {by_number[number - 1]})"
    return f"{these}; one explains {by_number[0]}.{tried}"


def with_deviation(value: float, deviation: float | None, digits: int) -> str:
    """`value ± deviation` with `digits` decimals, or as many (at most four) as the deviation's first digit needs."""
    if deviation is None or not math.isfinite(deviation):
        return f"{value:.{digits}f}".replace("-", "−")
    if 0 < deviation < 1:
        digits = max(digits, min(4, math.ceil(-math.log10(deviation) - 1e-9)))
    sign = "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
    return f"{value:.{digits}f}{sign}{deviation:.{digits}f}".replace("-", "−")
