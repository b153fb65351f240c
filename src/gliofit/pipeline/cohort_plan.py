"""What a run makes of the cohort without patients, beside its `Plan`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gliofit.growth.model import MODELS, growth_model, settings_of
from gliofit.pipeline.config_sections import Config

SOUGHT = {"1": "one focus", "auto": "foci found"}
"""How many foci a fit may have."""

TRUTH = "truth"
"""The row of the true densities themselves."""


def told_row(method: str, told: str) -> str:
    """The row of a method that is told different things: what it was told is part of its name."""
    return f"{method}/{told}"


@dataclass(frozen=True)
class CohortPlan:
    """
    The cohort of a run; without a method that is fitted to it there is none, and everything is empty.

    Parameters
    ----------
    config : Config
    titles : mapping of method → str
        Of all methods of the run.
    """

    config: Config
    titles: Mapping[str, str]

    @cached_property
    def fits(self) -> dict[str, tuple[str, str]]:
        """Methods, and how many foci they may have, by row."""
        given = self.config.cohort
        methods = [method for method in given.methods if method in self.config.methods and given.number]
        return {told_row(m, str(sought)): (m, str(sought)) for m in methods for sought in given.methods[m]}

    @property
    def rows(self) -> dict[str, str]:
        """Titles of all rows of the table."""
        if not self.fits:
            return {}
        titles = {row: f"{self.titles[method]}, {SOUGHT[sought]}" for row, (method, sought) in self.fits.items()}
        return titles | {TRUTH: "The tumours themselves"}

    @property
    def scores(self) -> list[str]:
        """Files of fits' scores and, of every patient, of the true density's."""
        fits = [
            f"results/cohort/{index}/{sought}/{method}.scores.json"
            for method, sought in self.fits.values()
            for index in range(self.config.cohort.cases(method))
        ]
        truths = [f"results/cohort/{index}/truth.scores.json" for index in range(self.config.cohort.number)]
        return fits + truths if fits else []

    @property
    def tables(self) -> dict[str, str]:
        return {"cohort": "results/tables/cohort.csv"} if self.fits else {}

    def model(self, sought: str) -> dict[str, Any]:
        """The growth model of the config with one focus, or with as many as are found, if it knows of foci."""
        model = growth_model(self.config.growth_model).to_dict()
        if "foci" in settings_of(MODELS[model["name"]]):
            model |= {"foci": sought if sought == "auto" else int(sought)}
        return model
