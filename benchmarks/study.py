"""
What a stopwatch alone does not show: accuracy, convergence, throughput, memory, and what inversion makes of them.

    python benchmarks/study.py [--only NAME …] [--cases 100] [--prepared FOLDER …]

Each study writes FOLDER/NAME.json (FOLDER: GLIOFIT_BENCHMARKS or results/benchmarks) as soon as it is done.
"""

from __future__ import annotations

import argparse
import json
import time
import tracemalloc
from pathlib import Path

import numba
import numpy as np
import yaml
from cases import CASES, FOLDER, brain, case
from gpu_study import gpu
from peers import theta_of, tumor_growth_toolkit
from phantom import phantom
from tqdm import tqdm

from gliofit import Tissue, invert, simulate
from gliofit.base import grids
from gliofit.base.files import write_text
from gliofit.base.overlap import dice
from gliofit.growth import fisher_kolmogorov as solver
from gliofit.growth.seed import initial_density
from gliofit.inversion.patient_problem import patient_problem
from gliofit.synthetic.prior import Prior, sample

SEED = 2026
ROOT = Path(__file__).parent.parent


def drawn(tissue: Tissue, count: int):
    """θ of the default prior with their densities; seeds of their own, never used for training or tuning."""
    return sample(tissue, Prior(), count, SEED)


def difference(c, reference) -> dict:
    """Mass error and largest difference of two densities."""
    mass = float(c.sum(dtype=np.float64) / reference.sum(dtype=np.float64) - 1)
    return {"mass": mass, "max": float(np.abs(c - reference).max())}


def accuracy(options) -> dict:
    """Time error at default settings against 16 times shorter steps, and TumorGrowthToolkit's where it is at hand."""
    out = {"cases": {}, "prior": []}
    for name in list(CASES)[:2]:
        tissue, *rest = case(name)
        theta = theta_of(*rest)
        fine = simulate(tissue, theta, seed="tgk", refine=16)
        out["cases"][name] = {"gliofit": difference(simulate(tissue, theta, seed="tgk"), fine)}
        peer = tumor_growth_toolkit(tissue, *rest)
        if peer is not None:
            out["cases"][name]["TumorGrowthToolkit"] = difference(peer() * tissue.mask, fine)
    tissue = brain(2.0)
    for theta, density in tqdm(drawn(tissue, 40), desc="accuracy"):
        entry = difference(density, simulate(tissue, theta, refine=16))
        out["prior"].append({"mu_D": theta.mu_D, "mu_rho": theta.mu_rho, **entry})
    return out


def convergence(options) -> dict:
    """Errors against the finest run as the steps, or the voxels, shrink."""
    tissue = brain(2.0)
    _, *rest = case("64³, 2 mm, 150 d")
    theta = theta_of(*rest)
    fine = simulate(tissue, theta, refine=48, dtype=np.float64)
    by_time = []
    for refine in (0.5, 1, 2, 4, 8):
        run = simulate(tissue, theta, refine=refine, dtype=np.float64)
        plan = solver.schedule(theta.mu_D, theta.mu_rho, tissue.spacing, solver.medium(tissue).radius, refine)
        by_time.append({"refine": refine, "steps": plan.steps, "stages": plan.evaluations, **difference(run, fine)})
    theta = theta_of((1.3, -2.1, 0.7), 0.2, 0.03, 150.0)
    coarse = phantom(4.0)
    runs = {}
    for spacing in (4.0, 2.0, 1.0, 0.5):
        tissue = phantom(spacing)
        runs[spacing] = grids.resample(simulate(tissue, theta, refine=4), tissue.affine, coarse.shape, coarse.affine)
    by_space = [{"spacing": h, **difference(runs[h], runs[0.5])} for h in (4.0, 2.0, 1.0)]
    return {"time": by_time, "space": by_space}


@numba.njit(parallel=True)
def _copy(source, target):
    for i in numba.prange(source.size):
        target[i] = source[i]


def throughput(options) -> dict:
    """Voxels a second of the stages and the bytes they would move without a cache, beside a plain copy."""
    source, target = np.ones(64_000_000, np.float32), np.zeros(64_000_000, np.float32)
    out = {"copy": {}, "cases": {}}
    for threads in sorted({1, numba.config.NUMBA_NUM_THREADS}):
        numba.set_num_threads(threads)
        times = []
        for _ in range(8):
            begun = time.perf_counter()
            _copy(source, target)
            times.append(time.perf_counter() - begun)
        out["copy"][threads] = 2 * source.nbytes / min(times[1:]) / 1e9
        for name in CASES:
            tissue, *rest = case(name)
            theta = theta_of(*rest)
            work, times = [], {False: [], True: []}
            solver._run(
                tissue, theta, False, initial_density(tissue, theta.origin), np.dtype(np.float32), 1.0, threads, work
            )
            for _ in range(61):  # by turns, as the machine is not equally fast all the time
                for jacobian, taken in times.items():
                    begun = time.perf_counter()
                    simulate(tissue, theta, threads=threads, jacobian=jacobian)
                    taken.append(time.perf_counter() - begun)
            # a stage reads P_{j−1}, P_{j−2} of each field and d, and writes P_j: 4 numbers, or 16 with tangents
            for jacobian, numbers in ((False, 4), (True, 16)):
                rate = sum(work) / min(times[jacobian][1:])
                found = {"voxels_per_second": rate, "gb_per_second": 4e-9 * numbers * rate}
                if jacobian:
                    pairs = np.array(times[True][1:]) / np.array(times[False][1:])
                    found |= {"pairs": pairs.size, "times_alone": np.quantile(pairs, (0.25, 0.5, 0.75)).tolist()}
                out["cases"].setdefault(name, {})[f"{threads}{', with tangents' if jacobian else ''}"] = found
    return out


def memory(options) -> dict:
    """Peak memory of one 128³ run above its inputs, result included, MiB (numpy's allocations)."""
    tissue, *rest = case("128³, 1 mm, 150 d")
    theta = theta_of(*rest)
    simulate(tissue, theta)
    tissue = Tissue(tissue.wm, tissue.gm, tissue.csf, tissue.affine)
    out = {}
    for jacobian in (False, True):
        tracemalloc.start()
        simulate(tissue, theta, jacobian=jacobian)
        out["jacobian" if jacobian else "forward"] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
    return out


def _invert(target, tissue, truth) -> dict:
    begun = time.process_time()
    fit = invert(target, tissue, "gauss_newton", threads=1, uncertainty=False)
    return {
        "mse": fit.loss,
        "seconds": fit.seconds,
        "cpu_seconds": time.process_time() - begun,
        "evaluations": fit.evaluations,
        "origin_error": float(np.linalg.norm(np.subtract(fit.theta.origin, truth.origin))),
        "mu_D": [truth.mu_D, fit.theta.mu_D],
        "mu_rho": [truth.mu_rho, fit.theta.mu_rho],
    }


def inversion(options) -> dict:
    """Gauss–Newton on densities of random θ: made by the same grid, and by one of half the spacing."""
    coarse, fine = brain(2.0), brain(1.0)
    out = {"same_grid": [], "finer_grid": [], "one_mm": []}
    for i, (theta, density) in enumerate(tqdm(drawn(coarse, options.cases), desc="inversion")):
        out["same_grid"].append(_invert(density, coarse, theta))
        if i < options.cases // 4:
            truth = grids.resample(simulate(fine, theta, threads=1), fine.affine, coarse.shape, coarse.affine)
            entry = _invert(truth, coarse, theta)
            entry["mse_at_truth"] = float(np.mean((density - truth) ** 2, dtype=np.float64))
            out["finer_grid"].append(entry)
        if i < options.cases // 20:
            out["one_mm"].append(_invert(simulate(fine, theta, threads=1), fine, theta))
    return out


def patients(options) -> dict:
    """Segmentation fits of prepared patients (the pipeline's results/ID/prepared) by Gauss–Newton and by CMA-ES."""
    from gliofit.patients.prepared import load_prepared

    out = {}
    for folder in tqdm(options.prepared, desc="patients"):
        prepared = load_prepared(folder)
        problem = patient_problem(prepared, 2.0)
        if not out:  # modules and numba's kernels are loaded before anything is timed
            invert(problem.target, problem.tissue, "gauss_newton", threads=1, iterations=1)
        out[prepared.patient.id] = entry = {}
        for name, settings in {"gauss_newton": {}, "cmaes_solver": {"max_evaluations": 2000}}.items():
            begun = time.process_time()
            fit = invert(problem.target, problem.tissue, name, threads=1, **settings)
            entry[name] = {
                "loss": fit.loss,
                "dice_core": dice(fit.density > fit.extras["threshold_core"], problem.target.core > 0.5),
                "dice_whole": dice(fit.density > fit.extras["threshold_whole"], problem.target.whole > 0.5),
                "cpu_seconds": time.process_time() - begun,
                "evaluations": fit.evaluations,
            }
    return out


def methods(options) -> dict:
    """Every inversion method with the default config's settings on the same densities (2 mm, SRI24)."""
    from gliofit.inversion import describe
    from gliofit.inversion.registry import ready
    from gliofit.pipeline.config import load_config

    config = load_config(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()) | {"patients": None})
    tissue, out = brain(2.0), {}
    cases = drawn(tissue, options.methods_cases)
    for name in tqdm(config.methods, desc="methods"):
        paths = [ROOT / "resources" / "weights" / f"{role}.safetensors" for role in describe(name).networks]
        settings = {"networks": ready(name, [p for p in paths if p.is_file()]), **config.settings(name)}
        out[name] = {"title": describe(name).title, "fits": []}
        for _, density in cases:
            begun = time.process_time()
            fit = invert(density, tissue, name, threads=1, **settings)
            seconds = time.process_time() - begun
            mse = float(np.mean((fit.density - density) ** 2, dtype=np.float64))
            out[name]["fits"].append({"mse": mse, "cpu_seconds": seconds, "evaluations": fit.evaluations})
    return out


STUDIES = (accuracy, convergence, throughput, memory, inversion, methods, patients, gpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument(
        "--only", nargs="+", default=[s.__name__ for s in STUDIES], choices=[s.__name__ for s in STUDIES]
    )
    parser.add_argument("--cases", type=int, default=100, help="random θ of the inversion study")
    parser.add_argument("--methods-cases", type=int, default=3, help="random θ that every method inverts")
    parser.add_argument("--prepared", nargs="*", default=[], help="folders results/ID/prepared of real patients")
    options = parser.parse_args()
    for study in STUDIES:
        if study.__name__ in options.only:
            print(f"{study.__name__}: {study.__doc__}", flush=True)
            found = study(options)
            if found is not None:
                write_text(FOLDER / f"{study.__name__}.json", json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
