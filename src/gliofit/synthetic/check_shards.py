"""
Is this file a shard? The points of docs/data_format.md, in its order.

Each check is one generator of faults; the first fault found is the answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from gliofit.anatomy.tissue import TISSUE_THRESHOLD
from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.base.files import no_such_file
from gliofit.growth.theta import GROWTH, ORIGIN
from gliofit.synthetic.prior import SPLITS, Prior
from gliofit.synthetic.shard_format import FORMAT, FORMAT_VERSION, LEVELS, MAPS

ATTRIBUTES = {
    "format": str,
    "format_version": np.integer,
    "split": str,
    "shard": np.integer,
    "spacing": np.floating,
    "prior": str,
    "versions": str,
    "tissue_sha256": str,
}

# dataset → type, shape; letters are sizes that must agree wherever they appear
DATASETS = {
    "density": ("uint16", "nxyz"),
    "theta": ("float64", "n5"),
    "offset": ("int32", "n3"),
    "centre": ("float64", "n3"),
    "volume": ("float64", "n"),
    "attempts": ("int32", "n"),
    "seed": ("int64", "n4"),
    **{f"tissue/{name}": ("float32", "XYZ") for name in MAPS},
    "affine": ("float64", "44"),
}


def fault(path: str | Path) -> str | None:
    """The first point of the specification that a file fails, as a sentence; None if it is a sound shard."""
    path = Path(path)
    if not path.is_file():
        return no_such_file(path)
    try:
        with h5py.File(path, "r") as file:
            return next(faults(file), None)
    except (OSError, RuntimeError, KeyError) as error:
        # h5py says KeyError for an object it knows of but cannot read
        return f"is not a whole HDF5 file ({error})"


def faults(file: h5py.File) -> Iterator[str]:
    """All faults that can be told apart, the first first."""
    found = layout_faults(file)
    yield from found
    if found:
        return  # what follows needs these
    yield from _grid(file)
    yield from _rows(file)
    yield from _densities(file)


def layout_faults(file: h5py.File) -> list[str]:
    """Faults of attributes and of the kinds and sizes of datasets, which are told without reading any data."""
    return list(_attributes(file)) or list(_datasets(file))


def _attributes(file: h5py.File) -> Iterator[str]:
    """1.2"""
    attributes = dict(file.attrs)
    missing = [name for name in ATTRIBUTES if name not in attributes]
    wrong = [n for n, kind in ATTRIBUTES.items() if n not in missing and not isinstance(attributes[n], kind)]
    if missing or wrong:
        yield from (f"the attribute {name} is missing" for name in missing)
        yield from (f"the attribute {name} = {attributes[name]!r} has the wrong type" for name in wrong)
        return
    if attributes["format"] != FORMAT:
        yield f"its format is '{attributes['format']}', not '{FORMAT}'"
    if attributes["format_version"] != FORMAT_VERSION:
        yield f"its format version is {attributes['format_version']}, not {FORMAT_VERSION}"
    if attributes["split"] not in SPLITS:
        yield f"its split '{attributes['split']}' is not one of {', '.join(SPLITS)}"
    if attributes["shard"] < 0:
        yield f"its shard number {attributes['shard']} is negative"
    if not 0 < attributes["spacing"] < np.inf:
        yield f"its spacing {attributes['spacing']} is not positive"
    try:
        Prior(**json.loads(attributes["prior"]))
    except (ValueError, TypeError) as error:
        yield f"its prior cannot be read ({error})"
    try:
        versions = json.loads(attributes["versions"])
    except ValueError:
        versions = None
    if not (isinstance(versions, dict) and "gliofit" in versions):
        yield "its versions are not a JSON object that names gliofit's"


def _datasets(file: h5py.File) -> Iterator[str]:
    """1.3"""
    sizes = {str(digit): digit for digit in (3, 4, 5)}
    for name, (kind, shape) in DATASETS.items():
        data = file.get(name)
        if not isinstance(data, h5py.Dataset):
            yield f"the dataset {name} is missing"
            continue
        if data.dtype != kind:
            yield f"the dataset {name} has type {data.dtype}, not {kind}"
        if data.ndim != len(shape):
            yield f"the dataset {name} has {data.ndim} axes, not {len(shape)}"
            continue
        for letter, size in zip(shape, data.shape, strict=True):
            if size != sizes.setdefault(letter, size) or size < 1:
                wanted = sizes[letter] or "positive"
                yield f"the dataset {name} has shape {data.shape}: its axis {letter} is {size}, not {wanted}"


def _grid(file: h5py.File) -> Iterator[str]:
    """2.1–2.5 for what describes the working grid."""
    digest = hashlib.sha256()
    for name in (*(f"tissue/{m}" for m in MAPS), "affine"):
        data = file[name][:]
        digest.update(np.ascontiguousarray(data, data.dtype.newbyteorder("<")).tobytes())
        if not np.isfinite(data).all():
            yield f"{name} holds values that are not finite"
        elif name != "affine" and (data.min() < 0 or data.max() > 1):
            yield f"{name} runs from {data.min():g} to {data.max():g}, outside [0, 1]"
    spacing = float(file.attrs["spacing"])
    affine = file["affine"][:]
    if not np.allclose(affine[:3, :3], spacing * np.eye(3), atol=1e-6) or not np.array_equal(affine[3], [0, 0, 0, 1]):
        yield f"affine is not {spacing:g} mm times the identity plus an offset"
    if digest.hexdigest() != file.attrs["tissue_sha256"]:
        yield "tissue_sha256 is not the hash of its tissue and affine"
    scale = file["density"].attrs.get("scale")
    if not isinstance(scale, np.floating):
        yield "density lacks the attribute scale"
    elif not np.isclose(scale, 1 / LEVELS, rtol=1e-9):
        top = float(scale) * max(int(crop.max()) for crop in file["density"])
        beyond = not 0 <= top <= 1
        yield f"density's scale is {scale:g}, not 1/{LEVELS}" + (f": density {top:g} outside [0, 1]" if beyond else "")


def _rows(file: h5py.File) -> Iterator[str]:
    """2.1 and 2.7–2.12 for each sample's numbers."""
    for name in ("theta", "centre", "volume"):
        bad = ~np.isfinite(file[name][:].reshape(len(file[name]), -1)).all(1)
        if bad.any():
            yield f"{name} of sample {bad.argmax()} is not finite"
            return
    theta, centre, offset = file["theta"][:], file["centre"][:], file["offset"][:]
    shape, spacing = np.array(file["density"].shape[1:]), float(file.attrs["spacing"])
    prior = Prior(**json.loads(file.attrs["prior"]))
    volume, seed = file["volume"][:], file["seed"][:]
    expected = grids.to_world(file["affine"][:], offset + (shape - 1) / 2)
    own = np.array([SPLITS.index(file.attrs["split"]), file.attrs["shard"]])
    index = np.arange(len(theta))
    rules = {
        "theta of sample {}: μ_D or μ_ρ is negative": (theta[:, GROWTH] < 0).any(1),
        "centre of sample {} is not the centre of its crop": (np.abs(centre - expected) > 1e-6).any(1),
        "theta of sample {}: the origin lies outside the crop": (
            np.abs(theta[:, ORIGIN] - centre) > shape * spacing / 2
        ).any(1),
        "volume of sample {} is outside the prior's range": (volume < prior.volume[0]) | (volume > prior.volume[1]),
        "attempts of sample {} is less than 1": file["attempts"][:] < 1,
        "seed of sample {} is not (seed, split, shard, index)": (
            (seed[:, 0] != seed[0, 0]) | (seed[:, 0] < 0) | (seed[:, 1:3] != own).any(1) | (seed[:, 3] != index)
        ),
    }
    for sentence, bad in rules.items():
        if bad.any():
            yield sentence.format(bad.argmax())


def _densities(file: h5py.File) -> Iterator[str]:
    """2.6, 2.10 for each crop."""
    mask = file["tissue/wm"][:] + file["tissue/gm"][:] >= np.float32(TISSUE_THRESHOLD)
    try:
        visible = Prior(**json.loads(file.attrs["prior"])).visible
    except InputError:
        return
    voxel = float(file.attrs["spacing"]) ** 3 / 1000
    for index, crop in enumerate(file["density"]):
        inside = grids.take(mask, file["offset"][index], crop.shape)
        if not crop.any():
            yield f"density of sample {index} is 0 everywhere"
        if crop[~inside].any():
            yield f"density of sample {index} is not 0 outside tissue ({np.count_nonzero(crop[~inside])} voxels)"
        shown = np.count_nonzero(crop > round(visible * LEVELS)) * voxel
        if file["volume"][index] < shown - voxel:
            yield f"volume of sample {index} is {file['volume'][index]:g} ml, but its crop shows {shown:g} ml"
