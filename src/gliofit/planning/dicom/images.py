"""Plans as a DICOM Segmentation, and densities as Parametric Maps: voxel for voxel on a series."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from gliofit.base.arrays import Array
from gliofit.base.versions import versions
from gliofit.planning.dicom.identifiers import settle, uid
from gliofit.planning.dicom.sources import Sources
from gliofit.planning.dicom.structures import Structure

KINDS = {"GTV": codes.SCT.GrossTumorVolume, "CTV": codes.SCT.ClinicalTargetVolume}

CATEGORY = hd.sr.CodedConcept("91723000", "SCT", "Anatomical Structure")
"""What a region is that is not itself an abnormality: CTVs hold tissue that looks healthy."""

MODEL = hd.sr.CodedConcept("growth-model", "99GLIOFIT", "Tumour growth model")
"""The family of algorithms; DICOM's own list has none of models."""

DENSITY = hd.sr.CodedConcept("cell-density", "99GLIOFIT", "Tumour cell density, relative to carrying capacity")


def segmentation(structures: Sequence[Structure], sources: Sources) -> Dataset:
    """
    Binary segments, which may overlap, one for each structure.

    Parameters
    ----------
    structures : sequence of Structure
        Masks [column, row, slice] in the order of the series.
    sources : Sources
        Of the series.
    """
    masks = np.stack([sources.frames(s.mask) for s in structures], axis=-1)
    segments = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=structure.name,
            segmented_property_category=CATEGORY,
            segmented_property_type=KINDS[structure.kind],
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=hd.AlgorithmIdentificationSequence("GlioFit", MODEL, _version()),
            display_color=hd.color.CIELabColor.from_rgb(*structure.colour),
        )
        for number, structure in enumerate(structures, 1)
    ]
    for segment, structure in zip(segments, structures, strict=True):
        segment.SegmentDescription = structure.about
    with _quiet():
        out = hd.seg.Segmentation(
            source_images=sources.headers,
            pixel_array=masks.astype(np.uint8),
            segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=segments,
            series_number=9002,
            content_label="GLIOFIT",
            content_description="Plans",
            series_description="GlioFit: plans",
            **_equipment("segmentation"),
        )
    settle(out)
    return out


def parametric_map(density: Array, method: str, number: int, sources: Sources) -> Dataset:
    """
    A density as 32-bit floating point numbers.

    Parameters
    ----------
    density : ndarray of float32 [column, row, slice]
    method : str
    number : int
        Of the method, from 0: tells the series apart.
    sources : Sources
    """
    mapping = hd.pm.RealWorldValueMapping(
        lut_label="DENSITY",
        lut_explanation="Tumour cell density; 1 is the most that tissue holds",
        unit=codes.UCUM.NoUnits,
        value_range=(0.0, 1.0),
        slope=1,
        intercept=0,
        quantity_definition=DENSITY,
    )
    with _quiet():
        out = hd.pm.ParametricMap(
            source_images=sources.headers,
            pixel_array=sources.frames(np.asarray(density, np.float32)),
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[mapping],
            voi_lut_transformations=[hd.VOILUTTransformation(window_center=0.5, window_width=1.0)],
            series_number=9010 + number,
            content_label="DENSITY",
            content_description=f"Cell density by {method}",
            series_description=f"GlioFit: cell density by {method}",
            **_equipment(f"density {method}"),
        )
    _upwards(out)
    out.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [_brain()]  # dcmqi falls over where there is none
    out.ContentCreatorName = ""  # must be there; empty, as no person made it
    out.BodyPartExamined = sources.headers[0].get("BodyPartExamined") or "BRAIN"
    settle(out)
    return out


def _upwards(parametric_map: Dataset) -> None:
    """
    Put the frames in the order of their places along the normal; highdicom has them the other way around.

    dcmqi stacks frames in the order of the file, and would mirror the map.
    """
    frames = parametric_map.PerFrameFunctionalGroupsSequence
    axes = parametric_map.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
    normal = np.cross(*np.array(axes, float).reshape(2, 3))
    places = [normal @ np.array(f.PlanePositionSequence[0].ImagePositionPatient, float) for f in frames]
    order = np.argsort(places)
    pixels = np.frombuffer(parametric_map.FloatPixelData, "<f4").reshape(len(frames), -1)
    parametric_map.FloatPixelData = pixels[order].tobytes()
    parametric_map.PerFrameFunctionalGroupsSequence = [frames[i] for i in order]
    for number, frame in enumerate(parametric_map.PerFrameFunctionalGroupsSequence, 1):
        frame.FrameContentSequence[0].DimensionIndexValues = number


def _brain() -> Dataset:
    """The region that frames show."""
    anatomy = Dataset()
    anatomy.FrameLaterality = "U"  # not one of a pair
    anatomy.AnatomicRegionSequence = [hd.sr.CodedConcept.from_code(codes.SCT.Brain)]
    return anatomy


@contextmanager
def _quiet() -> Iterator[None]:
    """Without highdicom's word on names of one part, such as a patient's id."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*unlikely to represent the intended person name")
        yield


def _equipment(name: str) -> dict:
    """What made it; the identifiers are settled when all else is known."""
    return {
        "series_instance_uid": uid("to be settled", name),
        "sop_instance_uid": uid("to be settled", name, "instance"),
        "instance_number": 1,
        "manufacturer": "GlioFit",
        "manufacturer_model_name": "gliofit",
        "software_versions": _version(),
        "device_serial_number": "none",
    }


def _version() -> str:
    return versions("gliofit").get("gliofit", "unknown")
