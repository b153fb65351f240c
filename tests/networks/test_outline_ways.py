"""Ways that a front takes from outline to outline."""

import numpy as np

from gliofit.networks.outline_ways import outline_ways

EDGE, SPACING = 24, 2.0


def balls(*radii: float) -> list[np.ndarray]:
    """Masks [1, n, n, n] about the middle."""
    index = np.moveaxis(np.indices((EDGE,) * 3), 0, -1) - (EDGE - 1) / 2
    return [(np.linalg.norm(index * SPACING, axis=-1) < r)[None] for r in radii]


def test_in_white_matter_ways_are_distances():
    core, whole = balls(8, 16)
    white = np.ones((1, EDGE, EDGE, EDGE), np.float32)
    into_whole, into_core, out_of_core = outline_ways(core, whole, white, 0 * white, SPACING)[0]
    # to the middle, which lies between voxels, and from rim to rim
    assert 16 - 2 * SPACING < into_whole.max() < 16 + SPACING
    assert 8 - 2 * SPACING < into_core.max() < 8 + SPACING
    assert 8 - 2 * SPACING < out_of_core.max() < 8 + 2 * SPACING
    assert np.unravel_index(into_whole.argmax(), into_whole.shape)[0] in (11, 12)
    assert not into_whole[~whole[0]].any()
    assert not out_of_core[core[0]].any()


def test_grey_matter_is_slower_by_the_root_of_ten_and_csf_is_no_way():
    core, whole = balls(8, 16)
    white = np.ones((1, EDGE, EDGE, EDGE), np.float32)
    ways = [outline_ways(core, whole, f * white, (1 - f) * white, SPACING) for f in (1, 0)]
    np.testing.assert_allclose(ways[1], np.sqrt(10) * ways[0], rtol=0.02)
    half = white.copy()
    half[0, EDGE // 2 :] = 0
    seen = outline_ways(core, whole, half, 0 * half, SPACING)[0]
    assert not seen[:, EDGE // 2 :].any()
    # no front comes through the wall: the deepest point moves to it
    assert np.unravel_index(seen[0].argmax(), seen[0].shape)[0] == EDGE // 2 - 1


def test_a_tumour_without_a_core_has_no_ways_to_it():
    (whole,) = balls(12)
    white = np.ones((1, EDGE, EDGE, EDGE), np.float32)
    ways = outline_ways(np.zeros_like(whole), whole, white, 0 * white, SPACING)[0]
    assert ways[0].any()
    assert not ways[1:].any()
