"""There and back between a patient and the atlas, through transforms that are known."""

import numpy as np
import pytest
from scipy import ndimage

from gliofit.anatomy.morph import Morph
from gliofit.anatomy.registration import AFFINE, INVERSE_WARP, WARP, Registration
from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.base.nifti import save_volume

SHIFT = np.array([9.0, -6.0, 4.0])
"""mm, RAS: where the atlas's points are in the patient; the warp's part is constant, too."""
WARPED = np.array([0.0, 3.0, -2.0])


@pytest.fixture
def moved(tmp_path, small_tissue):
    """A registration that turns the atlas by 10° about z, moves it by SHIFT and then by WARPED."""
    import ants

    angle = np.deg2rad(10)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    # ANTs keeps patient → atlas, x → M x + t, in LPS: of the inverse map Rᵀ(x − SHIFT)
    lps = np.diag([-1.0, -1.0, 1.0])
    matrix = lps @ turn.T @ lps
    transform = ants.create_ants_transform(
        "AffineTransform", dimension=3, matrix=matrix, offset=lps @ (-turn.T @ SHIFT)
    )
    ants.write_transform(transform, str(tmp_path / AFFINE))
    for name, sign in ((WARP, -1), (INVERSE_WARP, 1)):
        grid = np.zeros((40, 40, 40), np.float32)
        affine = np.diag([4.0, 4.0, 4.0, 1.0])
        affine[:3, 3] = -78
        save_volume(tmp_path / "grid.nii.gz", grid, affine)
        image = ants.image_read(str(tmp_path / "grid.nii.gz"))
        field = np.broadcast_to(sign * lps @ WARPED, (*grid.shape, 3)).astype(np.float32)
        warp = ants.from_numpy(
            np.ascontiguousarray(field), image.origin, image.spacing, image.direction, has_components=True
        )
        ants.image_write(warp, str(tmp_path / name))
    return Registration(tmp_path), lambda p: turn @ np.asarray(p) + SHIFT + WARPED


def blob(tissue, centre) -> np.ndarray:
    world = tissue.to_world(np.moveaxis(np.indices(tissue.shape), 0, -1))
    return np.exp(-((world - np.array(centre)) ** 2).sum(-1) / (2 * 7.0**2)).astype(np.float32)


def centre_of(data, affine) -> np.ndarray:
    return grids.to_world(affine, np.array(ndimage.center_of_mass(data)))


@pytest.mark.parametrize("point", [(0, 0, 0), (12, -8, 5), (-15, 10, -7)])
def test_points_and_fields_go_the_same_known_way(moved, small_tissue, point):
    registration, truth = moved
    morph = Morph(small_tissue, registration)
    expected = truth(point)
    np.testing.assert_allclose(morph.point_to_patient(np.array(point)), expected, atol=1e-3)
    there = morph.to_patient(blob(small_tissue, point), small_tissue.shape, small_tissue.affine)
    np.testing.assert_allclose(centre_of(there, small_tissue.affine), expected, atol=0.3)
    # … and back, on another grid
    shape, affine = grids.aligned_grid(small_tissue.affine, small_tissue.brain, 8.0)
    (back,) = morph.to_atlas([there], small_tissue.affine, shape, affine)
    np.testing.assert_allclose(centre_of(back, affine), point, atol=0.5)
    assert back.sum() * 8**3 == pytest.approx(blob(small_tissue, point).sum() * 4**3, rel=0.02)


def test_several_points_at_once(moved, small_tissue):
    registration, truth = moved
    points = np.array([[1.0, 2, 3], [-20, 5, 8]])
    np.testing.assert_allclose(registration.points_to_patient(points), [truth(p) for p in points], atol=1e-3)


def test_without_a_registration_nothing_moves(small_tissue):
    morph = Morph(small_tissue)
    density = blob(small_tissue, (5, 5, 5))
    np.testing.assert_array_equal(morph.point_to_patient(np.array([1.0, 2, 3])), [1, 2, 3])
    np.testing.assert_array_equal(morph.to_patient(density, small_tissue.shape, small_tissue.affine), density)
    (same,) = morph.to_atlas([density], small_tissue.affine, small_tissue.shape, small_tissue.affine)
    np.testing.assert_array_equal(same, density)


def test_a_missing_transform_is_named(moved):
    registration, _ = moved
    (registration.folder / WARP).unlink()
    with pytest.raises(InputError, match=r"warp\.nii\.gz: no such file"):
        Registration(registration.folder)
