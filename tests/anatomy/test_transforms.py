"""Images and points through known transforms: sums on thick slices, paths with odd names, missing files."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from gliofit.anatomy import transforms
from gliofit.anatomy.registration import Registration
from gliofit.anatomy.transforms import FILES
from gliofit.base import grids
from gliofit.base.nifti import Volume

SHAPE, SPACING = (48, 56, 40), 2.0
AFFINE = np.diag([SPACING, SPACING, SPACING, 1.0])
AFFINE[:3, 3] = [-47, -55, -39]
WORLD = np.moveaxis(grids.to_world(AFFINE, np.moveaxis(np.indices(SHAPE), 0, -1)), -1, 0)

ALL = Volume(np.ones(SHAPE, bool), AFFINE)


def write(folder, tool: str, shift=(0.0, 0.0, 0.0), bend=None):
    """A registration of `tool`'s files: patient → atlas is a shift (RAS, mm), and a bend z += bend(x) of the warp."""
    affine, warp, inverse = FILES[tool]
    folder.mkdir(parents=True, exist_ok=True)
    moved = sitk.AffineTransform(3)
    moved.SetTranslation([-shift[0], -shift[1], shift[2]])
    sitk.WriteTransform(moved, str(folder / affine))
    for name, sign in ((warp, 1), (inverse, -1)):
        field = np.zeros((*SHAPE, 3))
        if bend is not None:
            field[..., 2] = sign * bend(WORLD[0])
        image = sitk.GetImageFromArray(np.transpose(field, (2, 1, 0, 3)), isVector=True)
        image.SetSpacing([SPACING] * 3)
        image.SetDirection([-1, 0, 0, 0, -1, 0, 0, 0, 1])
        image.SetOrigin([47, 55, -39])
        sitk.WriteImage(image, str(folder / name))
    return Registration(folder)


def thick(edges, degrees: float = 0.0) -> tuple[tuple, np.ndarray]:
    """A grid of `edges` mm over the same space and 12 mm more, turned about x."""
    edges = np.array(edges, float)
    shape = tuple(int(n) for n in np.ceil((np.array(SHAPE) * SPACING + 24) / edges))
    angle = np.deg2rad(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = turn * edges
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return shape, affine


def millilitres(data, affine) -> float:
    return float(data.sum(dtype=np.float64)) * abs(np.linalg.det(affine[:3, :3])) / 1000


# a sulcus: a sheet 4 mm thick, in the plane of the slices' normal
SHEET = ((np.abs(WORLD[0]) < 2) & (np.abs(WORLD[1]) < 40) & (np.abs(WORLD[2]) < 28)).astype(np.float32)
BALL = (np.linalg.norm(WORLD, axis=0) < 8).astype(np.float32)


@pytest.mark.parametrize(("edges", "degrees"), [((2, 2, 6), 0), ((2, 2, 10), 0), ((2, 6, 2), 12), ((4, 4, 4), 12)])
def test_thick_slices_keep_what_thin_structures_hold(tmp_path, edges, degrees):
    found = write(tmp_path, "ants")
    shape, affine = thick(edges, degrees)
    sheet, ball = found.to_patient([Volume(SHEET, AFFINE), Volume(BALL, AFFINE)], shape, affine)
    for there, here in ((sheet, SHEET), (ball, BALL)):
        assert millilitres(there, affine) == pytest.approx(millilitres(here, AFFINE), rel=0.005)
    if edges[0] == 2:
        # fine in the plane: what is more than half CSF stays so (by means over cubes of the largest edge nothing would)
        assert millilitres(sheet > 0.5, affine) > 0.85 * millilitres(SHEET > 0.5, AFFINE)
    (back,) = found.to_atlas([Volume(ball, affine)], SHAPE, AFFINE)
    assert millilitres(back, AFFINE) == pytest.approx(millilitres(BALL, AFFINE), rel=0.005)


@pytest.mark.parametrize("tool", FILES)
def test_the_same_files_do_the_same_whichever_tool_wrote_them(tmp_path, tool):
    bend = lambda x: 4 * np.sin(x / 25)  # noqa: E731
    found = write(tmp_path, tool, shift=(3.0, -4.0, 5.0), bend=bend)
    assert found.tool == tool
    points = np.array([[5.0, 6.0, 7.0], [-20.0, 10.0, -5.0]])
    expected = points + np.array([3, -4, 5])
    expected[:, 2] += bend(points[:, 0])
    np.testing.assert_allclose(found.points_to_atlas(points), expected, atol=0.02)
    np.testing.assert_allclose(found.points_to_patient(expected), points, atol=0.02)
    # an image goes where its points go
    blob = np.exp(-((WORLD - expected[0][:, None, None, None]) ** 2).sum(0) / (2 * 5.0**2)).astype(np.float32)
    (there,) = found.to_patient([Volume(blob, AFFINE)], *thick((3, 3, 3), 20))
    at = grids.to_world(thick((3, 3, 3), 20)[1], np.array(ndimage.center_of_mass(there)))
    np.testing.assert_allclose(at, points[0], atol=0.1)
    # z + b(x) shears and keeps volumes
    assert found.smallest_jacobian(ALL) == pytest.approx(1, abs=1e-3)


def write_warp(path, up) -> None:
    """A warp that moves along z alone, by `up` mm [x, y, z]."""
    field = np.zeros((*SHAPE, 3))
    field[..., 2] = up
    image = sitk.GetImageFromArray(np.transpose(field, (2, 1, 0, 3)), isVector=True)
    image.SetSpacing([SPACING] * 3)
    image.SetDirection([-1, 0, 0, 0, -1, 0, 0, 0, 1])
    image.SetOrigin([47, 55, -39])
    sitk.WriteImage(image, str(path))


def test_a_fold_is_seen_where_the_brain_is(tmp_path):
    folded = write(tmp_path, "greedy")
    write_warp(folded.files[1], np.where(WORLD[0] > 20, 6 * np.sin(WORLD[2] / 3), 0))
    assert folded.smallest_jacobian(ALL) < -0.5
    beside = Volume(WORLD[0] < 15, AFFINE)
    assert folded.smallest_jacobian(beside) == pytest.approx(1, abs=1e-6)
    # a voxel of the brain is enough, on whatever grid it comes
    shape, affine = thick((1, 1, 5), 12)
    place = np.rint(grids.to_voxel(affine, [30, 5, 0])).astype(int)
    voxel = np.zeros(shape, bool)
    voxel[tuple(place)] = True
    assert folded.smallest_jacobian(Volume(voxel, affine)) < 0.5
    assert folded.smallest_jacobian(Volume(np.zeros(shape, bool), affine)) == 1


@pytest.mark.parametrize("degrees", [0, 20])
def test_the_jacobian_is_that_in_space_whichever_way_the_axes_run(tmp_path, degrees):
    gradient = np.array([[0.3, 0.1, 0], [0, -0.4, 0.2], [0.05, 0, 0.25]])  # of the warp, RAS
    shape, affine = thick((4, 5, 6), degrees)
    place = grids.to_world(affine, np.moveaxis(np.indices(shape), 0, -1))
    for change in (gradient, np.linalg.inv(np.eye(3) + gradient) - np.eye(3)):
        found = write(tmp_path, "greedy")
        image = sitk.GetImageFromArray(np.transpose(place @ change.T * transforms.LPS, (2, 1, 0, 3)), isVector=True)
        image.SetSpacing(grids.spacing_of(affine).tolist())
        image.SetDirection((transforms.LPS[:, None] * affine[:3, :3] / grids.spacing_of(affine)).ravel().tolist())
        image.SetOrigin((transforms.LPS * affine[:3, 3]).tolist())
        sitk.WriteImage(image, str(found.files[1]))
        # away from the faces, where differences see half of a step
        inner = np.zeros(shape, bool)
        inner[2:-2, 2:-2, 2:-2] = True
        made = np.linalg.det(np.eye(3) + gradient)
        assert found.smallest_jacobian(Volume(inner, affine)) == pytest.approx(min(made, 1 / made), rel=1e-4)


@pytest.mark.parametrize("degrees", [0, 20])
def test_images_go_where_itk_takes_them(tmp_path, degrees):
    found = write(tmp_path, "ants", shift=(3.0, -4.0, 5.0), bend=lambda x: 4 * np.sin(x / 25))
    turn = sitk.AffineTransform(3)
    turn.SetMatrix(np.array([[1.1, 0.1, 0], [-0.1, 0.9, 0.05], [0, 0.02, 1]]).ravel().tolist())
    turn.SetCenter([5.0, -3.0, 2.0])
    turn.SetTranslation([2.0, 1.0, -3.0])
    sitk.WriteTransform(turn, str(found.files[0]))
    rng = np.random.default_rng(0)
    blobs = [ndimage.gaussian_filter(rng.random(SHAPE), 2).astype(np.float32) * SHEET for _ in range(2)]
    shape, affine = thick((4, 6, 4), degrees)
    for back in (False, True):
        images = (found.to_atlas if back else found.to_patient)([Volume(b, AFFINE) for b in blobs], shape, affine)
        ways = [sitk.ReadTransform(str(found.files[0]))]
        field = sitk.ReadImage(str(found.files[2 if back else 1]), sitk.sitkVectorFloat64)
        ways.append(sitk.DisplacementFieldTransform(field))
        way = sitk.CompositeTransform([ways[1], ways[0].GetInverse()] if back else ways)
        fine, dense = grids.sub_voxels(AFFINE, affine)
        points = grids.to_world(dense, np.argwhere(np.ones(np.array(shape) * fine, bool))) * (-1, -1, 1)
        moved = np.array([way.TransformPoint(p) for p in points.tolist()]) * (-1, -1, 1)
        at = grids.to_voxel(AFFINE, moved).T
        for image, blob in zip(images, blobs, strict=True):
            there = ndimage.map_coordinates(blob, at, order=1, mode="grid-constant").reshape(np.array(shape) * fine)
            np.testing.assert_allclose(image, grids.means(there, fine), atol=1e-4 * blob.max())


def test_an_image_that_fills_its_grid_keeps_its_faces(tmp_path):
    found = write(tmp_path, "greedy", shift=(1.0, 0.0, -3.0))
    full = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    shape, affine = thick((2, 3, 4))
    (there,) = found.to_patient([Volume(full, AFFINE)], shape, affine)
    moved = grids.resample(
        full, AFFINE, shape, np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, -3], [0, 0, 0, 1]]) @ affine
    )
    np.testing.assert_allclose(there, moved, atol=1e-4)


def test_brackets_commas_and_blanks_in_a_path(tmp_path):
    found = write(tmp_path / "results[1],job 2", "greedy", shift=(2.0, 0.0, 0.0))
    (moved,) = found.to_patient([Volume(BALL, AFFINE)], SHAPE, AFFINE)
    assert millilitres(moved, AFFINE) == pytest.approx(millilitres(BALL, AFFINE), rel=1e-3)


def test_images_are_the_same_on_two_threads(tmp_path):
    write(tmp_path, "greedy", bend=lambda x: 3 * np.sin(x / 20))
    one, two = (Registration(tmp_path, n).to_patient([Volume(SHEET, AFFINE)], SHAPE, AFFINE)[0] for n in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (30.0, -25.0, 20.0)])
def test_what_is_sampled_in_part_of_a_grid_is_what_all_of_it_would_have(tmp_path, monkeypatch, shift):
    found = write(tmp_path, "greedy", shift=shift, bend=lambda x: 4 * np.sin(x / 25))
    shape, affine = thick((3, 2, 4), 12)
    volumes = [Volume(BALL, AFFINE), Volume(SHEET, AFFINE)]
    parts = found.to_patient(volumes, shape, affine)
    monkeypatch.setattr(transforms, "_place", lambda *_: tuple(slice(0, n) for n in shape))
    for part, whole in zip(parts, found.to_patient(volumes, shape, affine), strict=True):
        np.testing.assert_allclose(part, whole, atol=1e-5)
    assert parts[0].any()
    # a place that ends within the ball: all of the grid is sampled then
    half = tuple(slice(0, (side.start + side.stop) // 2) for side in grids.box_of(parts[0] > 0))
    monkeypatch.setattr(transforms, "_place", lambda *_: half)
    np.testing.assert_allclose(found.to_patient(volumes[:1], shape, affine)[0], parts[0], atol=1e-5)


def test_an_empty_volume_stays_empty(tmp_path):
    (none,) = write(tmp_path, "ants").to_patient([Volume(np.zeros_like(BALL), AFFINE)], SHAPE, AFFINE)
    assert none.shape == SHAPE
    assert not none.any()
