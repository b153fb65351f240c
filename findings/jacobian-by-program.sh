#!/usr/bin/env bash
# The Jacobian of the same warp is 1.188 by antspyx 0.6.3, 0.648 by SimpleITK 2.5.7 and 0.384 by picsl-greedy 1.4.0.3.
#
# Expected: a displacement field in mm knows its voxel size and its axes, so that the determinant of its Jacobian, which
# says what a small volume becomes, is one number. The warp here is linear, x + G x, and det(1 + G) is 1.188 everywhere.
# Seen: SimpleITK's DisplacementFieldJacobianDeterminant divides by the voxel size, but takes the image's axes for those of
# the world. Every NIfTI image whose voxels run to right and front, as nibabel's RAS, has two axes that run the other way in
# ITK: 0.648. On axes turned by 30° it is 0.662. `-rj` of greedy leaves out the voxel size as well: 0.384. antspyx is right,
# but that it has a fold as 0. Voxels of 1 mm that run to left and back hide both.
# A warp that stretches x to 2.2 is told by SimpleITK as a fold (-0.2), and one that folds (-0.2) as a stretch to 2.2.
# What to do: turn the vectors into the image's axes (v = Dᵀ u, D its direction) and give them to SimpleITK's filter as an
# image without a direction. This is right in all cases here.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check antspyx==0.6.3 picsl-greedy==1.4.0.3 SimpleITK==2.5.7 \
    nibabel==5.4.2 numpy==2.3.5

cat > warp.py <<'PYTHON'
import sys

import ants
import nibabel as nib
import numpy as np
import SimpleITK as sitk
from picsl_greedy import Greedy3D

GRADIENT = np.array([[0.1, 0.05, 0], [0, 0.2, 0], [0, 0.03, -0.1]])  # of the displacements, RAS
SIZE, VOXEL_MM, LPS = 12, 2.0, np.array([-1, -1, 1])


def write(name, axes, gradient):
    """A warp on a grid with `axes` (RAS) in the format that ITK and greedy write: LPS, intent 1007."""
    affine = np.diag([0.0, 0, 0, 1])
    affine[:3, :3] = axes * VOXEL_MM
    place = nib.affines.apply_affine(affine, np.moveaxis(np.indices((SIZE,) * 3), 0, -1))
    warp = nib.Nifti1Image((place @ gradient.T * LPS)[:, :, :, None].astype(np.float32), affine)
    warp.header.set_intent("vector")
    nib.save(warp, f"{name}.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros((SIZE,) * 3, np.float32), affine), "grid.nii.gz")


def middle(values):
    return round(float(values[(SIZE // 2,) * 3]), 3)


def by_sitk(warp):
    return middle(sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(warp)))


def by_all(name, axes, gradient):
    write(name, axes, gradient)
    found = {"truth": round(float(np.linalg.det(np.eye(3) + gradient)), 3)}
    warp = sitk.ReadImage(f"{name}.nii.gz", sitk.sitkVectorFloat64)
    found["SimpleITK"] = by_sitk(warp)
    turned = sitk.GetArrayFromImage(warp) @ np.reshape(warp.GetDirection(), (3, 3))
    along = sitk.GetImageFromArray(turned, isVector=True)
    along.SetSpacing(warp.GetSpacing())
    found["SimpleITK, vectors turned"] = by_sitk(along)
    grid = ants.image_read("grid.nii.gz")
    found["antspyx"] = middle(ants.create_jacobian_determinant_image(grid, f"{name}.nii.gz").numpy())
    Greedy3D().execute(f"-d 3 -V 0 -rf grid.nii.gz -rj rj.nii.gz -r {name}.nii.gz")
    found["greedy -rj"] = middle(nib.load("rj.nii.gz").get_fdata())
    return found


cosine, sine = np.cos(np.pi / 6), np.sin(np.pi / 6)
turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
seen = {}
for name, axes, gradient in (
    ("RAS", np.eye(3), GRADIENT),
    ("LPS", np.diag(LPS), GRADIENT),
    ("turned", turn, GRADIENT),
    ("stretch", np.eye(3), np.diag([1.2, 0, 0])),
    ("fold", np.eye(3), np.diag([-1.2, 0, 0])),
):
    seen[name] = by_all(name, axes, gradient)
    print(f"{name:>8}:", ", ".join(f"{who} {value:.3f}" for who, value in seen[name].items()))
right = all(abs(found["SimpleITK, vectors turned"] - found["truth"]) < 0.01 for found in seen.values())
right &= all(abs(found["antspyx"] - max(0, found["truth"])) < 0.01 for found in seen.values())
wrong = [seen["RAS"]["SimpleITK"], seen["RAS"]["greedy -rj"], seen["stretch"]["SimpleITK"], seen["fold"]["SimpleITK"]]
described = np.allclose(wrong, [0.648, 0.384, -0.2, 2.2], atol=0.002) and seen["LPS"]["SimpleITK"] == 1.188
sys.exit(0 if right and described else "changed: other Jacobians")
PYTHON
env/bin/python warp.py
