#!/usr/bin/env bash
# SimpleITK 2.5.7 and pydicom 3.0.2 read an enhanced MR without the rescale slopes that each of its frames has.
#
# Expected: a reader that applies a rescale slope applies that of an enhanced MR, too, where it stands in the functional
# groups (DICOM PS3.3, C.7.6.16.2.9), and may differ from frame to frame.
# Seen: six slices that all show 60, written with the slopes 1 to 6, come out as 60, 30, 20, 15, 12 and 10, by SimpleITK's
# ReadImage and by pydicom's apply_modality_lut: a gradient that is not there, and no warning. Both apply the slope of
# an image of one frame (120 below). highdicom and dcm2niix give 60 everywhere.
# What to do: convert by dcm2niix, or read by highdicom; or look for PixelValueTransformationSequence in the frames first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check SimpleITK==2.5.7 pydicom==3.0.2 highdicom==0.28.2 \
    dcm2niix==1.0.20260724 nibabel==5.4.2 numpy==2.3.5

cat > slopes.py <<'PYTHON'
import subprocess
import sys
from pathlib import Path

import dcm2niix
import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

SHOWN, ROWS, COLUMNS = 60, 8, 10


def one(**values):
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return [item]


def image(kind, pixels):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = kind
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = (generate_uid() for _ in range(3))
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Phantom^", "phantom", "", "O"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber, ds.Modality = "20200101", "120000", "1", "1", "MR"
    ds.ContentDate, ds.ContentTime, ds.SeriesNumber, ds.InstanceNumber = "20200101", "120000", 1, 1
    ds.Manufacturer = ds.ReferringPhysicianName = ds.PositionReferenceIndicator = ""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "NONE"]
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.PixelData = pixels.astype(np.uint16).tobytes()
    return ds


slopes = np.arange(1, 7)
ds = image(EnhancedMRImageStorage, np.broadcast_to((SHOWN / slopes)[:, None, None], (6, ROWS, COLUMNS)))
ds.NumberOfFrames = 6
order = generate_uid()
ds.DimensionOrganizationSequence = one(DimensionOrganizationUID=order)
ds.DimensionIndexSequence = one(
    DimensionOrganizationUID=order, DimensionIndexPointer=0x00200032, FunctionalGroupPointer=0x00209113
)
ds.SharedFunctionalGroupsSequence = one(
    PlaneOrientationSequence=one(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    PixelMeasuresSequence=one(PixelSpacing=[2, 2], SliceThickness=3, SpacingBetweenSlices=3),
)
ds.PerFrameFunctionalGroupsSequence = [
    one(
        PlanePositionSequence=one(ImagePositionPatient=[0, 0, 3 * k]),
        FrameContentSequence=one(DimensionIndexValues=[k + 1], StackID="1", InStackPositionNumber=k + 1),
        PixelValueTransformationSequence=one(RescaleSlope=int(slope), RescaleIntercept=0, RescaleType="US"),
    )[0]
    for k, slope in enumerate(slopes)
]
ds.save_as("enhanced.dcm", enforce_file_format=True)

plain = image(MRImageStorage, np.full((ROWS, COLUMNS), SHOWN))
plain.ImageOrientationPatient, plain.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 0]
plain.PixelSpacing, plain.SliceThickness, plain.RescaleSlope, plain.RescaleIntercept = [2, 2], 3, 2, 0
plain.save_as("plain.dcm", enforce_file_format=True)

Path("out").mkdir()
command = [dcm2niix.bin, "-s", "y", "-o", "out", "-f", "out", "-z", "n", "enhanced.dcm"]
subprocess.run(command, check=True, capture_output=True)
volume = np.asarray(nib.load("out/out.nii").dataobj)
read = pydicom.dcmread("enhanced.dcm")
seen = {
    "SimpleITK": sitk.GetArrayFromImage(sitk.ReadImage("enhanced.dcm"))[:, 0, 0],
    "pydicom": apply_modality_lut(read.pixel_array, read)[:, 0, 0],
    "highdicom": hd.imread("enhanced.dcm").get_volume().array[:, 0, 0],
    "dcm2niix": volume[0, 0],
}
for name, values in seen.items():
    print(f"{name:>9}, six frames of {SHOWN}: {np.asarray(values, float).round(1).tolist()}")
single = pydicom.dcmread("plain.dcm")
both = [sitk.GetArrayFromImage(sitk.ReadImage("plain.dcm")).max(), apply_modality_lut(single.pixel_array, single).max()]
print("one frame of 60 with slope 2, by SimpleITK and pydicom:", [float(value) for value in both])
right = all(np.allclose(seen[name], SHOWN) for name in ("highdicom", "dcm2niix")) and both == [2 * SHOWN] * 2
wrong = all(np.allclose(seen[name], SHOWN / slopes) for name in ("SimpleITK", "pydicom"))
sys.exit(0 if right and wrong else "changed: slopes are applied otherwise")
PYTHON
env/bin/python slopes.py
