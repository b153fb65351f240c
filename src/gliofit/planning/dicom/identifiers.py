"""
Identifiers that follow from content: equal input gives equal files, and other content never has the same identifier.

They lie under 2.25, the root for identifiers made of a UUID, which needs no registration (ITU-T X.667; PS3.5, B.2).
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterator

import pydicom
from pydicom.dataset import Dataset

NO_DATE, NO_TIME = "19700101", "000000"
"""Where the standard wants a date of content, and the series that it belongs to has none: reruns must be equal."""


def uid(*content: bytes | str) -> str:
    """A UID that follows from content."""
    digest = hashlib.sha256()
    for part in content:
        part = part.encode() if isinstance(part, str) else part
        digest.update(len(part).to_bytes(8, "big") + part)
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, digest.hexdigest()).int}"


def settle(dataset: Dataset) -> None:
    """
    Give an instance the identifiers that follow from the rest of it, and the date of its study.

    Replaced are the instance's own UID and its series', those that organise its dimensions, and the time of writing.
    """
    for name in ("InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime"):
        if name in dataset:
            delattr(dataset, name)
    if "ContentDate" in dataset:
        dataset.ContentDate = dataset.get("StudyDate") or NO_DATE
        dataset.ContentTime = dataset.get("StudyTime") or NO_TIME
    for equipment in dataset.get("ContributingEquipmentSequence", ()):
        if "ContributionDateTime" in equipment:
            del equipment.ContributionDateTime
    dimensions = list(_with(dataset, "DimensionOrganizationUID"))
    for part in dimensions:
        part.DimensionOrganizationUID = ""
    dataset.SOPInstanceUID = dataset.SeriesInstanceUID = ""
    written = io.BytesIO()
    pydicom.dcmwrite(written, dataset, enforce_file_format=False)
    content = hashlib.sha256(written.getvalue()).digest()
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID = uid("instance", content), uid("series", content)
    for part in dimensions:
        part.DimensionOrganizationUID = uid("dimensions", content)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _with(dataset: Dataset, name: str) -> Iterator[Dataset]:
    """All datasets, itself and nested ones, that have an element."""
    if name in dataset:
        yield dataset
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _with(item, name)
