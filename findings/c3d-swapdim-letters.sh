#!/usr/bin/env bash
# picsl-c3d 1.4.6.0: `c3d -swapdim RAS` gives what nibabel and SimpleITK call LPI.
#
# Expected: an image that nibabel calls RAS (voxels run to Right, Anterior, Superior) is left alone by `-swapdim RAS`, as
# by SimpleITK's DICOMOrient(image, "RAS").
# Seen: c3d's letters say where an axis comes from, nibabel's and SimpleITK's where it goes to. `-swapdim RAS` turns all
# three axes round, and `-swapdim LPI` leaves the image alone. Nothing is lost, as the affine turns with the voxels; but
# whoever then drops the affine, as networks and plain arrays do, has a brain with left and right exchanged.
# What to do: for nibabel's RAS, ask c3d for LPI. Compare affines, not letters, between tools.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check picsl-c3d==1.4.6.0 SimpleITK==2.5.7 nibabel==5.4.2 numpy==2.3.5

cat > compare.py <<'PYTHON'
import sys

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from picsl_c3d import Convert3D

voxels = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
nib.save(nib.Nifti1Image(voxels, np.eye(4)), "image.nii.gz")


def look(path):
    image = nib.load(path)
    return "".join(nib.aff2axcodes(image.affine)), np.array_equal(image.get_fdata(), voxels)


print("image, by nibabel:", look("image.nii.gz")[0])
found = {}
for letters in ("RAS", "LPI"):
    Convert3D().execute(f"image.nii.gz -swapdim {letters} -o {letters}.nii.gz")
    found[letters] = look(f"{letters}.nii.gz")
    print(f"c3d -swapdim {letters}, by nibabel: {found[letters][0]}; voxels as they were: {found[letters][1]}")
sitk.WriteImage(sitk.DICOMOrient(sitk.ReadImage("image.nii.gz"), "RAS"), "sitk.nii.gz")
other = look("sitk.nii.gz")
print(f"SimpleITK DICOMOrient RAS, by nibabel: {other[0]}; voxels as they were: {other[1]}")
as_described = found == {"RAS": ("LPI", False), "LPI": ("RAS", True)} and other == ("RAS", True)
sys.exit(0 if as_described else "changed: the letters of c3d or SimpleITK mean something else now")
PYTHON
env/bin/python compare.py
