"""A brain that lies another way than its header says is told by its shape."""

import numpy as np
import pytest
from nilearn.datasets import load_mni152_brain_mask

from gliofit.patients import orientation


@pytest.fixture(scope="module")
def template():
    image = load_mni152_brain_mask(resolution=6)
    return np.asarray(image.dataobj) > 0, image.affine


def test_the_stored_brain_is_the_templates(template):
    mask, _ = template
    stored, _ = orientation._adult()
    places, kept = np.argwhere(mask), np.argwhere(stored)
    assert np.array_equal(kept - kept.min(0), places - places.min(0))


@pytest.mark.parametrize("size", [(1, 1, 1), (0.8, 0.8, 0.8), (1.1, 0.95, 1.05)], ids=str)
@pytest.mark.parametrize(
    ("axes", "flipped", "says"),
    [
        ((0, 1, 2), (), ""),
        ((0, 1, 2), (0,), ""),  # brains are too symmetric for that
        ((0, 1, 2), (2,), "top and bottom exchanged"),
        ((0, 1, 2), (1,), "front and back exchanged"),
        ((0, 1, 2), (1, 2), "front and back and top and bottom exchanged"),
        ((2, 1, 0), (), "its axes exchanged"),
        ((1, 0, 2), (0,), "its axes exchanged"),
    ],
    ids=str,
)
def test_each_way_is_told(template, axes, flipped, says, size):
    mask, affine = template
    brain = np.flip(mask.transpose(axes), flipped) if flipped else mask.transpose(axes)
    said = orientation.turned(None, brain, np.diag([*size, 1.0]) @ affine)
    assert bool(said) == bool(says)
    assert says in "".join(said)


@pytest.mark.parametrize("lost", [(slice(None), slice(None), slice(0, 12)), (slice(0, 14), slice(None), slice(None))])
def test_a_cut_field_of_view_is_no_other_way(template, lost):
    mask, affine = template
    brain = mask.copy()
    brain[lost] = False
    assert orientation.turned(None, brain, affine) == []
