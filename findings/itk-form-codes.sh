#!/usr/bin/env bash
# SimpleITK 2.5.7, antspyx 0.6.3 and picsl-greedy 1.4.0.3 place NIfTI images by their qform, nibabel 5.4.2 by their sform.
#
# Expected: which of two orientations of a file counts depends on whether it is there, and nibabel takes the sform whenever
# its code is above 0. An image that was aligned to another, with the scanner's place kept in the qform (code 1) and the new
# one in the sform (code 2, aligned), lies where it was aligned to.
# Seen: ITK takes the sform only if its code is 1, or if there is no qform. With code 2, 3, 4 or 5 it goes by the qform,
# without a word: the image lies 30 mm from where nibabel has it. Equal codes of 2 go by the qform as well.
# Where the two say the same, as most converters write them, nothing shows.
# What to do: compare the two before a program of ITK's gets a file, and write both alike, with code 1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check antspyx==0.6.3 picsl-greedy==1.4.0.3 SimpleITK==2.5.7 \
    nibabel==5.4.2 numpy==2.3.5

cat > place.py <<'PYTHON'
import sys

import ants
import nibabel as nib
import numpy as np
import SimpleITK as sitk
from picsl_greedy import Greedy3D

SIZE, MOVED_MM = 48, 30
scanner = np.diag([2.0, 2.0, 2.0, 1.0])
scanner[:3, 3] = -SIZE + 1
aligned = scanner.copy()
aligned[0, 3] += MOVED_MM
ball = (np.linalg.norm(np.indices((SIZE,) * 3) - 23.5, axis=0) < 5).astype(np.float32)  # its middle: 0 mm by the qform
nib.save(nib.Nifti1Image(ball, scanner), "grid.nii.gz")
x = np.arange(SIZE) * 2.0 - SIZE + 1


def middle(values):
    """Where the ball is along x (to the right), mm."""
    return round(float((values.sum((1, 2)) * x).sum() / values.sum()), 1) + 0.0


seen = {}
for qform_code, sform_code in ((0, 2), (1, 0), (1, 1), (1, 2), (1, 4), (2, 2), (4, 4)):
    image = nib.Nifti1Image(ball, None)
    image.header.set_zooms((2, 2, 2))
    image.set_qform(scanner if qform_code else None, qform_code)
    image.set_sform(aligned if sform_code else None, sform_code)
    nib.save(image, "image.nii.gz")
    places = {"nibabel": nib.load("image.nii.gz").affine[0, 3] - scanner[0, 3]}
    places["SimpleITK"] = -sitk.ReadImage("image.nii.gz").GetOrigin()[0] - scanner[0, 3]
    places["antspyx"] = -ants.image_read("image.nii.gz").origin[0] - scanner[0, 3]
    Greedy3D().execute("-d 3 -V 0 -rf grid.nii.gz -rm image.nii.gz out.nii.gz -r")
    places["greedy"] = middle(nib.load("out.nii.gz").get_fdata())
    seen[qform_code, sform_code] = [float(place) for place in places.values()]
    told = ", ".join(f"{who} {place:g} mm" for who, place in places.items())
    print(f"qform code {qform_code}, sform code {sform_code}: {told}")
alike = all(seen[codes] == [where] * 4 for codes, where in (((0, 2), 30), ((1, 0), 0), ((1, 1), 30)))
apart = all(seen[codes] == [30, 0, 0, 0] for codes in ((1, 2), (1, 4), (2, 2), (4, 4)))
sys.exit(0 if alike and apart else "changed: other orientations count")
PYTHON
env/bin/python place.py
