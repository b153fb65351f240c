"""
Mass effect on real patients: γ, ventricles and midline, beside the fit without it.

    python benchmarks/mass_effect_patients.py ATLAS PREPARED … [--spacing 4] [--near 10 40] [--write] [--out FOLDER]

ATLAS is a folder of the atlas's maps (results/anatomy/NAME), PREPARED folders of patients who were registered to it.

A deformable registration also explains what the tumour did, and leaves nothing to the model. So the healthy anatomy is
the atlas brought to the patient by the affine part alone within `near[0]` mm of the tumour, by all of the registration
from `near[1]` mm on, and by a share of the warp in between. Both fits, with and without mass effect, grow in it.

Both fits are `gauss_newton`'s own, made at `--spacing`, and scored in a run at 2 mm.

The scan's own ventricles are the dark one of three classes of its T1 (k-means), deeper than 12 mm below the brain's
surface, outside the tumour, and in one piece with CSF of the registered atlas; the model's are its CSF there. Writes
FOLDER/mass_effect.json and a picture for each patient, and prints a table; with --write it goes into
docs/mass_effect.md, with the picture of the patient whose tumour pushes most.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
from pages import DOCS, put
from scipy import ndimage
from scipy.cluster.vq import kmeans2

from gliofit import Tissue, growth_model, invert
from gliofit.anatomy.anatomy import Anatomy
from gliofit.anatomy.registration import Registration
from gliofit.base import grids
from gliofit.base.files import write_text
from gliofit.base.nifti import Volume, load_volume
from gliofit.base.overlap import dice
from gliofit.growth.model import GrowthModel
from gliofit.inversion.fit import Fit
from gliofit.patients.preparation import fill
from gliofit.patients.prepared import Prepared, load_prepared

SCORED_MM = 2.0
"""Spacing of the runs that fits are scored in."""

TOLERANCE = 1e-3
"""Relative, of fits: losses of neighbouring runs with mass effect differ by about as much."""

DEPTH_MM = 12.0
"""Below the brain's surface: CSF nearer to it is that of sulci."""


def healthy(patient: Prepared, anatomy: Anatomy, near: tuple[float, float]) -> Tissue:
    """The atlas on the scan's grid, with the warp faded out towards the tumour."""
    affine, path, inverse = Registration(patient.folder / "registration").files
    warp = nib.load(path)
    distance = ndimage.distance_transform_edt(~patient.whole, sampling=grids.spacing_of(patient.affine))
    world = grids.to_world(warp.affine, np.moveaxis(np.indices(warp.shape[:3]), 0, -1))
    voxel = np.moveaxis(grids.to_voxel(patient.affine, world), -1, 0)
    at = ndimage.map_coordinates(distance, voxel, order=1, mode="nearest")
    share = np.interp(at, near, (0, 1))[..., None, None]
    with tempfile.TemporaryDirectory() as folder:
        for kept in (affine, inverse):
            shutil.copyfile(kept, Path(folder) / kept.name)
        faded = nib.Nifti1Image((np.asarray(warp.dataobj) * share).astype(np.float32), warp.affine, warp.header)
        nib.save(faded, Path(folder) / path.name)
        volumes = [Volume(m, anatomy.tissue.affine) for m in (anatomy.tissue.wm, anatomy.tissue.gm, anatomy.tissue.csf)]
        maps = Registration(Path(folder)).to_patient(volumes, patient.shape, patient.affine)
    return Tissue(*fill(maps, patient.brain & ~patient.cavity, patient.whole, patient.core, "keep"), patient.affine)


def seen_csf(patient: Prepared) -> np.ndarray:
    """CSF of the scan's T1, bool [x, y, z]."""
    t1 = load_volume(patient.patient.files["t1"]).data
    inside = ndimage.binary_erosion(patient.brain, iterations=2) & ~patient.whole
    values = t1[inside].astype(float)
    centres, labels = kmeans2(values, np.quantile(values, [0.05, 0.4, 0.8]), minit="matrix", iter=30)
    out = np.zeros(patient.shape, bool)
    out[inside] = labels == np.argmin(centres)
    return out


def fitted(patient: Prepared, tissue: Tissue, model: GrowthModel, threads: int) -> Fit:
    """A fit on the working grid."""
    target = patient.target(tissue.shape, tissue.affine)
    return invert(target, tissue, "gauss_newton", model=model, threads=threads, tolerance=TOLERANCE)


def scored(patient: Prepared, tissue: Tissue, fit: Fit, threads: int) -> dict:
    """Dice scores of a fit's run on another grid, the anatomy that it leads to, and what the fit took."""
    target = patient.target(tissue.shape, tissue.affine)
    out = {"parameters": fit.parameters, "loss": fit.loss, "evaluations": fit.evaluations, "seconds": fit.seconds}
    made, values = growth_model(fit.model), growth_model(fit.model).values_of(fit.parameters)
    if made.name == "mass_effect":
        density, u, displaced = made.simulate(tissue, values, displacement=True, displaced=True, threads=threads)
        place = list(fit.parameters).index("gamma")
        out["gamma_sd"] = float(np.sqrt(fit.covariance[place, place]))
        out["searches"] = fit.details["searches"]
    else:
        density, u, displaced = made.simulate(tissue, values, threads=threads), np.zeros((3, *tissue.shape)), tissue
    for name, outline in (("core", target.core), ("whole", target.whole)):
        out[f"dice_{name}"] = dice(density > fit.extras[f"threshold_{name}"], outline > 0.5)
    return out | {"density": density, "displaced": displaced, "u": u}


def study(folder: Path, anatomy: Anatomy, options) -> dict:
    """A patient with and without mass effect."""
    patient = load_prepared(folder)
    whole_head = healthy(patient, anatomy, options.near)
    coarse, tissue = (whole_head.working_grid(h) for h in (options.spacing, SCORED_MM))
    csf = grids.resample(seen_csf(patient).astype(np.float32), patient.affine, tissue.shape, tissue.affine)
    whole = patient.target(tissue.shape, tissue.affine).whole > 0.5
    depth = ndimage.distance_transform_edt(tissue.brain, sampling=tissue.spacing)
    deep = (depth > DEPTH_MM) & ~ndimage.binary_dilation(whole, iterations=2)
    registered = (patient.tissue.resample_to(tissue.shape, tissue.affine).csf > 0.5) & deep
    seen = ventricles((csf > 0.5) & deep, registered)
    out: dict = {"patient": patient.patient.id, "volume_ml": float(whole.sum() * np.prod(tissue.spacing) / 1000)}
    out["ventricles_registered"] = dice(registered, seen)
    found = {}
    for model in (growth_model(), growth_model("mass_effect")):
        cpu, begun = time.process_time(), time.perf_counter()
        fit = fitted(patient, coarse, model, options.threads)
        took = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.perf_counter() - begun}
        found[model.name] = took | scored(patient, tissue, fit, options.threads)
    for fit in found.values():
        fit["dice_ventricles"] = dice((fit["displaced"].csf > 0.5) & deep, seen)
    u = found["mass_effect"]["u"]
    out["largest_mm"] = float(np.linalg.norm(u, axis=0).max())
    out["midline_mm"] = midline_shift(u, tissue, whole)
    draw(patient, tissue, found, seen, whole, options.out / f"mass_effect_{patient.patient.id}.png")
    for model, fit in found.items():
        out[model] = {name: value for name, value in fit.items() if name not in ("density", "displaced", "u")}
    return out


def ventricles(csf: np.ndarray, registered: np.ndarray) -> np.ndarray:
    """Pieces of CSF that meet that of the registered atlas, bool [x, y, z]; sulci and dark tissue do not."""
    pieces, number = ndimage.label(csf)
    meeting = np.unique(pieces[registered])
    return np.isin(pieces, meeting[meeting > 0]) if number else csf


def midline_shift(u: np.ndarray, tissue: Tissue, whole: np.ndarray) -> float:
    """Largest displacement across the mid-sagittal plane, mm, away from the tumour's side positive."""
    middle = tissue.to_voxel(tissue.centre_of_mass(tissue.brain.astype(float)))
    side = np.sign(middle[0] - tissue.to_voxel(tissue.centre_of_mass(whole.astype(float)))[0])
    plane = u[0, round(float(middle[0]))] * side
    return float(plane.max())


def draw(patient, tissue, found, seen, whole, path) -> None:
    """The slice with most ventricle near the tumour: outlines of CSF before and after, over the T1."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    t1 = load_volume(patient.patient.files["t1"])
    image = grids.resample(t1.data, t1.affine, tissue.shape, tissue.affine)
    z = int(np.argmax(np.sqrt(whole.sum((0, 1))) * (seen.sum((0, 1)) + 1)))
    u = found["mass_effect"]["u"]
    figure, axes = plt.subplots(1, 3, figsize=(13.5, 5), layout="constrained")
    top = float(np.quantile(image[image > 0], 0.995))
    shown = (("healthy anatomy", "fisher_kolmogorov"), ("displaced by the model", "mass_effect"))
    for ax, (title, model) in zip(axes, shown, strict=False):
        ax.imshow(image[:, :, z].T, origin="lower", cmap="gray", vmin=0, vmax=top)
        ax.contour(found[model]["displaced"].csf[:, :, z].T, [0.5], colors="#4cc3ff", linewidths=0.9)
        ax.contour(seen[:, :, z].T, [0.5], colors="#ffd84c", linewidths=0.7)
        ax.contour(whole[:, :, z].T.astype(float), [0.5], colors="#ff5c5c", linewidths=0.9)
        ax.set_title(f"{title}: ventricles' Dice {found[model]['dice_ventricles']:.2f}")
    size = axes[2].imshow(np.linalg.norm(u, axis=0)[:, :, z].T, origin="lower", cmap="viridis")
    axes[2].contour(whole[:, :, z].T.astype(float), [0.5], colors="#ff5c5c", linewidths=0.9)
    axes[2].set_title("displacement, mm")
    figure.colorbar(size, ax=axes[2], shrink=0.8)
    for ax in axes:
        ax.set_axis_off()
    figure.suptitle(f"{patient.patient.id}: CSF of the model (blue), of the scan (yellow), tumour (red)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def row(entry: dict) -> str:
    """Of the table."""
    plain, push = entry["fisher_kolmogorov"], entry["mass_effect"]
    gamma = f"{push['parameters']['gamma']:.1f} ± {1.96 * push['gamma_sd']:.1f}"
    ends = " / ".join(f"{end['ended']['gamma']:.1f}" for end in push["searches"])
    loss = f"{plain['loss']:.4f} → {push['loss']:.4f}"
    pairs = (f"{plain[f'dice_{n}']:.3f} → {push[f'dice_{n}']:.3f}" for n in ("core", "whole", "ventricles"))
    cells = [entry["patient"], f"{entry['volume_ml']:.0f}", gamma, ends, loss, *pairs]
    cells += [f"{entry['ventricles_registered']:.3f}"]
    cells += [f"{entry['midline_mm']:.1f}", f"{entry['largest_mm']:.1f}", f"{push['cpu_seconds']:.0f}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("atlas", type=Path)
    parser.add_argument("prepared", nargs="+", type=Path)
    parser.add_argument("--spacing", type=float, default=4.0, help="of fits, mm")
    parser.add_argument("--near", type=float, nargs=2, default=(10.0, 40.0), help="mm")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="the table, to docs/mass_effect.md")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"))
    options = parser.parse_args()
    anatomy, entries = Anatomy.load(options.atlas), []
    for folder in options.prepared:
        entries.append(study(folder, anatomy, options))
        print(row(entries[-1]), flush=True)
        write_text(options.out / "mass_effect.json", json.dumps(entries, indent=1))
    if options.write:
        put("mass_effect.md", "mass effect on patients", table([row(entry) for entry in entries]))
        most = max(entries, key=lambda entry: entry["largest_mm"])["patient"]
        shutil.copyfile(options.out / f"mass_effect_{most}.png", DOCS / "images" / "mass_effect_patient.png")


def table(rows: list[str]) -> list[str]:
    """Of all patients, in Markdown."""
    head = ["patient", "whole, ml", "γ, kPa", "of each start", "loss", "core", "whole", "ventricles", "registered"]
    head += ["midline, mm", "largest, mm"]
    return ["", f"| {' | '.join([*head, 'CPU s'])} |", "|---|" + "--:|" * len(head), *rows, ""]


if __name__ == "__main__":
    main()
