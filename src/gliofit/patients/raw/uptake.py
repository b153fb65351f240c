"""FET-PET as it comes from a scanner (Bq/ml) → standardised uptake, or tumour-to-background where tags are missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from gliofit.base.arrays import Array

BECQUERELS = "BQML"


class Missing(ValueError):
    """A tag that standardised uptake needs is not there, or says nothing sensible."""


def suv_factor(header: Any) -> float:
    """
    What turns Bq/ml into SUV by body weight (g/ml).

    SUV = activity · weight / dose, with the dose decayed to the time that the activity is corrected to: the scan's
    start (`DecayCorrection` START) or the injection's own (ADMIN).

    Parameters
    ----------
    header : pydicom Dataset
        Of any slice.

    Raises
    ------
    Missing
        Naming the tag.

    Notes
    -----
    Source: the vendor-neutral pseudo-code of QIBA's FDG-PET/CT profile 1.13, Appendix G; P. E. Kinahan, J. W.
    Fletcher, Seminars in Ultrasound, CT and MRI 31(6):496–505, 2010, Eq. 1.
    """
    if str(header.get("Units", "")) != BECQUERELS:
        raise Missing(f"its Units are {header.get('Units') or 'not said'}, not {BECQUERELS}")
    corrected = header.get("CorrectedImage") or ()
    if "DECY" not in corrected or "ATTN" not in corrected:
        raise Missing("its CorrectedImage does not name both attenuation (ATTN) and decay (DECY)")
    weight = _number(header, "PatientWeight")
    sources = header.get("RadiopharmaceuticalInformationSequence")
    if not sources:
        raise Missing("RadiopharmaceuticalInformationSequence is missing")
    dose = _number(sources[0], "RadionuclideTotalDose")
    mode = str(header.get("DecayCorrection", ""))
    if mode == "START":
        half_life = _number(sources[0], "RadionuclideHalfLife")
        waited = (_scan_start(header) - _injection(header, sources[0])).total_seconds()
        if not 0 <= waited <= 10 * half_life:
            raise Missing(f"the scan starts {waited:.0f} s after the injection, which cannot be")
        dose *= 2 ** (-waited / half_life)
    elif mode != "ADMIN":
        raise Missing(f"DecayCorrection is '{mode}', not START or ADMIN")
    return 1000 * weight / dose


def to_background(uptake: Array, brain: Array, whole: Array) -> Array:
    """Uptake over the median of the brain outside the tumour (TBR); [x, y, z] all."""
    background = float(np.median(uptake[brain & ~whole]))
    if not background > 0:
        raise Missing("the brain outside the tumour takes nothing up")
    return (uptake / background).astype(np.float32)


def _number(header: Any, name: str) -> float:
    value = header.get(name)
    if value is None or value == "":
        raise Missing(f"{name} is missing")
    if not float(value) > 0:
        raise Missing(f"{name} is {value}")
    return float(value)


def _injection(header: Any, source: Any) -> datetime:
    whole = source.get("RadiopharmaceuticalStartDateTime")
    if whole:
        return _moment(str(whole)[:8], str(whole)[8:])
    start = source.get("RadiopharmaceuticalStartTime")
    if not start:
        raise Missing("RadiopharmaceuticalStartTime is missing")
    injected = _moment(str(header.get("SeriesDate") or ""), str(start))
    # a time without a date: injected before midnight, scanned after
    return injected - timedelta(days=1) if injected > _scan_start(header) else injected


def _scan_start(header: Any) -> datetime:
    """
    The series' time; the acquisition's where that is earlier, as a series derived later bears the time of its making.
    """
    times = []
    for what in ("Series", "Acquisition"):
        date, time = header.get(f"{what}Date") or header.get("SeriesDate"), header.get(f"{what}Time")
        if date and time:
            times.append(_moment(str(date), str(time)))
    if not times:
        raise Missing("SeriesDate and SeriesTime are missing")
    return min(times)


def _moment(date: str, time: str) -> datetime:
    """DICOM's date and time (fractions and time zone cut off)."""
    digits = time.split(".")[0].split("+")[0].split("-")[0].ljust(6, "0")
    try:
        return datetime.strptime(date + digits, "%Y%m%d%H%M%S")
    except ValueError:
        raise Missing("a date or time of injection or scan is missing or broken") from None
