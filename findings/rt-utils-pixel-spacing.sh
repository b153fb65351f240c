#!/usr/bin/env bash
# rt-utils 1.2.7 swaps the spacing of rows and columns: structures on pixels that are not square lie elsewhere.
#
# Expected: PixelSpacing is the distance of rows, then of columns (DICOM PS3.3, 10.7.1.3). A mask that RTStructBuilder
# is given for a series of 1.2 × 0.8 mm pixels becomes contours over the same pixels.
# Seen: columns are laid out by the distance of rows, and rows by that of columns. The box lies up to 20 mm off, and is
# 10.8 × 7.2 mm in place of 7.2 × 10.8 mm. Reading it back by rt-utils gives the mask that was put in, as the same swap
# is undone: a round trip does not show it.
# What to do: resample to square pixels before, or write contours with another tool; check by a second reader.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check rt-utils==1.2.7 pydicom==3.0.2 numpy==2.3.5

cat > box.py <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from rt_utils import RTStructBuilder

BETWEEN_ROWS, BETWEEN_COLUMNS = 1.2, 0.8
Path("series").mkdir()
study, series, frame = (generate_uid() for _ in range(3))
for k in range(3):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = MRImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "Phantom^", "phantom", "", "O", ""
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber, ds.Modality = "20200101", "120000", "1", "1", "MR"
    ds.SeriesDate, ds.SeriesTime, ds.ReferringPhysicianName, ds.InstanceNumber = "20200101", "120000", "", k + 1
    ds.Rows = ds.Columns = 64
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.PixelSpacing, ds.SliceThickness = [BETWEEN_ROWS, BETWEEN_COLUMNS], 2
    ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2 * k]
    ds.PixelData = np.zeros((64, 64), np.uint16).tobytes()
    ds.save_as(f"series/{k}.dcm", enforce_file_format=True)

mask = np.zeros((64, 64, 3), bool)  # rows, columns, slices
mask[10:20, 40:50, 1] = True
builder = RTStructBuilder.create_new("series")
builder.add_roi(mask, name="box")
builder.save("box.dcm")
contour = pydicom.dcmread("box.dcm").ROIContourSequence[0].ContourSequence[0]
points = np.array(contour.ContourData, float).reshape(-1, 3)[:, :2]
seen = np.concatenate([points.min(0), points.max(0)])
right = np.array([40 * BETWEEN_COLUMNS, 10 * BETWEEN_ROWS, 49 * BETWEEN_COLUMNS, 19 * BETWEEN_ROWS])
swapped = np.array([40 * BETWEEN_ROWS, 10 * BETWEEN_COLUMNS, 49 * BETWEEN_ROWS, 19 * BETWEEN_COLUMNS])
for name, box in (("pixel centres of the box", right), ("contour", seen)):
    print(f"{name}: x {box[0]:.1f} to {box[2]:.1f} mm, y {box[1]:.1f} to {box[3]:.1f} mm")
back = RTStructBuilder.create_from("series", "box.dcm").get_roi_mask_by_name("box")
print("read back by rt-utils, the mask is", "the same" if np.array_equal(back, mask) else "another one")
print("largest distance between a corner and where it belongs:", np.abs(seen - right).max().round(1), "mm")
sys.exit(0 if np.allclose(seen, swapped, atol=0.01) else "changed: the spacings are no longer swapped")
PYTHON
env/bin/python box.py
