#!/usr/bin/env bash
# dcmqi 1.5.7 reads a parametric map mirrored if its frames go down, which is how highdicom 0.28.2 writes them.
#
# Expected: every frame of a parametric map says where it lies (ImagePositionPatient), and a reader puts it there. Their
# order in the file is free.
# Seen: highdicom writes the frames from the last place to the first. dcmqi takes origin and direction from the lowest
# place, then stacks the frames in the order of the file: the volume is upside down, in the right grid, without a
# warning. (It places the frames of segmentations right.)
# What to do: write the frames in the order of their places along the normal; every reader then agrees.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check highdicom==0.28.2 pydicom==3.0.2 dcmqi==1.5.7 nibabel==5.4.2 \
    numpy==2.3.5

cat > map.py <<'PYTHON'
import subprocess
import sys
from pathlib import Path

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

study, series, frame = (generate_uid() for _ in range(3))
slices = []
for k in range(6):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = MRImageStorage, generate_uid(), "MR"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Phantom^", "phantom", "", "O"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20200101", "120000", "1", "1"
    ds.ReferringPhysicianName = ds.PositionReferenceIndicator = ""
    ds.Rows, ds.Columns, ds.PixelSpacing, ds.SliceThickness = 4, 5, [1, 1], 2
    ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2 * k]
    slices.append(ds)

values = np.zeros((6, 4, 5), np.float32) + np.arange(6, dtype=np.float32)[:, None, None]  # the slice's number
mapping = hd.pm.RealWorldValueMapping("N", "slice", codes.UCUM.NoUnits, (0.0, 6.0), slope=1, intercept=0)
pm = hd.pm.ParametricMap(
    slices, values, generate_uid(), 2, generate_uid(), 1, "m", "m", "1", "1", False, [mapping],
    voi_lut_transformations=[hd.VOILUTTransformation(window_center=3, window_width=6)],
)
brain = Dataset()
brain.FrameLaterality, brain.AnatomicRegionSequence = "U", [hd.sr.CodedConcept.from_code(codes.SCT.Brain)]
pm.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [brain]
pm.ContentCreatorName = ""
pm.save_as("map.dcm")

places = [float(f.PlanePositionSequence[0].ImagePositionPatient[2]) for f in pm.PerFrameFunctionalGroupsSequence]
held = [float(v) for v in pydicom.dcmread("map.dcm").pixel_array[:, 0, 0]]
print("in the file, frame by frame: z in mm", places, "value", held)
program = Path(sys.executable).with_name("paramap2itkimage")
subprocess.run([program, "--inputDICOM", "map.dcm", "--outputDirectory", ".", "-n", "read", "-t", "nii"], check=True,
               capture_output=True)
image = nib.load(next(Path(".").glob("read*.nii.gz")))
read = {float((image.affine @ [0, 0, k, 1])[2]): float(image.dataobj[0, 0, k]) for k in range(6)}
print("as dcmqi reads it: value at z", read)
truth = dict(zip(places, held))
if read == truth:
    sys.exit("changed: dcmqi puts every frame in its place (or highdicom writes them upwards)")
sys.exit(0 if [read[z] for z in sorted(read)] == [truth[z] for z in sorted(truth)][::-1] else "changed: read otherwise")
PYTHON
env/bin/python map.py
