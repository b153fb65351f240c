"""
A method on segmented patients, in this checkout and in another, by turns.

    python benchmarks/paired_fits.py results/ID/prepared … --against ../other [--turns 1] [--method hybrid --both]
    python benchmarks/paired_fits.py results/cohort/0 … --atlas results/anatomy/sri24 …   patients of the cohort

Both see the same tissue and outlines on the same grid, prepared once by this checkout. Every checkout runs in a process
of its own with one thread and its own sources; compiled kernels are loaded before the clock starts. A turn is one fit
in each, so that what else the machine does meets both alike. Printed: processor seconds of the fit without its
uncertainty, its loss, core and whole Dice at its thresholds, and the ratio of each setting's seconds to those of the
other checkout's one focus (a checkout from before several foci has that alone). The method is Gauss–Newton if no other
is named; networks are those that each checkout has released.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
SETTINGS = (1, "auto")
ROLES = {"gb_surrogate": ["surrogate"], "hybrid": ["surrogate", "inverse", "inverse_segmentation"]}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def prepare(folder: Path, spacing: float, path: Path, atlas: Path | None) -> None:
    """Write what both checkouts are shown of a prepared patient, or of one of the cohort in an atlas."""
    from gliofit import Tissue
    from gliofit.inversion.patient_problem import patient_problem
    from gliofit.patients.prepared import load_prepared
    from gliofit.synthetic.cohort import load_patient

    if atlas is None:
        patient = load_prepared(folder)
    else:
        patient, *_ = load_patient(
            folder, Tissue.from_nifti(*(atlas / f"{name}.nii.gz" for name in ("wm", "gm", "csf")))
        )
    problem = patient_problem(patient, spacing, pet=False)
    tissue, target = problem.tissue, problem.target
    maps = {"wm": tissue.wm, "gm": tissue.gm, "csf": tissue.csf, **target.arrays()}
    np.savez(path, affine=tissue.affine, **maps)


def serve(checkout: str) -> None:
    """Do the fits that standard input asks for, with the sources of a checkout."""
    sys.path.insert(0, f"{checkout}/src")
    from gliofit import Tissue, invert

    try:
        from gliofit import SegmentationTarget
        from gliofit.inversion.registry import ready
    except ImportError:  # version 0.1
        from gliofit.imaging import SegmentationTarget

        from gliofit.inversion.registry import ready
    for line in sys.stdin:
        path, foci, method = json.loads(line)
        networks = ready(method, [f"{checkout}/resources/weights/{role}.safetensors" for role in ROLES.get(method, [])])
        with np.load(path) as maps:
            tissue = Tissue(*(maps[name] for name in ("wm", "gm", "csf", "affine")))
            target = SegmentationTarget(maps["core"], maps["whole"])
        options: dict = {} if foci == 1 else {"model": {"name": "fisher_kolmogorov", "foci": foci}}
        options |= {"uncertainty": False} if method == "gauss_newton" else {"networks": networks}
        begun = time.process_time()
        fit = invert(target, tissue, method, **options)
        seconds = time.process_time() - begun
        scores = []
        for observed, name in ((target.core, "threshold_core"), (target.whole, "threshold_whole")):
            seen, there = fit.density >= fit.extras[name], observed >= 0.5
            scores.append(2 * int((seen & there).sum()) / max(int(seen.sum() + there.sum()), 1))
        found = {"seconds": seconds, "loss": fit.loss, "dice": scores, "runs": fit.evaluations}
        found["foci"] = len(getattr(fit, "origins", [0]))
        found["losses"] = (getattr(fit, "foci", None) or {}).get("loss")
        print(json.dumps(found), flush=True)


class Worker:
    """A checkout's process; `script` has the `serve` that it runs."""

    def __init__(self, checkout: Path, script: Path = HERE, method: str = "gauss_newton"):
        self.method = method
        command = [sys.executable, str(script), "--serve", str(checkout)]
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        environment.pop("PYTHONPATH", None)
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)

    def __call__(self, path: Path, foci: int | str) -> dict:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(path), foci, self.method]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def printed(name: str, foci: int | str, fits: list[dict], reference: float | None) -> float:
    """One line; the mean seconds."""
    seconds, last = float(np.mean([fit["seconds"] for fit in fits])), fits[-1]
    core, whole = last["dice"]
    ratio = "" if reference is None else f"  ratio {seconds / reference:.2f}"
    losses = "" if not last["losses"] else f"  by number {[round(v, 4) for v in last['losses']]}"
    print(
        f"{name:24} foci {foci!s:4} → {last['foci']}  {seconds:6.2f} s  {last['runs']:4d} runs  loss {last['loss']:.4f}"
        f"  Dice {core:.3f} {whole:.3f}{ratio}{losses}",
        flush=True,
    )
    return seconds


def main(options: argparse.Namespace) -> None:
    ours = Worker(HERE.parents[1], method=options.method)
    other = Worker(Path(options.against).resolve(), method=options.method) if options.against else None
    kept: dict[str, list] = {}
    with tempfile.TemporaryDirectory() as folder:
        for prepared in map(Path, options.prepared):
            path = prepared
            if prepared.is_dir():
                path = Path(folder) / f"{(prepared if options.atlas else prepared.parent).name}.npz"
                prepare(prepared, options.spacing, path, options.atlas)
            fits: dict[int | str, list[dict]] = {}
            for _ in range(options.turns):
                if other is not None:
                    for foci in options.foci if options.both else [1]:
                        name = "other" if foci == 1 else f"other {foci}"
                        fits.setdefault(name, []).append(other(path, foci))
                for foci in options.foci:
                    fits.setdefault(foci, []).append(ours(path, foci))
            reference = None
            for foci, found in fits.items():
                seconds = printed(path.stem, foci, found, reference)
                reference = seconds if foci == "other" else reference
                kept.setdefault(str(foci), []).append([seconds, found[-1]["loss"], *found[-1]["dice"]])
    means = {foci: np.mean(rows, 0) for foci, rows in kept.items()}
    for foci, (seconds, loss, core, whole) in means.items():
        ratio = f"  ratio {seconds / means['other'][0]:.2f}" if "other" in means else ""
        print(f"{'mean':24} foci {foci:4}     {seconds:6.2f} s  loss {loss:.4f}  Dice {core:.3f} {whole:.3f}{ratio}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "prepared", nargs="*", help="folders of prepared patients, or npz with wm, gm, csf, core, whole"
    )
    parser.add_argument("--atlas", type=Path, help="folder of tissue maps, for folders of patients of the cohort")
    parser.add_argument("--against", help="another checkout of the project")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--both", action="store_true", help="all of --foci in the other checkout, too")
    parser.add_argument("--method", default="gauss_newton")
    parser.add_argument("--spacing", type=float, default=2.0, help="mm")
    parser.add_argument("--foci", nargs="+", type=lambda v: v if v == "auto" else int(v), default=SETTINGS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    serve(chosen.serve) if chosen.serve else main(chosen)
