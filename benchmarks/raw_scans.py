"""
Raw scans: how well what moved is brought back, and brains are stripped; docs/raw_scans.md has the figures.

    python benchmarks/raw_scans.py phantom FOLDER            a made DICOM study: a head with skull on the MNI152 anatomy
    python benchmarks/raw_scans.py apart CASE FOLDER         a stripped case, its images moved, tilted, resampled
    snakemake --cores 2 results/ID/page.html --config patients=FOLDER/patients.tsv
    python benchmarks/raw_scans.py score FOLDER results/ID   after it: mm, and Dice against the truth

CASE is a folder with t1n, t1c, t2f and seg.nii.gz, stripped and on one grid.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from raw_study import Sequence_, dicom, pet_tags, scanned, with_skull

from gliofit.anatomy.atlas import load_mni152
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.base.nifti import Volume, load_volume, save_volume
from gliofit.base.overlap import dice
from gliofit.observation.labels import parts
from gliofit.patients.brain import brain_of

PHANTOM = {
    "t1c": Sequence_(edges=(1.0, 1.0, 1.5)),
    "t1": Sequence_(turn=(0, 90, 0), edges=(1.2, 1.2, 1.2), moved=(3, -2, 4), tilted=(4, -3, 2)),
    "flair": Sequence_(turn=(12, 0, 0), edges=(1.0, 1.0, 4.0), moved=(-5, 6, 3), tilted=(-5, 4, 8)),
    "fet": Sequence_(edges=(2.5, 2.5, 2.5), moved=(4, 0, -3), tilted=(2, 2, -3)),
    "followup": Sequence_(edges=(1.0, 1.0, 2.0), moved=(25, -20, 15), tilted=(8, -6, 7)),
}
APART = {
    "t1c": Sequence_(edges=(1.0, 1.0, 1.0)),
    "t1": Sequence_(turn=(0, 10, 0), edges=(1.0, 1.0, 2.0), moved=(8, -12, 15), tilted=(-6, 12, -9)),
    "flair": Sequence_(turn=(10, 0, 5), edges=(1.0, 1.0, 3.0), moved=(35, -20, 15), tilted=(12, -8, 10)),
}
TUMOUR_MM = (-30.0, -20.0, 25.0)


def phantom(folder: Path) -> None:
    """Four sequences and a follow-up of a made head; the segmentation is drawn on the FLAIR."""
    mni = load_mni152(2)
    brain, affine = mni.tissue.brain, mni.tissue.affine
    away = np.linalg.norm(grids.to_world(affine, np.moveaxis(np.indices(brain.shape), 0, -1)) - TUMOUR_MM, axis=-1)
    seg = np.where(brain, np.select([away < 8, away < 14, away < 22], [1, 3, 2], 0), 0)
    later = np.where(brain, np.select([away < 10, away < 19, away < 28], [1, 3, 2], 0), 0)
    tissue = mni.tissue
    t1 = mni.t1.data / np.median(mni.t1.data[brain]) * 600
    flair = 470 * tissue.gm + 400 * tissue.wm + 90 * tissue.csf
    enhanced = lambda labels: np.select([labels == 3, labels == 1, labels == 2], [1300, 350, 0.8 * t1], t1)  # noqa: E731
    images = {
        "t1": (np.where(seg > 0, 0.8 * t1, t1), 1.5),
        "t1c": (enhanced(seg), 1.6),
        "flair": (np.where(seg == 2, 1.9 * flair, flair), 1.2),
        "followup": (enhanced(later), 1.6),
    }
    room = ((14, 14),) * 3
    grid = grids.shifted(affine, (-14, -14, -14))
    inside = np.pad(brain, room)
    motions = {}
    for number, (name, (data, scalp)) in enumerate(images.items(), 1):
        head = with_skull(np.pad(data, room), inside, grids.spacing_of(affine), scalp, number)
        volume, motions[name] = scanned(Volume(head, grid), PHANTOM[name])
        dicom(folder / name, volume, number)
    uptake = np.where(brain, 1 + 0.3 * (tissue.gm > 0.5) + 1.5 * np.isin(seg, (2, 3)), 0.0)
    volume, motions["fet"] = scanned(Volume(np.pad(uptake, room).astype(np.float32), grid), PHANTOM["fet"])
    dicom(folder / "fet", volume, 9, **pet_tags(volume))
    drawn = {"seg": (seg, "flair"), "recurrence": (later, "followup"), "truth": (seg, "t1c")}
    drawn |= {"true_brain": (brain.astype(int), "t1c"), "true_recurrence": (later, "t1c")}
    for name, (labels, on) in drawn.items():
        volume, _ = scanned(Volume(np.pad(labels, room).astype(np.uint8), grid), PHANTOM[on], 0)
        save_volume(folder / f"{name}.nii.gz", volume.data, volume.affine, "label")
    _sheet(folder, "phantom", {**{n: n for n in PHANTOM}, "seg": "seg.nii.gz", "recurrence": "recurrence.nii.gz"})
    _motions(folder, motions)


def apart(case: Path, folder: Path) -> None:
    """T1 and FLAIR of a case moved, tilted and resampled; the segmentation goes with the FLAIR."""
    volumes = {n: load_volume(case / f"{f}.nii.gz") for n, f in {"t1": "t1n", "t1c": "t1c", "flair": "t2f"}.items()}
    seg = load_volume(case / "seg.nii.gz", np.uint8)
    motions = {}
    for name in ("t1", "flair"):
        volume, motions[name] = scanned(volumes[name], APART[name])
        save_volume(folder / f"{name}.nii.gz", volume.data, volume.affine)
    moved, _ = scanned(seg, APART["flair"], 0)
    save_volume(folder / "seg.nii.gz", moved.data, moved.affine, "label")
    still = volumes["t1c"]
    save_volume(folder / "t1c.nii.gz", still.data, still.affine)
    save_volume(folder / "truth.nii.gz", seg.data, seg.affine, "label")
    brain = brain_of(still.data, grids.spacing_of(still.affine))
    save_volume(folder / "true_brain.nii.gz", brain.astype(np.uint8), still.affine, "mask")
    _sheet(folder, f"{case.name}_apart", {n: f"{n}.nii.gz" for n in ("t1", "t1c", "flair", "seg")})
    _motions(folder, motions)


def score(folder: Path, results: Path) -> None:
    """mm of the brain's voxels after registration, and Dice of brain, segmentation and recurrence, as Markdown."""
    report = json.loads((results / "scans" / "scans.json").read_text())
    motions = {name: np.array(m) for name, m in json.loads((folder / "motions.json").read_text()).items()}
    brain = load_volume(folder / "true_brain.nii.gz")
    points = grids.to_world(brain.affine, np.argwhere(brain.data > 0)[::97])
    print("| scan | moved by (mm) | left (mm): mean, largest | mutual information before, after |\n|---|---|---|---|")
    for name, image in report["images"].items():
        if name in motions and image["to_reference"]:
            found = np.array(image["to_reference"]) @ motions[name]
            left = np.linalg.norm(grids.to_world(found, points) - points, axis=1)
            was = np.linalg.norm(grids.to_world(motions[name], points) - points, axis=1).mean()
            before, after = image["mutual_information"]
            print(f"| {name} | {was:.1f} | {left.mean():.2f}, {left.max():.2f} | {before:.3f}, {after:.3f} |")
    scans = results / "scans"
    print(f"\nbrain Dice {dice(load_volume(scans / 'brain.nii.gz').data > 0, brain.data > 0):.4f} ({report['brain']})")
    for name, true in {"seg": "truth", "recurrence": "true_recurrence"}.items():
        if (scans / f"{name}.nii.gz").is_file() and (folder / f"{true}.nii.gz").is_file():
            pair = [_parts(load_volume(path)) for path in (scans / f"{name}.nii.gz", folder / f"{true}.nii.gz")]
            core, whole = (dice(a, b) for a, b in zip(*pair, strict=True))
            print(f"{name}: core Dice {core:.4f}, whole {whole:.4f}")


def _parts(volume: Volume) -> tuple[Array, Array]:
    return parts(volume.data.astype(np.uint8))


def _sheet(folder: Path, own: str, files: dict[str, str]) -> None:
    names = list(files)
    cells = [str((folder / files[name]).resolve()) for name in names]
    missing = [name for name in ("t1", "t1c", "flair", "seg") if name not in names]
    lines = ["\t".join(["id", *names, *missing]), "\t".join([own, *cells, *[""] * len(missing)])]
    (folder / "patients.tsv").write_text("\n".join(lines) + "\n")
    print(f"snakemake --cores 2 results/{own}/page.html --config patients={folder / 'patients.tsv'}")


def _motions(folder: Path, motions: dict[str, Array]) -> None:
    (folder / "motions.json").write_text(json.dumps({name: m.tolist() for name, m in motions.items()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, paths in {"phantom": ["folder"], "apart": ["case", "folder"], "score": ["folder", "results"]}.items():
        command = commands.add_parser(name)
        for path in paths:
            command.add_argument(path, type=Path)
    given = vars(parser.parse_args())
    {"phantom": phantom, "apart": apart, "score": score}[given.pop("command")](**given)


if __name__ == "__main__":
    main()
