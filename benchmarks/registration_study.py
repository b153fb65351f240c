"""
How right registrations are, and what they cost.

    python benchmarks/registration_study.py known greedy fast
    python benchmarks/registration_study.py patients ../shared/patients greedy fast [--pictures DIR]

The first registers the atlas to made patients whose deformation is known, with a ring tumour painted over them: healthy
tissue under the mask, the tumour as it is (behind the metric's mask alone), and hidden. The second prepares every
patient of a folder that is registered, and compares the warped atlas with what the scan shows outside the tumour,
the fits of `gauss_newton` with one focus, and registrations with the tumour as it is and hidden. Both print rows of
tables; `--write` puts them into docs/registration.md.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from cases import FOLDER
from known_deformation import Known, made_patient
from pages import put
from scipy import ndimage
from sklearn.cluster import KMeans

from gliofit import invert
from gliofit.anatomy import registration
from gliofit.anatomy.atlas import Anatomy, download_sri24, load_sri24
from gliofit.anatomy.transforms import Registration
from gliofit.base import grids
from gliofit.base.nifti import Volume
from gliofit.base.overlap import dice
from gliofit.evaluation.patient_scores import data_fit
from gliofit.inversion.patient_problem import patient_problem
from gliofit.patients.discovery import discover
from gliofit.patients.preparation import prepare_patient
from gliofit.patients.prepared import Prepared, load_prepared
from gliofit.patients.scans import load_scans
from gliofit.reporting.figures.patient_view import preparation_picture

SPACING = 2.0
DEEP_MM = 18.0
"""From the brain's surface: fluid there is that of the ventricles."""
RIM_MM = 6.0
"""Around the tumour: where it pulls."""

RINGS = [(0, 4), (4, 12), (12, 200)]
"""Distances from the tumour, mm."""

HEADS = {
    "known": ["settings", "tumour", *(f"{a}–{b} mm" for a, b in RINGS[:2]), "beyond", "smallest Jacobian", "CPU s"],
    "patients": [
        "patient",
        "settings",
        *("brain", "white matter", "ventricles", "core", "whole tumour", "smallest Jacobian", "CPU s"),
        "moved by hiding, mm",
        "labels changed",
    ],
}


def processor() -> float:
    """CPU seconds of this process and its children so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def found_for(known: Known, anatomy: Anatomy, name: str, folder: Path, hide: bool) -> tuple[Registration, float]:
    """A made patient's registration, with the tumour hidden or behind the metric's mask alone, and its CPU seconds."""
    before = processor()
    settings = registration.load_settings(name)
    found = registration.register(known.scan, known.brain, known.tumour, anatomy, settings, folder, hide_tumour=hide)
    return found, processor() - before


def known(anatomy: Anatomy, names: list[str]) -> Iterator[list[str]]:
    """Median and 95th percentile of the errors, mm, by distance from the tumour."""
    patients = {"healthy": made_patient(anatomy, ring=False), "as it is": made_patient(anatomy)}
    patients["hidden"] = patients["as it is"]
    for name in names:
        for title, patient in patients.items():
            with tempfile.TemporaryDirectory() as folder:
                found, seconds = found_for(patient, anatomy, name, Path(folder), hide=title != "as it is")
                cells, inside = [], Volume(patient.brain, patient.scan.affine)
                for near, far in RINGS:
                    errors = patient.errors(found, near, far)
                    cells.append(f"{np.median(errors):.2f}, {np.percentile(errors, 95):.2f}")
                yield [f"`{name}`", title, *cells, f"{found.smallest_jacobian(inside):.2f}", f"{seconds:.0f}"]


def shown(prepared: Prepared, scan: np.ndarray) -> tuple[np.ndarray, ...]:
    """White matter and ventricles as the scan's own intensities have them, and where each is told: bool [x, y, z]."""
    spacing = grids.spacing_of(prepared.affine)
    tumour = prepared.whole | prepared.cavity
    told = prepared.brain & (ndimage.distance_transform_edt(~tumour, spacing) > 4)
    seen = np.clip(scan[told], *np.percentile(scan[told], [0.5, 99.5]))[:, None]
    classes = KMeans(3, n_init=1, random_state=0).fit(seen[::50])
    order = classes.cluster_centers_[:, 0].argsort()
    kinds = np.full(scan.shape, -1)
    kinds[told] = order.argsort()[classes.predict(seen)]
    deep = ndimage.distance_transform_edt(prepared.brain, spacing) > DEEP_MM
    return kinds == 2, (kinds == 0) & deep, told, told & deep


def change(prepared: Prepared, anatomy: Anatomy, name: str, folder: Path) -> list[str]:
    """How far hiding the tumour moves the tissue in a rim about it, mm, and which share of its labels it changes."""
    scans = load_scans(prepared.patient)
    tumour = scans.whole | scans.cavity
    settings = registration.load_settings(name)
    other = registration.register(scans.t1, scans.brain, tumour, anatomy, settings, folder, hide_tumour=False)
    rim = scans.brain & ~tumour & (ndimage.distance_transform_edt(~tumour, grids.spacing_of(scans.affine)) <= RIM_MM)
    points = grids.to_world(scans.affine, np.argwhere(rim)[::7])
    found = Registration(Path(prepared.folder or "") / "registration")
    moved = np.linalg.norm(found.points_to_atlas(points) - other.points_to_atlas(points), axis=1)
    tissue = anatomy.tissue
    volumes = [Volume(m, tissue.affine) for m in (tissue.wm, tissue.gm, tissue.csf)]
    before, after = (np.argmax(f.to_patient(volumes, scans.shape, scans.affine), 0)[rim] for f in (other, found))
    return [f"{np.median(moved):.2f}, {np.percentile(moved, 95):.2f}", f"{np.mean(before != after):.1%}"]


def patients(anatomy: Anatomy, folder: str, names: list[str], pictures: str | None) -> Iterator[list[str]]:
    """Overlaps, fits and seconds of every patient that is registered, and what hiding the tumour changes."""
    for patient in discover(Path(folder)).patients:
        for name in names if patient.anatomy == "registration" else []:
            with tempfile.TemporaryDirectory() as work:
                before = processor()
                report = prepare_patient(patient, anatomy, name, work)
                seconds = processor() - before
                prepared = load_prepared(work)
                white, ventricles, told, deep = shown(prepared, load_scans(patient).t1.data)
                values = [report["brain_dice"], dice(white, (prepared.tissue.wm > 0.5) & told)]
                values.append(dice(ventricles, (prepared.tissue.csf > 0.5) & deep))
                problem = patient_problem(prepared, SPACING)
                fit = invert(problem.target, problem.tissue, "gauss_newton", uncertainty=False)
                scores = data_fit(prepared.to_scan(fit.density, problem.tissue.affine), prepared)
                values += [scores["dice_core"], scores["dice_whole"]]
                if pictures:
                    preparation_picture(prepared, Path(pictures) / f"{patient.id}-{name}.png")
                changed = change(prepared, anatomy, name, Path(work) / "as_it_is")
            smallest = report["registration"]["smallest_jacobian"]
            written = [f"{value:.3f}" for value in values]
            yield [patient.id, f"`{name}`", *written, f"{smallest:.2f}", f"{seconds:.0f}", *changed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--atlas", help="a folder of `Anatomy.save`, such as results/anatomy/sri24")
    parser.add_argument("--write", action="store_true")
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("known").add_argument("settings", nargs="+")
    real = kinds.add_parser("patients")
    real.add_argument("folder")
    real.add_argument("settings", nargs="+")
    real.add_argument("--pictures")
    given = parser.parse_args()
    anatomy = Anatomy.load(given.atlas) if given.atlas else load_sri24(download_sri24(FOLDER))
    if given.kind == "known":
        rows = known(anatomy, given.settings)
    else:
        rows = patients(anatomy, given.folder, given.settings, given.pictures)
    head = HEADS[given.kind]
    lines = [f"| {' | '.join(head)} |", f"| --- | --- |{' ---: |' * (len(head) - 2)}"]
    print(*lines, sep="\n", flush=True)
    for row in rows:
        lines.append(f"| {' | '.join(row)} |")
        print(lines[-1], flush=True)
    if given.write:
        put("registration.md", given.kind, ["", *lines, ""])


if __name__ == "__main__":
    main()
