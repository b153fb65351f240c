"""
An interactive three-plane viewer in one HTML document that loads nothing: nilearn's, with scans and layers to choose.

nilearn's page carries a volume as a picture, the mosaic of its sagittal slices. Mosaics of further layers are made
here, and a chooser swaps one for another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from io import BytesIO

import nibabel as nib
import numpy as np
from matplotlib import colormaps
from PIL import Image

from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.patients.prepared import Prepared
from gliofit.reporting.figures import style
from gliofit.reporting.figures.slices import ISOLINES
from gliofit.reporting.html import inlined, render

MASK_SHADE = 0.6
"""Where a mask lies on the colour scale of densities."""

PALETTE = np.vstack([[0, 0, 0], colormaps[style.DENSITY_MAP](np.linspace(0, 1, 255), bytes=True)[:, :3]]).astype(
    np.uint8
)
"""Colours [256, RGB] of `shades`."""

OPACITY = 0.6
JPEG_QUALITY = 88


def viewer(prepared: Prepared, scans: Mapping[str, Array], layers: Mapping[str, Array], spacing: float = 1.0) -> str:
    """
    A document with sagittal, coronal and axial slices that follow the pointer, in radiological convention.

    Parameters
    ----------
    prepared : Prepared
    scans : mapping of name → ndarray [x, y, z]
        Images to draw on, on the scan's grid; the reader chooses one.
    layers : mapping of name → ndarray [x, y, z]
        Densities, or masks (bool); the reader chooses one. The first is shown at first.
    spacing : float
        mm of the grid that is shown (RAS, around the brain); the scan's own grid may be oblique.

    Returns
    -------
    str
        HTML.
    """
    shape, affine = grids.aligned_grid(prepared.affine, prepared.brain, spacing)

    def shown(data: Array) -> Array:
        return grids.resample(np.asarray(data, np.float32), prepared.affine, shape, affine)

    greys = {name: eight_bit(shown(np.where(prepared.brain, image, 0))) for name, image in scans.items()}
    washes = {name: shown(layer) * (MASK_SHADE if layer.dtype == bool else 1) for name, layer in layers.items()}
    pictures = {name: inlined(_encoded(mosaic(grey), "jpeg"), "image/jpeg") for name, grey in greys.items()}
    washes["scan alone"] = np.zeros(shape, np.float32)
    overlays = {name: inlined(_encoded(mosaic(shades(wash)), "png")) for name, wash in washes.items()}

    html = _nilearn(next(iter(greys.values())), next(iter(washes.values())), affine)
    html = re.sub(r"<link\b[^>]*>", "", html)  # a favicon on a server
    html = _placed(html, affine, shape, prepared)
    for image, source in (("sprite", pictures), ("overlay", overlays)):
        html = re.sub(rf'(id="{image}Img[^>]*?src=")[^"]+', partial(_replaced, next(iter(source.values()))), html)
    return html.replace("</body>", render("viewer.html", scans=_others(pictures), layers=_others(overlays)) + "</body>")


def _replaced(picture: str, match: re.Match[str]) -> str:
    return match[1] + picture


def mosaic(volume: Array) -> Array:
    """
    Sagittal slices [z downwards, y] side by side, row by row, from the patient's right to the left.

    Parameters
    ----------
    volume : ndarray [x, y, z]
        RAS.
    """
    nx, ny, nz = volume.shape
    rows = int(np.ceil(np.sqrt(nx)))
    columns = -(-nx // rows)
    tiles = np.zeros((rows * columns, nz, ny), volume.dtype)
    tiles[:nx] = np.swapaxes(volume[::-1, :, ::-1], 1, 2)
    return tiles.reshape(rows, columns, nz, ny).swapaxes(1, 2).reshape(rows * nz, columns * ny)


def shades(wash: Array) -> Array:
    """A density as places on the palette of `PALETTE`, uint8: 0 (transparent) below the lowest isoline."""
    return np.where(wash < ISOLINES[0], 0, 1 + np.round(254 * np.clip(wash, 0, 1))).astype(np.uint8)


def eight_bit(image: Array) -> Array:
    """Intensities from 0 to the 99.5th percentile of the brain as 0–255."""
    inside = image[image > 0]
    top = float(np.percentile(inside, 99.5)) if inside.size else 1.0
    return (255 * np.clip(image / top, 0, 1)).astype(np.uint8)


def _nilearn(scan: Array, wash: Array, affine: Array) -> str:
    """nilearn's viewer of a layer on a scan."""
    from nilearn.plotting import view_img  # takes a second to import

    layer = wash if wash.any() else wash + np.float32(1)  # nilearn refuses an empty one; its picture is replaced
    options = {"cmap": style.DENSITY_MAP, "symmetric_cmap": False, "vmin": 0, "vmax": 1, "threshold": ISOLINES[0]}
    options |= {"dim": 0, "black_bg": True, "opacity": OPACITY, "radiological": True}
    options |= {"resampling_interpolation": "nearest", "cut_coords": (0, 0, 0)}
    return view_img(nib.Nifti1Image(layer, affine), bg_img=nib.Nifti1Image(scan, affine), **options).html


def _placed(html: str, affine: Array, shape: tuple, prepared: Prepared) -> str:
    """
    The page with its settings' coordinates put right, and opened at the tumour.

    Slices of the mosaic run from the patient's right to the left, counted from 1; nilearn (0.13) leaves the x of its
    affine as if they ran the other way.
    """
    found = re.search(r'brainsprite\((\{"canvas".*?\})\);', html, re.S)
    if found is None:
        raise RuntimeError("nilearn's viewer does not have its settings where they used to be")
    settings = json.loads(found[1])
    step = float(affine[0, 0])
    place = np.array(settings["affine"], float)
    place[0] = [-step, 0, 0, affine[0, 3] + step * shape[0]]
    place[1, 3], place[2, 3] = affine[1, 3] - step, affine[2, 3] - step
    weights = prepared.core if prepared.core.any() else prepared.whole
    centre = grids.to_voxel(affine, prepared.tissue.centre_of_mass(weights.astype(np.float32)))
    x, y, z = np.clip(np.round(centre), 0, np.array(shape) - 1)
    settings |= {"affine": place.tolist(), "numSlice": {"X": int(shape[0] - 1 - x), "Y": int(y), "Z": int(z)}}
    return html.replace(found[1], json.dumps(settings))


def _others(sources: Mapping[str, str]) -> dict[str, str]:
    """The first source is in the page already: its choice is empty."""
    first = next(iter(sources))
    return {name: "" if name == first else source for name, source in sources.items()}


def _encoded(picture: Array, kind: str) -> bytes:
    """A mosaic as JPEG (scans) or as PNG with the density's palette."""
    stream, image = BytesIO(), Image.fromarray(picture)
    if kind == "jpeg":
        image.save(stream, "jpeg", quality=JPEG_QUALITY)
    else:
        image.putpalette(PALETTE.tobytes())
        image.save(stream, "png", transparency=0, optimize=True)
    return stream.getvalue()
