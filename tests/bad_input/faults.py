"""Input that must be refused, by where it comes from: each makes the fault in a folder and hands it to its reader."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import yaml
from cases import small_patient

from gliofit import InputError, PETTarget, SegmentationTarget, Tissue, growth_model, invert, simulate
from gliofit.base.files import read_json, write_json
from gliofit.growth.theta import Theta
from gliofit.inversion.fit_file import load_fit
from gliofit.networks.weights import load_network
from gliofit.patients.discovery import discover
from gliofit.patients.sample_sheet import read_sample_sheet
from gliofit.patients.scans import load_scans
from gliofit.pipeline.config import load_config, read_patients
from gliofit.pipeline.weights import Weights
from gliofit.synthetic.shards import ShardDataset, simulate_shard

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "resources" / "weights"
RGB = [("R", "u1"), ("G", "u1"), ("B", "u1")]


@dataclass(frozen=True)
class Fault:
    """
    One kind of bad input.

    Parameters
    ----------
    group, name : str
        Where it comes from, and what is wrong.
    given : function of (folder, tissue)
        Makes the input below the folder and reads it; must raise an InputError.
    names : str
        What the sentence must name: the file, the key or the argument.
    """

    group: str
    name: str
    given: Callable[[Path, Tissue], object]
    names: str


def config(**changes) -> Callable:
    """The default config, changed: a dict is laid over the section of that name."""

    def given(folder: Path, tissue: Tissue) -> object:
        values = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
        for key, value in changes.items():
            section = isinstance(value, dict) and isinstance(values.get(key), dict)
            values[key] = {**values[key], **value} if section else value
        read = load_config(values, "config.yaml")
        read_patients(read, ROOT)
        return Weights.of(read, ROOT)

    return given


HEADER = "id\tt1\tt1c\tflair\tseg"


def sheet(*rows: str, header: str = HEADER, text: bytes | None = None) -> Callable:
    """A sample sheet beside one image, i.nii.gz."""

    def given(folder: Path, tissue: Tissue) -> object:
        image = folder / "i.nii.gz"
        nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.float32), np.eye(4)), image)
        path = folder / "patients.tsv"
        path.write_bytes(text if text is not None else "\n".join([header, *rows]).encode())
        return read_sample_sheet(path, root=folder)

    return given


def scans(change: Callable[[dict], None]) -> Callable:
    """A small patient whose images by name are changed before it is read."""

    def given(folder: Path, tissue: Tissue) -> object:
        case = folder / "A"
        small_patient(case, tissue)
        images = {path.name.split(".")[0]: path for path in case.iterdir()}
        change(images)
        found = discover(folder)
        if found.refused:
            raise InputError(next(iter(found.refused.values())))
        return [load_scans(patient) for patient in found.patients]

    return given


def changed(name: str, data: Callable[[np.ndarray], np.ndarray] = lambda d: d, affine=lambda a: a) -> Callable:
    """The image of that name with other voxels or another affine."""

    def change(images: dict[str, Path]) -> None:
        image = nib.load(images[name])
        values = data(np.asanyarray(image.dataobj).copy())
        nib.save(nib.Nifti1Image(values, affine(image.affine.copy())), images[name])

    return scans(change)


def moved(affine: np.ndarray) -> np.ndarray:
    affine[0, 3] += 3
    return affine


def written(name: str, content: Callable[[bytes], bytes]) -> Callable:
    """The file of that name with other bytes."""
    return scans(lambda images: images[name].write_bytes(content(images[name].read_bytes())) and None)


def turned(folder: Path, tissue: Tissue) -> object:
    """A case of unequal edges whose segmentation has its axes exchanged."""
    images = {f"{name}.nii.gz": np.ones((6, 7, 8), np.float32) for name in ("t1", "seg")}
    (folder / "A").mkdir()
    for name, data in images.items():
        nib.save(nib.Nifti1Image(data.swapaxes(0, 1) if name == "seg.nii.gz" else data, np.eye(4)), folder / "A" / name)
    return [load_scans(patient) for patient in discover(folder).patients]


def weights(change: Callable[[Path], None], role: str = "inverse") -> Callable:
    """Released weights of the direct network, changed."""

    def given(folder: Path, tissue: Tissue) -> object:
        for suffix in (".safetensors", ".json"):
            shutil.copy(WEIGHTS / f"inverse{suffix}", folder / f"net{suffix}")
        change(folder / "net.safetensors")
        return load_network(folder / "net.safetensors", role)

    return given


def card(**entries) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        about = path.with_suffix(".json")
        write_json(about, {**read_json(about), **entries})

    return change


def shard(change: Callable[[Path], None]) -> Callable:
    """A shard of one sample, changed."""

    def given(folder: Path, tissue: Tissue) -> object:
        path = folder / "0.h5"
        simulate_shard(tissue, path, 1, (16, 16, 16), seed=1, progress=False)
        change(path)
        return ShardDataset([path])

    return given


def without(path: Path, entry: str) -> None:
    with h5py.File(path, "r+") as file:
        del file[entry]


def version_nine(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 9


def fit(text: str) -> Callable:
    """A file that should hold a fit."""

    def given(folder: Path, tissue: Tissue) -> object:
        (folder / "hybrid.json").write_text(text, encoding="utf-8")
        return load_fit(folder / "hybrid.json")

    return given


def density(tissue: Tissue) -> np.ndarray:
    return tissue.wm * 0.5


GROUPS = ("config", "sample sheet", "NIfTI", "weights", "shards", "results", "Python")

FAULTS = [
    Fault("config", "a key misspelt", config(atals="sri24"), "atals"),
    Fault("config", "a key of a section misspelt", config(samples={"trian": 4}), "samples.trian"),
    Fault("config", "an atlas that there is none of", config(atlas="sri25"), "atlas"),
    Fault("config", "a spacing that is not offered", config(spacing=3), "spacing"),
    Fault("config", "a text for a number", config(samples={"train": "many"}), "samples.train"),
    Fault("config", "a negative seed", config(seeds={"training": -1}), "seeds.training"),
    Fault("config", "a prior wider than searches look", config(prior={"mu_D": [2.0, 60.0]}), "prior.mu_D"),
    Fault("config", "a range upside down", config(prior={"mu_D": [25.0, 2.0]}), "mu_D"),
    Fault("config", "an unknown method", config(methods={"hybird": None}), "hybird"),
    Fault("config", "an unknown setting", config(methods={"hybrid": {"iteration": 3}}), "iteration"),
    Fault("config", "a setting that is not finite", config(methods={"hybrid": {"tolerance": np.nan}}), "tolerance"),
    Fault("config", "an unknown growth model", config(growth_model="fisher_kolmogorv"), "kolmogorv"),
    Fault("config", "an unknown labelling", config(labels="brast"), "brast"),
    Fault(
        "config", "weights that are not there", config(networks={"released": {"surrogate": "no.safetensors"}}), "no."
    ),
    Fault("config", "a folder of patients that is not there", config(brats_dir="no/such/folder"), "no/such/folder"),
    Fault("sample sheet", "commas for tabs", sheet(header="id,t1,t1c,flair,seg"), "patients.tsv"),
    Fault("sample sheet", "a column missing", sheet(header="id\tt1\tt1c\tflair"), "seg"),
    Fault("sample sheet", "a column twice", sheet(header=f"{HEADER}\tseg"), "seg"),
    Fault("sample sheet", "an unknown column", sheet(header=f"{HEADER}\tage"), "age"),
    Fault("sample sheet", "an id with a blank", sheet("A B\ti.nii.gz\t\t\ti.nii.gz"), "A B"),
    Fault("sample sheet", "an id that climbs", sheet("../A\ti.nii.gz\t\t\ti.nii.gz"), "../A"),
    Fault("sample sheet", "an id twice", sheet(*["A\ti.nii.gz\t\t\ti.nii.gz"] * 2), "line 3"),
    Fault("sample sheet", "a file that is not there", sheet("A\tno.nii.gz\t\t\ti.nii.gz"), "no.nii.gz"),
    Fault("sample sheet", "a quotation mark left open", sheet('A\t"i.nii.gz\t\t\ti.nii.gz'), "line 2"),
    Fault("sample sheet", "an id that no file can bear", sheet(f"{'A' * 300}\ti.nii.gz\t\t\ti.nii.gz"), "300 letters"),
    Fault("sample sheet", "a home that is nobody's", sheet("A\t~nobody_here/i.nii.gz\t\t\ti.nii.gz"), "~nobody_here"),
    Fault("sample sheet", "no segmentation", sheet("A\ti.nii.gz\t\t\t"), "segmentation"),
    Fault("sample sheet", "too many cells", sheet("A\ti.nii.gz\t\t\ti.nii.gz\tmore"), "line 2"),
    Fault(
        "sample sheet",
        "an unknown labelling",
        sheet("A\ti.nii.gz\t\t\ti.nii.gz\tbrast", header=f"{HEADER}\tlabels"),
        "brast",
    ),
    Fault("NIfTI", "no image at all", written("flair", lambda b: b"not an image"), "flair.nii.gz"),
    Fault("NIfTI", "a file cut short", written("t1", lambda b: b[:2000]), "t1.nii.gz"),
    Fault("NIfTI", "an empty file", written("t1c", lambda b: b""), "t1c.nii.gz"),
    Fault("NIfTI", "one slice less", changed("flair", lambda d: d[..., :-1]), "flair.nii.gz"),
    Fault("NIfTI", "another place", changed("seg", affine=moved), "seg.nii.gz"),
    Fault("NIfTI", "no orientation beside others that have one", changed("seg", affine=lambda a: None), "seg.nii.gz"),
    Fault("NIfTI", "axes in another order", turned, "seg.nii.gz"),
    Fault("NIfTI", "a second volume", changed("t1", lambda d: np.stack([d, d], -1)), "t1.nii.gz"),
    Fault("NIfTI", "NaN", changed("t1c", lambda d: np.where(d > 0, np.nan, d)), "t1c.nii.gz"),
    Fault("NIfTI", "nothing but zeros", changed("flair", lambda d: 0 * d), "flair.nii.gz"),
    Fault("NIfTI", "an empty segmentation", changed("seg", lambda d: 0 * d), "seg.nii.gz"),
    Fault("NIfTI", "probabilities for labels", changed("seg", lambda d: d.astype(np.float32) / 3), "seg.nii.gz"),
    Fault("NIfTI", "an unknown label", changed("seg", lambda d: np.where(d == 1, 7, d)), "seg.nii.gz"),
    Fault("NIfTI", "colours for labels", changed("seg", lambda d: np.zeros(d.shape, RGB)), "seg.nii.gz"),
    Fault(
        "weights", "weights changed by a byte", weights(lambda p: p.write_bytes(p.read_bytes()[:-1] + b"?")), "net.safe"
    ),
    Fault("weights", "no card", weights(lambda p: p.with_suffix(".json").unlink()), "net.json"),
    Fault(
        "weights",
        "a card that is no JSON",
        weights(lambda p: p.with_suffix(".json").write_text("{") and None),
        "net.json",
    ),
    Fault("weights", "a card of a later version", weights(card(format_version=2)), "net.json"),
    Fault("weights", "a card that lacks the box", weights(card(box=None)), "net.json"),
    Fault("weights", "another width than the weights'", weights(card(width=3)), "net.safetensors"),
    Fault("weights", "a network for something else", weights(lambda p: None, role="surrogate"), "net.json"),
    Fault("shards", "no HDF5", shard(lambda p: p.write_text("not HDF5") and None), "0.h5"),
    Fault("shards", "a shard cut short", shard(lambda p: p.write_bytes(p.read_bytes()[:3000]) and None), "0.h5"),
    Fault("shards", "a shard of a later version", shard(version_nine), "0.h5"),
    Fault("shards", "a shard without θ", shard(lambda p: without(p, "theta")), "0.h5"),
    Fault("shards", "a shard that is not there", shard(Path.unlink), "0.h5"),
    Fault("results", "a fit of GlioFit 0.1", fit(json.dumps({"theta": [0, 0, 0, 6, 3]})), "hybrid.json"),
    Fault("results", "a fit cut short", fit('{"format": "gliofit-fit", '), "hybrid.json"),
    Fault(
        "results",
        "a fit of a later version",
        fit(json.dumps({"format": "gliofit-fit", "format_version": 9})),
        "hybrid.json",
    ),
    Fault("Python", "a density above one", lambda f, t: invert(5 * density(t), t), "density"),
    Fault("Python", "a density on another grid", lambda f, t: invert(density(t)[1:], t), "shape"),
    Fault(
        "Python", "outlines without a tumour", lambda f, t: invert(SegmentationTarget(0 * t.wm, 0 * t.wm), t), "tumour"
    ),
    Fault("Python", "an unknown method", lambda f, t: invert(density(t), t, "hybird"), "hybird"),
    Fault("Python", "a method without its networks", lambda f, t: invert(density(t), t, "direct"), "direct"),
    Fault(
        "Python",
        "a tissue in metres",
        lambda f, t: Tissue(t.wm, t.gm, t.csf, np.diag([1e-3] * 3 + [1]) @ t.affine),
        "metres",
    ),
    Fault("Python", "labels for tissue fractions", lambda f, t: Tissue(np.rint(3 * t.wm), t.gm, t.csf, t.affine), "wm"),
    Fault(
        "Python",
        "an origin outside the head",
        lambda f, t: simulate(t, Theta((-46.0, -46.0, -46.0), 6.0, 3.0)),
        "origin",
    ),
    Fault("Python", "an unknown growth model", lambda f, t: growth_model("fisher_kolmogorv"), "kolmogorv"),
    Fault("Python", "more foci than there can be", lambda f, t: growth_model("fisher_kolmogorov", foci=0), "foci"),
    Fault("Python", "weights by a name", lambda f, t: invert(density(t), t, "direct", networks="x"), "networks"),
    Fault("Python", "PET of NaN", lambda f, t: invert(PETTarget(np.full(t.shape, np.nan), t.brain), t), "pet"),
]
