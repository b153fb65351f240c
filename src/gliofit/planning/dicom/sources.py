"""The files of a series that plans refer to: their headers, and the order of voxels in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.patients.dicom_series import DicomSeries


@dataclass(frozen=True, eq=False)
class Sources:
    """
    Headers of a series' files.

    Parameters
    ----------
    headers : list of Dataset
        One a slice in the order of the series, or the one file of all frames.
    order : ndarray of int
        The slice of the series that comes first, second, … in the files.
    """

    headers: list[Dataset]
    order: Array

    def frames(self, volume: Array) -> Array:
        """[column, row, slice] in the order of the series → [frame, row, column] in that of its files."""
        return np.ascontiguousarray(volume.transpose(2, 1, 0)[self.order])

    @classmethod
    def read(cls, series: DicomSeries) -> Sources:
        """
        Read the headers.

        Raises
        ------
        InputError
            Naming a file that has gone, or is another one now; if the series has no frame of reference.
        """
        places = series.slices
        if not series.frame_of_reference:
            raise InputError(
                f"{places[0].file}: its series has no FrameOfReferenceUID, so that no plan can refer to it"
            )
        headers: dict[str, Dataset] = {}
        for place in places:
            if place.instance in headers:
                continue
            if not place.file.is_file():
                raise InputError(f"{place.file}: no such file; the plan refers to it as a slice of the patient's scan")
            header = pydicom.dcmread(place.file, stop_before_pixels=True)
            if header.SOPInstanceUID != place.instance:
                raise InputError(f"{place.file}: is another image than when the patient was prepared")
            headers[place.instance] = header
        if len(headers) == len(places):
            return cls(list(headers.values()), np.arange(len(places)))
        if len(headers) > 1:
            raise InputError(f"{places[0].file}: its series has several files of many frames; one is needed")
        return cls(list(headers.values()), np.argsort([place.frame or 0 for place in places]))
