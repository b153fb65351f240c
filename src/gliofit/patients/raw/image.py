"""One image as it came, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gliofit.base.arrays import Array
from gliofit.base.nifti import Volume
from gliofit.patients.dicom_series import DicomSeries
from gliofit.patients.raw.alignment import Motion


@dataclass(eq=False)
class Raw:
    """
    One image as it came.

    Parameters
    ----------
    volume : Volume
    path : Path
        The user's file or folder.
    series : DicomSeries, optional
    stripped : bool
        Whether it shows a brain alone.
    motion : Motion, optional
        To the reference; None for the reference itself.
    as_is : bool
        Whether it keeps its voxels.
    said : list of str
        What was done, in words.
    """

    volume: Volume
    path: Path
    series: DicomSeries | None = None
    stripped: bool = True
    motion: Motion | None = None
    as_is: bool = True
    said: list[str] = field(default_factory=list)

    @property
    def place(self) -> Array:
        """Voxel → mm of the reference's world."""
        return self.volume.affine if self.motion is None or self.as_is else self.motion.matrix @ self.volume.affine
