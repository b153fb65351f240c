"""
A made study as a scanner leaves it: heads with skull and scalp, each sequence on its own grid, moved between sequences.

The anatomy is any brain with its segmentation; nobody was scanned.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dicom_files import write_series
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import PositronEmissionTomographyImageStorage
from scipy import ndimage
from scipy.spatial.transform import Rotation

from gliofit.base import grids
from gliofit.base.nifti import Volume

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])

PERSONAL = {
    "PatientName": "Musterfrau^Erika",
    "PatientID": "KH-4711-0815",
    "PatientBirthDate": "19640812",
    "PatientAddress": "Heidestrasse 17",
    "OtherPatientIDs": "4711X",
    "ReferringPhysicianName": "Doktor^Faustus",
    "InstitutionName": "Charlottenklinik",
    "OperatorsName": "Wagner^Famulus",
    "AccessionNumber": "ACC90210",
}
"""Tags that tell who it is, in every file of a study."""

WORDS = ("musterfrau", "erika", "kh-4711", "19640812", "heidestrasse", "4711x", "faustus", "charlottenklinik")
WORDS += ("famulus", "acc90210", "1964-08-12")
"""What nothing that is written may have."""


@dataclass(frozen=True)
class Sequence_:
    """How a sequence is scanned: the grid's axes (columns RAS), voxel edges in mm, and where the head has moved to."""

    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    edges: tuple[float, float, float] = (1.0, 1.0, 1.0)
    moved: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tilted: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def motion(self, centre: np.ndarray) -> np.ndarray:
        """Where the head's points went, (4, 4), about a centre."""
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_euler("xyz", self.tilted, degrees=True).as_matrix()
        matrix[:3, 3] = centre + np.array(self.moved) - matrix[:3, :3] @ centre
        return matrix


def with_skull(scan: np.ndarray, brain: np.ndarray, spacing: np.ndarray, scalp: float, seed: int = 0) -> np.ndarray:
    """
    A stripped scan in a head: fluid, bone and scalp around the brain, a coil's bias, and noise in the air.

    Intensities of fluid and bone are 0.25 and 0.1 of the brain's median, of the scalp `scalp` times.
    """
    away = ndimage.distance_transform_edt(~ndimage.binary_closing(np.pad(brain, 4), iterations=3), sampling=spacing)
    away = away[4:-4, 4:-4, 4:-4]
    median = float(np.median(scan[brain]))
    head = np.select([brain, away < 2.5, away < 8, away < 14], [scan, 0.25 * median, 0.1 * median, scalp * median], 0.0)
    n = np.array(scan.shape)
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, k) for k in n], indexing="ij", sparse=True)
    bias = np.exp(0.25 * y + 0.15 * x - 0.1 * z**2)
    noise = np.random.default_rng(seed).normal(0, 0.015 * median, (2, *scan.shape))
    return np.sqrt((head * bias + noise[0]) ** 2 + noise[1] ** 2).astype(np.float32)


def scanned(volume: Volume, sequence: Sequence_, order: int = 1) -> tuple[Volume, np.ndarray]:
    """A volume as a sequence sees it, on a grid of its own, and the motion since the volume was drawn, (4, 4)."""
    middle = grids.to_world(volume.affine, (np.array(volume.shape) - 1) / 2)
    motion = sequence.motion(middle)
    turn = Rotation.from_euler("xyz", sequence.turn, degrees=True).as_matrix()
    edges = np.array(sequence.edges)
    # the grid covers the volume's corners
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in volume.shape], indexing="ij")).reshape(3, -1).T
    along = (grids.to_world(motion @ volume.affine, corners) - middle) @ turn
    low, high = along.min(0), along.max(0)
    shape = tuple(int(n) for n in np.ceil((high - low) / edges) + 1)
    affine = np.eye(4)
    affine[:3, :3] = turn * edges
    affine[:3, 3] = middle + turn @ (low + ((high - low) - (np.array(shape) - 1) * edges) / 2)
    return Volume(grids.resample(volume.data, motion @ volume.affine, shape, affine, order), affine), motion


def dicom(folder: Path, volume: Volume, number: int, **tags: object) -> list[Path]:
    """A volume as a classic series, whole numbers to 4000, with personal tags."""
    top = float(volume.data.max())
    data = np.rint(volume.data.clip(0) * (4000 / top)).astype(np.uint16)
    return write_series(folder, data, RAS_TO_LPS @ volume.affine, number, **(PERSONAL | tags))


def pet_tags(volume: Volume, suv: float = 4.0) -> dict:
    """Tags of a PET whose largest voxel has a standardised uptake: 80 kg, 200 MBq, scanned 20 minutes after, F-18."""
    dose, weight, waited, half_life = 200e6, 80.0, 1200.0, 6586.2
    source = Dataset()
    source.RadionuclideTotalDose, source.RadionuclideHalfLife = str(dose), str(half_life)
    source.RadiopharmaceuticalStartTime = "095112"
    becquerels = suv * dose * 2 ** (-waited / half_life) / (1000 * weight)
    return {
        "Modality": "PT",
        "SOPClassUID": PositronEmissionTomographyImageStorage,
        "Units": "BQML",
        "CorrectedImage": ["DECY", "ATTN", "SCAT"],
        "DecayCorrection": "START",
        "PatientWeight": str(weight),
        "SeriesDate": "20200102",
        "SeriesTime": "101112",
        "AcquisitionDate": "20200102",
        "AcquisitionTime": "101112",
        "RadiopharmaceuticalInformationSequence": Sequence([source]),
        "RescaleSlope": f"{becquerels / 4000:.8g}",
        "RescaleIntercept": "0",
    }
