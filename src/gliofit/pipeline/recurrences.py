"""What a run makes of synthetic recurrences and of GliODIL's studies of itself, beside its `Plan`."""

from __future__ import annotations

from gliofit.pipeline.plan import FOCI, Plan

MARGINS = {"standard": "Standard plan", "geodesic": "Margin along tissue"}
"""Ways of planning that need no density."""

SETS = {
    "single": "One focus",
    "multi": "Three foci",
    "model": "Grown by the model",
    "diffusion": "Other diffusion",
    "second_focus": "A new focus",
}
"""Titles of the sets of recurrences: by foci of the tumour, and by what grew on."""


def ways(plan: Plan) -> dict[str, str]:
    """Titles of all ways of planning that are compared, by row."""
    return MARGINS | plan.in_silico_titles


def row_titles(plan: Plan) -> dict[str, str]:
    """Titles of all rows of all tables of a run: what a page that shows several tables needs."""
    forward = {row: title for rows in plan.forward_titles.values() for row, title in rows.items()}
    return plan.titles | ways(plan) | plan.cohort.rows | forward | plan.geometry.titles


def studies(plan: Plan) -> list[str]:
    """GliODIL's studies of itself, a file per patient."""
    number = plan.config.gliodil_studies.number if "gliodil" in plan.methods else 0
    return [f"results/gliodil_study/{foci}_{index}.csv" for foci in FOCI for index in range(number)]


def tables(plan: Plan) -> list[str]:
    """The comparison of plans, and the studies, as far as a run has them."""
    compared = ["results/tables/recurrences.csv"] if plan.in_silico else []
    return compared + ["results/tables/gliodil_study.csv"] * bool(studies(plan))
