"""Numbers in sentences."""

from __future__ import annotations

import math

from gliofit.evaluation.statistics import SIGNIFICANCE

ALIKE = 1.1
"""Times that differ by no larger factor are called alike: they vary as much from run to run."""


def scientific(value: float, error: float = float("nan"), digits: int = 2) -> str:
    """1.76e-3, or 1.76e-3 ± 0.16e-3: the error with the value's exponent; "–" if there is no value."""
    if not math.isfinite(value):
        return "–"
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    power = f"e{int(exponent)}" if int(exponent) else ""
    spread = f" ± {error / 10.0 ** int(exponent):.{digits}f}{power}" if math.isfinite(error) else ""
    return f"{mantissa}{power}{spread}"


def times(ratio: float) -> str:
    """A factor: "0.52 times", "9.5e3 times"."""
    return f"{ratio:.2g} times" if 1e-3 <= ratio < 1e3 else f"{scientific(ratio, digits=1)} times"


def faster(ratio: float) -> str:
    """How much faster something is that takes 1/`ratio` of the time."""
    if 1 / ALIKE <= ratio <= ALIKE:
        return "about as fast"
    return f"{ratio:.1f} times faster" if ratio > 1 else f"{1 / ratio:.1f} times slower"


def significance(p: float, test: str = "paired t-test") -> str:
    """ "significantly (paired t-test, p = 1e-9)", or that there is no such test."""
    if math.isnan(p):
        return "too few cases for a test"
    return f"{'' if p < SIGNIFICANCE else 'not '}significantly ({test}, {level(p)})"


def level(p: float) -> str:
    """ "p = 0.002", or "p = 2e-6"."""
    return f"p = {scientific(p, digits=0) if 0 < p < 1e-3 else f'{p:.1g}'}"


def count(number: int) -> str:
    """Small numbers as words."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[number] if number < len(words) else str(number)
