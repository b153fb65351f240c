"""Where a field of view ends, told from the brain's surface, on slices of any thickness."""

from __future__ import annotations

import numpy as np
import pytest
from heads import RADII

from gliofit.patients.place import cut_off

SLICES = [(1.5, 1.5, 1.5), (1, 1, 4), (1, 1, 10), (1, 10, 1), (10, 1, 1), (2, 2, 6)]

PLACES = {
    "at the left of the skull": (-60, 10, 0),
    "at the top": (10, 0, 60),
    "in the cerebellum": (15, -62, -40),
    "in the brainstem": (0, -10, -58),
    "across the midline": (0, 70, 10),
}


def head(spacing, middle, radius=22.0):
    """Brain, tumour, affine and world [3, x, y, z] on a grid with these edges, mm."""
    shape = np.ceil((2 * RADII + 8) / spacing).astype(int)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -(shape - 1) / 2 * spacing
    world = np.stack(
        np.meshgrid(
            *(np.arange(n) * s + o for n, s, o in zip(shape, spacing, affine[:3, 3], strict=True)), indexing="ij"
        )
    )
    # lobes of a centimetre's height: no ellipsoid, which a plane never touches
    waves = sum(np.sin(world[axis] / 9 + axis) for axis in range(3)) * 0.015
    brain = np.sqrt(((world / RADII[:, None, None, None]) ** 2).sum(0)) + waves < 1
    away = np.sqrt(((world - np.array(middle)[:, None, None, None]) ** 2).sum(0))
    return brain, brain & (away < radius), affine, world


@pytest.mark.parametrize("spacing", SLICES)
@pytest.mark.parametrize("place", PLACES)
def test_a_whole_brain_is_not_said_to_be_cut(spacing, place):
    brain, whole, affine, _ = head(np.array(spacing, float), PLACES[place])
    assert whole.any()
    assert cut_off(None, whole, brain, affine) == []


@pytest.mark.parametrize("spacing", SLICES)
@pytest.mark.parametrize("normal", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.7, 0.6, 0.4)])
def test_a_field_of_view_that_ends_in_the_tumour_is_told(spacing, normal):
    middle, normal = np.array([30.0, 20.0, 20.0]), np.array(normal) / np.linalg.norm(normal)
    brain, whole, affine, world = head(np.array(spacing, float), middle)
    seen = np.tensordot(normal, world - middle[:, None, None, None], 1) < 5
    along = max(spacing) >= 10 and normal[np.argmax(spacing)] == 1
    if along:  # any brain's last slice is as flat as one where the image has ended: that it has ended must be seen
        assert cut_off(None, whole & seen, brain & seen, affine) == []
        axis = int(np.argmax(spacing))
        kept = [slice(None)] * 3
        kept[axis] = slice(0, np.flatnonzero(seen.any(tuple(i for i in range(3) if i != axis)))[-1] + 1)
        brain, whole, seen = brain[tuple(kept)], whole[tuple(kept)], seen[tuple(kept)]
    said = cut_off("flair.nii.gz", whole & seen, brain & seen, affine)
    assert len(said) == 1
    assert said[0].startswith("flair.nii.gz: the brain ends in a plane where the tumour meets it")
