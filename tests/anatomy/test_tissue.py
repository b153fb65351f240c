"""Tissue maps on disk."""

import numpy as np
import pytest

from gliofit import InputError, Tissue


def test_maps_come_back_from_nifti_as_they_were(small_tissue, tmp_path):
    small_tissue.to_nifti(tmp_path)
    read = Tissue.from_nifti(*(tmp_path / f"{name}.nii.gz" for name in ("wm", "gm", "csf")))
    assert read.shape == small_tissue.shape
    np.testing.assert_allclose(read.affine, small_tissue.affine, atol=1e-4)  # NIfTI keeps single precision
    for name in ("wm", "gm", "csf"):
        np.testing.assert_allclose(getattr(read, name), getattr(small_tissue, name), atol=1e-4)


def test_maps_of_different_grids_are_refused_by_name(small_tissue, tmp_path):
    small_tissue.to_nifti(tmp_path)
    (tmp_path / "other").mkdir()
    Tissue(*(m[:-1] for m in (small_tissue.wm, small_tissue.gm, small_tissue.csf)), small_tissue.affine).to_nifti(
        tmp_path / "other"
    )
    with pytest.raises(InputError, match=r"other.gm\.nii\.gz: shape"):
        Tissue.from_nifti(tmp_path / "wm.nii.gz", tmp_path / "other/gm.nii.gz", tmp_path / "csf.nii.gz")
