"""Scans drawn from the likelihood have its frequencies."""

import numpy as np

from gliofit.synthetic.drawn_scan import IMAGING, draw_imaging, draw_scan


def test_labels_and_uptake_are_as_probable_as_the_likelihood_says(small_tissue):
    density = np.full(small_tissue.shape, 0.3, np.float32)
    imaging = {"threshold_core": 0.4, "threshold_whole": 0.25, "pet_scale": 0.8, "pet_background": 0.0}
    imaging |= {"sigma_alpha": 0.1, "sigma": 0.5}
    scan = draw_scan(density, small_tissue, imaging, np.random.default_rng(0))
    outlines, pet = scan.parts
    number = int(small_tissue.mask.sum())
    error = 4 * 0.5 / np.sqrt(number)
    assert abs(outlines.core[small_tissue.mask].mean() - 0.5 * np.exp(-1)) < error
    assert abs(outlines.whole[small_tissue.mask].mean() - (1 - 0.5 * np.exp(-0.25))) < error
    assert not outlines.whole[~small_tissue.mask].any()
    seen = pet.pet[small_tissue.mask]
    assert abs(seen.mean() - 0.375) < error
    assert seen.min() < 0  # noise is not cut off
    drawn = [draw_imaging(np.random.default_rng(seed)) for seed in range(50)]
    for name, (low, high) in IMAGING.items():
        values = [one[name] for one in drawn]
        assert low <= min(values) < low + (high - low) / 3
        assert high >= max(values) > high - (high - low) / 3
