"""The page of one patient: one HTML file with its pictures, tables and an interactive viewer, for reading offline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.files import write_text
from gliofit.inversion.fit import Fit
from gliofit.patients.prepared import Prepared
from gliofit.reporting.fit_in_words import Columns, fit_row, foci_in_words, warnings_of
from gliofit.reporting.html import inlined, made_with, render
from gliofit.reporting.patient_page import pictures
from gliofit.reporting.patient_page.physics import ASSUMED_DAYS, physical_row
from gliofit.reporting.patient_page.viewer import viewer

TISSUE = {
    "registration": "atlas, registered to the scan with the tumour left out",
    "atlas": "atlas as it is, unregistered",
    "maps": "the patient’s own maps",
}


@dataclass(frozen=True, eq=False)
class MethodFit:
    """
    One method's fit of the patient.

    Parameters
    ----------
    title : str
    fit : Fit
        As in `{method}.json`.
    density : ndarray [x, y, z]
        On the scan's grid.
    scores : mapping
        Of `gliofit.evaluation.patient_scores`: dice_core, dice_whole, pet_correlation, …; NaN where undefined.
    """

    title: str
    fit: Fit
    density: Array
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Plans:
    """
    Radiotherapy plans, masks on the scan's grid.

    Parameters
    ----------
    standard : ndarray of bool [x, y, z]
    model : ndarray of bool [x, y, z]
        The shown method's, of the same volume.
    scores : mapping
        The standard plan's: coverage_narrow, coverage_broad.
    margin_mm : float
        Of the standard plan.
    hanging : mapping of str → ndarray of bool [x, y, z]
        What of `model` hangs on each further focus (`parts_by_focus`).
    """

    standard: Array
    model: Array
    scores: Mapping[str, float]
    margin_mm: float
    hanging: Mapping[str, Array] = field(default_factory=dict)


def write_page(
    path: str | Path,
    prepared: Prepared,
    fits: Mapping[str, MethodFit],
    shown: str,
    *,
    plans: Plans | None = None,
    deviation: Array | None = None,
    preparation: str | Path | None = None,
    contours: str | Path | None = None,
    notes: Sequence[str] = (),
    told: Sequence[str] = (),
) -> None:
    """
    Write the page.

    Parameters
    ----------
    path : path
        The HTML file.
    prepared : Prepared
    fits : mapping of method → MethodFit
    shown : str
        The method whose density, plan and uncertainty the large pictures show.
    plans : Plans, optional
    deviation : ndarray [x, y, z], optional
        Standard deviation of the shown method's density, on the scan's grid.
    preparation : path, optional
        PNG of `gliofit.reporting.figures.patient_view.preparation_picture`.
    contours : path, optional
        PNG of `gliofit.reporting.figures.contours.contour_picture`, where the plans were written as DICOM.
    notes : sequence of str
        Shown first, beside the preparation's warnings.
    told : sequence of str
        What the scan tells and what it does not (`gliofit.inversion.identifiability.in_words`).

    Raises
    ------
    InputError
        If `shown` is not among the fits, or a density is not on the scan's grid.
    """
    if shown not in fits:
        raise InputError(f"the page is to show {shown}, which is not among its methods: {', '.join(fits)}")
    for name, fit in fits.items():
        if fit.density.shape != prepared.shape:
            raise InputError(f"the density by {name} has shape {fit.density.shape}, the scan {prepared.shape}")
    main, images = fits[shown], pictures.backgrounds(prepared)
    background = next(iter(images.values()))
    layers = {fit.title: fit.density for fit in [main, *(f for name, f in fits.items() if name != shown)]}
    layers |= {"Segmentation: tumour core": prepared.core, "Segmentation: whole tumour": prepared.whole}
    drawn = {"fit": pictures.fit_picture(prepared, main.density, main.fit.origins, images)}
    drawn["methods"] = pictures.methods_picture(prepared, {f.title: f.density for f in fits.values()}, background)
    if plans is not None:
        layers |= {"Standard plan": plans.standard, f"Plan of {main.title}": plans.model}
        recurrence = prepared.recurrence
        drawn["plans"] = pictures.plans_picture(
            prepared, plans.standard, plans.model, main.title, recurrence, background, plans.hanging
        )
        if recurrence is not None:
            layers["Recurrence"] = recurrence > 0
    if deviation is not None:
        drawn["deviation"] = pictures.deviation_picture(prepared, main.density, deviation, background)
    if preparation is not None:
        drawn["preparation"] = Path(preparation).read_bytes()
    if contours is not None:
        drawn["contours"] = Path(contours).read_bytes()
    each = [fit.fit for fit in fits.values()]
    columns = Columns.of(each)
    titles = {f.fit.method: f.title for f in fits.values()}
    notes = [*notes, *prepared.report["warnings"], *warnings_of(each, titles)]
    write_text(
        path,
        render(
            "patient.html",
            name=prepared.patient.id,
            notes=notes,
            facts=_facts(prepared, main),
            shown=main.title,
            images=list(images),
            pictures={name: inlined(png) for name, png in drawn.items()},
            columns=columns.titles,
            rows=[_row(fit, columns) for fit in fits.values()],
            foci=foci_in_words(each, titles),
            days=f"{ASSUMED_DAYS:g}",
            plans=_plan_rows(plans, fits) if plans is not None else [],
            margin=f"{plans.margin_mm:g}" if plans is not None else "",
            volume=_millilitres(plans.standard, prepared) if plans is not None else "",
            hanging=_hanging(plans, prepared) if plans is not None else [],
            told=told,
            origin=prepared.report.get("origin"),
            viewer=viewer(prepared, images, layers),
            versions=made_with(),
        ),
    )


def _facts(prepared: Prepared, main: MethodFit) -> dict[str, str]:
    """What the reader should know of the patient at a glance."""
    report = prepared.report
    volumes, overlap = report["volumes_ml"], report["brain_dice"]
    facts = {
        "Tumour core": f"{volumes['core']:.1f} ml",
        "Whole tumour (core and edema)": f"{volumes['whole']:.1f} ml",
        "Brain": f"{volumes['brain']:.0f} ml",
        "Tissue": TISSUE[report["tissue"]],
    }
    if overlap is not None:
        facts["Overlap of the atlas’s and the patient’s brain (Dice)"] = f"{overlap:.3f}"
    if report.get("registration"):
        smallest = report["registration"]["smallest_jacobian"]
        fold = "nowhere folded" if smallest > 0 else "folded: look at the pictures"
        facts["Registration"] = f"{report['registration']['tool']}; smallest Jacobian {smallest:.2f}, {fold}"
    if report["core_csf_before"]:
        share = f"{report['core_csf_before']:.0%} of the core"
        replaced = "left as it is" if report["tumour_tissue"] == "keep" else "taken as white matter"
        facts["CSF of the atlas inside the tumour"] = f"{share}, {replaced}"
    if main.fit.spacing is not None:
        facts["Working grid"] = f"{main.fit.spacing:g} mm"
    for level in (0.01, 0.1):
        facts[f"Inferred volume of c > {level:g} ({main.title})"] = _millilitres(main.density > level, prepared)
    return facts


def _row(fit: MethodFit, columns: Columns) -> dict[str, Any]:
    row = fit_row(fit.fit, columns, {fit.fit.method: fit.title})
    scores = {name: _percent(fit.scores.get(name, math.nan)) for name in ("dice_core", "dice_whole")}
    return row | scores | physical_row(fit.fit)


def _plan_rows(plans: Plans, fits: Mapping[str, MethodFit]) -> list[dict[str, str]]:
    """Coverage by the standard plan and by each method's; none where the patient has neither recurrence nor PET."""
    named = [(f"Standard plan ({plans.margin_mm:g} mm)", plans.scores)]
    named += [(fit.title, fit.scores) for fit in fits.values()]
    rows, known = [], False
    for title, scores in named:
        coverage = {name: scores.get(f"coverage_{name}", math.nan) for name in ("narrow", "broad")}
        pet = scores.get("pet_correlation", math.nan)
        known |= any(not math.isnan(value) for value in (*coverage.values(), pet))
        shares = {name: _percent(value) for name, value in coverage.items()}
        rows.append({"title": title, **shares, "pet": "–" if math.isnan(pet) else f"{pet:.2f}"})
    return rows if known else []


def _hanging(plans: Plans, prepared: Prepared) -> list[str]:
    """A sentence for each further focus."""
    volume = _millilitres(plans.model, prepared)
    return [
        f"{_millilitres(part, prepared)} of the plan's {volume} hang on the {name}: without its cells, the density "
        "there would be lower than anywhere in the plan."
        for name, part in plans.hanging.items()
    ]


def _millilitres(mask: Array, prepared: Prepared) -> str:
    return f"{mask.sum() * float(np.prod(prepared.tissue.spacing)) / 1000:.1f} ml"


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.1f}\N{NO-BREAK SPACE}%"
