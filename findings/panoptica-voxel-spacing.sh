#!/usr/bin/env bash
# panoptica 2.1.7 takes the voxel size of SimpleITK images and NIfTI files in the wrong order: distances are wrong.
#
# Expected: images know their voxel size, so that distances between their surfaces are in mm. A box and the same box
# 3 mm further along x, on voxels of 1 × 1 × 5 mm, have a Hausdorff distance of 3 mm (SimpleITK says so, too).
# Seen: the arrays are [z, y, x] and the voxel size that goes with them stays (x, y, z): 3 voxels along x count as 3 × 5
# = 15 mm. HD, HD95 and average distances are wrong, without a warning, wherever voxels are not cubes; Dice is not.
# What to do: give arrays, and `voxelspacing` in the order of their axes; or resample to cubes before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check panoptica==2.1.7 SimpleITK==2.5.7 numpy==2.2.6

cat > box.py <<'PYTHON'
import sys

import numpy as np
import SimpleITK as sitk
from panoptica import InputType, Panoptica_Evaluator
from panoptica.metrics import Metric

SPACING = (1.0, 1.0, 5.0)  # x, y, z in mm
truth = np.zeros((20, 40, 40), np.uint8)  # [z, y, x]
truth[5:12, 15:25, 15:25] = 1
found = np.roll(truth, 3, axis=2)


def image(mask):
    made = sitk.GetImageFromArray(mask)
    made.SetSpacing(SPACING)
    return made


sitk.WriteImage(image(truth), "truth.nii.gz")
sitk.WriteImage(image(found), "found.nii.gz")
judge = sitk.HausdorffDistanceImageFilter()
judge.Execute(image(found), image(truth))
metrics = [Metric.DSC, Metric.HD, Metric.ASSD]
evaluator = Panoptica_Evaluator(InputType.MATCHED_INSTANCE, instance_metrics=metrics, decision_metric=None)
seen = {}
for name, pair, options in (
    ("SimpleITK images", (image(found), image(truth)), {}),
    ("NIfTI files", ("found.nii.gz", "truth.nii.gz"), {}),
    ("arrays, voxelspacing=(5, 1, 1)", (found, truth), {"voxelspacing": SPACING[::-1]}),
):
    result = next(iter(evaluator.evaluate(*pair, verbose=False, **options).values()))
    seen[name] = result.sq_hd
    print(f"{name:>31}: HD {result.sq_hd:.1f} mm, ASSD {result.sq_assd:.2f} mm, Dice {result.sq_dsc:.2f}")
print(f"{'SimpleITK itself':>31}: HD {judge.GetHausdorffDistance():.1f} mm")
right = judge.GetHausdorffDistance() == 3 and list(seen.values())[2] == 3
wrong = seen["SimpleITK images"] == 15 and seen["NIfTI files"] == 15
sys.exit(0 if right and wrong else "changed: panoptica no longer finds 15 mm where it is 3 mm")
PYTHON
env/bin/python box.py
