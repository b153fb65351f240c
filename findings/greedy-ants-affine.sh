#!/usr/bin/env bash
# picsl-greedy 1.4.0.3 reads the affine file of ANTs (0GenericAffine.mat) as another transform, without a word.
#
# Expected: both are registration tools built on ITK. A shift that antspyx 0.6.3 wrote as shift.mat, the format of every
# ANTs affine, moves an image in greedy as it does in ANTs – or greedy refuses the file.
# Seen: greedy takes the binary file for a 4×4 text matrix, and applies diag(0, 1, 1) with no translation: the image
# comes out constant along x. It ends without an error or a warning. The same shift as ITK text is read right.
# What to do: hand affines from ANTs to greedy as text (ants.write_transform to a name in .txt).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check antspyx==0.6.3 picsl-greedy==1.4.0.3 nibabel==5.4.2 numpy==2.3.5

cat > apply.py <<'PYTHON'
import sys

from picsl_greedy import Greedy3D

Greedy3D().execute(f"-d 3 -rf fixed.nii.gz -rm moving.nii.gz {sys.argv[2]} -r {sys.argv[1]}")
PYTHON

cat > compare.py <<'PYTHON'
import subprocess
import sys

import ants
import nibabel as nib
import numpy as np

affine = np.diag([2.0, 2.0, 2.0, 1.0])
affine[:3, 3] = -30
axes = np.meshgrid(*[np.arange(32) * 2.0 - 30] * 3, indexing="ij")
blob = np.exp(-sum((a - m) ** 2 for a, m in zip(axes, (6, -4, 2))) / (2 * 5**2)).astype(np.float32)
nib.save(nib.Nifti1Image(blob, affine), "moving.nii.gz")
nib.save(nib.Nifti1Image(np.zeros_like(blob), affine), "fixed.nii.gz")

shift = ants.new_ants_transform(dimension=3, transform_type="AffineTransform")
shift.set_parameters([1, 0, 0, 0, 1, 0, 0, 0, 1, 10, 4, -6])
shift.set_fixed_parameters([0, 0, 0])
for name in ("shift.mat", "shift.txt"):
    ants.write_transform(shift, name)


def centre(volume):
    return np.array([(volume * a).sum() / volume.sum() for a in axes])


fixed, moving = ants.image_read("fixed.nii.gz"), ants.image_read("moving.nii.gz")
by_ants = centre(ants.apply_transforms(fixed, moving, ["shift.mat"]).numpy())
print("centre of the blob, mm:", centre(blob).round(2), "; after the shift by ANTs:", by_ants.round(2))
found = {}
for name in ("shift.mat", "shift.txt"):
    run = subprocess.run([sys.executable, "apply.py", name, "out.nii.gz"], capture_output=True, text=True)
    out = nib.load("out.nii.gz").get_fdata()
    found[name] = out
    print(f"greedy with {name}: ends with {run.returncode}, says {(run.stdout + run.stderr).strip()!r}")
    print(f"  centre {centre(out).round(2)}, largest difference along x {np.ptp(out, axis=0).max():.2g}")
    if run.returncode or "rror" in run.stdout + run.stderr or "arn" in run.stdout + run.stderr:
        sys.exit("changed: greedy complains")
collapsed = np.abs(found["shift.mat"] - blob[15]).max() < 1e-6  # every plane is that of x = 0
as_text = np.abs(centre(found["shift.txt"]) - by_ants).max() < 0.05
sys.exit(0 if collapsed and as_text else "changed: greedy no longer reads shift.mat as diag(0, 1, 1)")
PYTHON
env/bin/python compare.py
