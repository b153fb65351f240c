#!/usr/bin/env bash
# SimpleITK 2.5.7: Shrink by an even factor moves an image by half a voxel, by an odd one it does not.
#
# Expected: a shrunk image shows at every place what the image shows there. Of an image whose values are places in mm, the
# values of the shrunk one are its own voxels' places, as those of BinShrink and Resample are.
# Seen: the new origin lies between the two (four, six) voxels that become one, but the value is that of a single voxel, the
# next one up. By a factor of 2 or 4 all is half a voxel off: 0.5 mm in the plane here, and 3 mm across slices of 6 mm.
# By a factor of 3 nothing is. Turning the image round before turns the shift round.
# What to do: BinShrink, or Resample on a grid of one's own; with Shrink odd factors alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.3.5

cat > shrink.py <<'PYTHON'
import sys

import numpy as np
import SimpleITK as sitk

SPACING = np.array([1.0, 1.0, 6.0])


def places(image, axis):
    """Where the voxels along one axis are, mm."""
    return image.GetOrigin()[axis] + image.GetSpacing()[axis] * np.arange(image.GetSize()[axis])


def ramp(axis):
    """An image whose values are places along an axis, mm."""
    values = np.moveaxis(np.broadcast_to(np.arange(24.0) * SPACING[axis], (24, 24, 24)), -1, axis)
    image = sitk.GetImageFromArray(values.T.copy())
    image.SetSpacing(SPACING.tolist())
    return image


def off(image, axis):
    """Mean of value minus place, mm, without the outermost voxels."""
    values = np.moveaxis(sitk.GetArrayFromImage(image).T, axis, -1)
    return float((values - places(image, axis))[1:-1, 1:-1, 1:-1].mean())


seen = {}
for factor in (2, 3, 4):
    for name, shrink in (("Shrink", sitk.Shrink), ("BinShrink", sitk.BinShrink)):
        seen[name, factor] = [round(off(shrink(ramp(axis), [factor] * 3), axis), 3) + 0.0 for axis in range(3)]
        print(f"{name:>9} by {factor}: off by {seen[name, factor]} mm along x, y, z")
even = all(seen["Shrink", factor] == [0.5, 0.5, 3.0] for factor in (2, 4))
others = [seen["Shrink", 3], *(seen["BinShrink", factor] for factor in (2, 3, 4))]
sys.exit(0 if even and all(other == [0, 0, 0] for other in others) else "changed: Shrink moves an image otherwise")
PYTHON
env/bin/python shrink.py
