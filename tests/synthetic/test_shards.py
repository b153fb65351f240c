"""Shards: what goes in comes out, and every kind of fault is named."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from gliofit import simulate
from gliofit.base import grids
from gliofit.base.errors import InputError
from gliofit.growth.theta import Theta
from gliofit.synthetic.__main__ import main
from gliofit.synthetic.check_shards import fault
from gliofit.synthetic.prior import Prior, samples
from gliofit.synthetic.shards import ShardDataset, simulate_shard

SHAPE = (16, 18, 20)


@pytest.fixture(scope="module")
def shard(small_tissue, tmp_path_factory):
    path = tmp_path_factory.mktemp("shards") / "train" / "0.h5"
    simulate_shard(small_tissue, path, 3, SHAPE, seed=11, split="train", shard=4, progress=False)
    return path


@pytest.fixture
def copy(shard, tmp_path):
    """A shard to damage."""
    path = tmp_path / "damaged.h5"
    path.write_bytes(shard.read_bytes())
    return path


def test_a_written_shard_is_sound(shard):
    assert fault(shard) is None
    assert [p.name for p in shard.parent.iterdir()] == ["0.h5"]  # no temporary file is left


def test_what_goes_in_comes_out(shard, small_tissue):
    data = ShardDataset([shard])
    assert (len(data), data.shape, data.spacing, data.prior) == (3, SHAPE, 4.0, Prior())
    with h5py.File(shard) as file:
        offsets = file["offset"][:]
    for case, s, offset in zip(data, samples(small_tissue, Prior(), 3, (11, 0, 4)), offsets, strict=True):
        crop = small_tissue.crop(offset, SHAPE)
        np.testing.assert_array_equal(case.tissue, [crop.wm, crop.gm, crop.csf])
        np.testing.assert_allclose(case.density, grids.take(s.density, offset, SHAPE), atol=7.7e-6)
        assert case.density[~crop.mask].max() == 0
        middle = crop.to_world((np.array(SHAPE) - 1) / 2)
        np.testing.assert_allclose(case.theta, s.theta.to_array() - [*middle, 0, 0], atol=1e-5)
        # an even crop's centre lies between voxels, and offsets are rounded: half a voxel each
        assert np.abs(s.centre - middle).max() <= 4.0


def test_the_mirror_image_is_a_tumour_of_the_mirrored_brain(shard, small_tissue):
    data = ShardDataset([shard], flip=True)
    assert len(data) == 6
    original, image = data[1], data[4]
    np.testing.assert_array_equal(image.density[::-1], original.density)
    np.testing.assert_array_equal(image.tissue[:, ::-1], original.tissue)
    np.testing.assert_array_equal(image.theta * [-1, 1, 1, 1, 1], original.theta)
    # the small head is its own mirror image: the solver itself grows the image from the mirrored origin
    with h5py.File(shard) as file:
        theta, offset = file["theta"][1], file["offset"][1]
    theta = Theta.from_array(theta * [-1, 1, 1, 1, 1])
    mirrored = (small_tissue.shape[0] - SHAPE[0] - offset[0], *offset[1:])
    np.testing.assert_allclose(grids.take(simulate(small_tissue, theta), mirrored, SHAPE), image.density, atol=1e-4)


def test_the_same_seed_gives_the_same_bytes(shard, small_tissue, tmp_path):
    again = tmp_path / "again.h5"
    simulate_shard(small_tissue, again, 3, SHAPE, seed=11, split="train", shard=4, progress=False)
    assert ShardDataset([again]).sha256() == ShardDataset([shard]).sha256()
    other = tmp_path / "other.h5"
    simulate_shard(small_tissue, other, 3, SHAPE, seed=11, split="train", shard=5, progress=False)
    assert not np.array_equal(ShardDataset([other])[0].theta, ShardDataset([shard])[0].theta)


def test_an_interrupted_writer_leaves_nothing(small_tissue, tmp_path, monkeypatch):
    def broken(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("gliofit.synthetic.prior.simulate", broken)
    with pytest.raises(KeyboardInterrupt):
        simulate_shard(small_tissue, tmp_path / "a.h5", 3, SHAPE, seed=11, progress=False)
    assert list(tmp_path.iterdir()) == []


def replace(file, name, data, **attributes):
    old = dict(file[name].attrs)
    del file[name]
    file[name] = data
    file[name].attrs.update(old | attributes)


def put(name, index, value):
    """A fault: one value of a dataset."""

    def damage(file):
        file[name][index] = value

    return damage


def outside_tissue(file):
    offset = file["offset"][1]
    mask = grids.take(file["tissue/wm"][:] + file["tissue/gm"][:] >= 0.1, offset, SHAPE)
    file["density"][(1, *np.argwhere(~mask)[0])] = 9


def attribute(name, value):
    def damage(file):
        file.attrs[name] = value

    return damage


FAULTS = {
    "the attribute prior is missing": lambda f: f.attrs.pop("prior"),
    "the attribute spacing = 'four' has the wrong type": attribute("spacing", "four"),
    "its format is 'other'": attribute("format", "other"),
    "its format version is 2, not 1": attribute("format_version", 2),
    "its split 'exam'": attribute("split", "exam"),
    "its shard number -1": attribute("shard", -1),
    "its spacing -4.0 is not positive": attribute("spacing", -4.0),
    "its prior cannot be read": attribute("prior", "{"),
    "its versions are not": attribute("versions", "[]"),
    "the dataset theta is missing": lambda f: f.pop("theta"),
    "the dataset tissue/gm is missing": lambda f: f.pop("tissue/gm"),
    "the dataset density has type float32, not uint16": lambda f: replace(f, "density", f["density"][:].astype("f4")),
    "the dataset theta has shape (3, 4)": lambda f: replace(f, "theta", f["theta"][:, :4]),
    "the dataset theta has 1 axes": lambda f: replace(f, "theta", f["theta"][:, 0]),
    "the dataset seed has shape (2, 4): its axis n is 2, not 3": lambda f: replace(f, "seed", f["seed"][:2]),
    "the dataset tissue/csf has shape": lambda f: replace(f, "tissue/csf", f["tissue/csf"][1:]),
    "tissue/wm holds values that are not finite": put("tissue/wm", (0, 0, 0), np.nan),
    "tissue/gm runs from": put("tissue/gm", (0, 0, 0), 1.5),
    "affine is not 4 mm times the identity": put("affine", (0, 1), 0.5),
    "tissue_sha256 is not the hash": put("tissue/csf", (0, 0, 0), 0.5),
    "density's scale is 0.1, not 1/65535: density 6": lambda f: f["density"].attrs.update(scale=0.1),
    "density lacks the attribute scale": lambda f: f["density"].attrs.pop("scale"),
    "density of sample 1 is not 0 outside tissue (1 voxels)": outside_tissue,
    "density of sample 2 is 0 everywhere": put("density", 2, 0),
    "theta of sample 1 is not finite": put("theta", (1, 4), np.nan),
    "theta of sample 0: μ_D or μ_ρ is negative": put("theta", (0, 3), -1.0),
    "theta of sample 2: the origin lies outside the crop": put("theta", (2, 0), 500.0),
    "centre of sample 0 is not the centre of its crop": put("offset", (0, 0), -3),
    "volume of sample 1 is outside the prior's range": put("volume", 1, 2.0),
    "attempts of sample 1 is less than 1": put("attempts", 1, 0),
    "seed of sample 2 is not": put("seed", (2, 3), 7),
}


@pytest.mark.parametrize("sentence", FAULTS)
def test_each_fault_is_named(copy, sentence):
    with h5py.File(copy, "r+") as file:
        FAULTS[sentence](file)
    assert sentence in str(fault(copy))


def test_a_volume_smaller_than_the_crop_shows_is_a_fault(copy):
    with h5py.File(copy, "r+") as file:
        largest = file["volume"][:].argmax()
        file["volume"][largest] = 5.1
    assert f"volume of sample {largest} is 5.1 ml, but its crop shows" in fault(copy)


@pytest.mark.parametrize("share", [0.3, 0.98])
def test_a_truncated_file_is_a_fault(copy, share):
    os.truncate(copy, int(copy.stat().st_size * share))
    assert "is not a whole HDF5 file" in fault(copy)


def test_overwritten_bytes_are_a_fault(copy):
    data = bytearray(copy.read_bytes())
    with h5py.File(copy) as file:
        chunk = file["density"].id.get_chunk_info(1)
    data[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    copy.write_bytes(data)
    assert "is not a whole HDF5 file" in fault(copy)


def test_a_missing_file_is_a_fault(tmp_path):
    assert fault(tmp_path / "none.h5") == "no such file"


def test_the_command_prints_one_line_per_file(shard, tmp_path, capsys):
    text = tmp_path / "text.h5"
    text.write_text("not HDF5")
    assert main([str(shard)]) == 0
    assert main([str(shard), str(text)]) == 1
    assert main([]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"{shard}: OK"] * 2
    assert lines[2].startswith(f"{text}: is not a whole HDF5 file")
    run = subprocess.run([sys.executable, "-m", "gliofit.synthetic", text], capture_output=True, text=True, check=False)
    assert run.returncode == 1


def test_the_reader_refuses_what_is_not_a_shard(shard, copy, small_tissue, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        ShardDataset([tmp_path / "none.h5"])
    with h5py.File(copy, "r+") as file:
        file.attrs["format_version"] = 9
    with pytest.raises(InputError, match=r"damaged.h5: is not a gliofit-shard of version 1"):
        ShardDataset([copy])
    other = tmp_path / "small.h5"
    simulate_shard(small_tissue, other, 1, (16, 16, 16), seed=1, progress=False)
    with pytest.raises(InputError, match=r"small.h5: crop"):
        ShardDataset([shard, other])
    with pytest.raises(InputError, match="no shards"):
        ShardDataset([])


def test_the_writer_refuses_bad_requests(small_tissue, tmp_path):
    with pytest.raises(InputError, match="unknown split 'exam'"):
        simulate_shard(small_tissue, tmp_path / "a.h5", 1, SHAPE, seed=1, split="exam")
    with pytest.raises(InputError, match="0 samples"):
        simulate_shard(small_tissue, tmp_path / "a.h5", 0, SHAPE, seed=1)
    with pytest.raises(InputError, match="crop shape"):
        simulate_shard(small_tissue, tmp_path / "a.h5", 1, (16, 16), seed=1)
