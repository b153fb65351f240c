"""
Bayesian calibration: what a posterior costs, and whether samplers agree (coverage: bayesian_coverage.py).

    python benchmarks/bayesian.py compare [--spacing 2] [--samples 2048] [--manifold 128] [--chain 30] [--patient DIR]
    python benchmarks/bayesian.py parts --patient FOLDER [--spacing 2]
    python benchmarks/bayesian.py judge [--on wave|solver|patient] [--patient DIR] [--samples 128] [--live 120]
                                        [--weighed 192] [--integrated]

`compare` runs both samplers on a patient (`DIR`: one with WM, GM, tumT1c, tumFLAIR and tumPET as GliomaSolver's
example has them, or prepared by the workflow) or, without one, on a simulated tumour. `parts` says what of one
likelihood's time goes where. `judge` has both samplers and dynesty sample outlines and PET of an analytic tumour, of
one by the solver, or of a patient. Each writes FOLDER/bayesian_NAME.json (FOLDER: GLIOFIT_BENCHMARKS or
results/benchmarks).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
from analytic_tumour import wave_posterior
from cases import FOLDER
from phantom import ball, phantom
from scipy.stats import multivariate_t

from gliofit import Problem, Theta, Tissue, invert, simulate
from gliofit.base import grids
from gliofit.base.files import write_text
from gliofit.inversion.patient_problem import patient_problem
from gliofit.inversion.posterior.emulated import Emulated
from gliofit.inversion.posterior.imaging import Imaging
from gliofit.inversion.posterior.label_power import worth_of_labels
from gliofit.inversion.posterior.points import Points
from gliofit.inversion.posterior.proposals import Newton, Walk
from gliofit.inversion.posterior.start import BegunNear, climbed
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.tmcmc import Settings, sample
from gliofit.inversion.posterior.weighed import weighed as draws
from gliofit.observation.joint import JointTarget
from gliofit.observation.observation import Observation
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget
from gliofit.patients.prepared import load_prepared

PAPER_CORE_HOURS = 40_000 * 15 * 8 / 3600
"""40,000 runs of 15 s on 8 cores (Ezhov 2021, Sec. III-B5)."""


def patient(folder: Path, spacing: float) -> tuple[Tissue, Observation]:
    """A patient on a working grid: outlines, and a PET if there is one."""

    def read(name: str) -> np.ndarray:
        return np.asarray(nib.load(folder / f"{name}.nii.gz").dataobj, np.float32)

    if (folder / "prepared.json").is_file():
        problem = patient_problem(load_prepared(folder), spacing)
        return problem.tissue, problem.target
    affine = nib.load(folder / "WM.nii.gz").affine
    wm = read("WM").clip(0, 1)
    gm = np.minimum(read("GM"), 1 - wm).clip(0, 1)
    tissue = Tissue(wm, gm, np.zeros_like(wm), affine).working_grid(spacing)
    core = (read("tumT1c") > 0).astype(np.float32)
    whole = np.maximum(core, (read("tumFLAIR") > 0).astype(np.float32))
    uptake = read("tumPET")
    maps = (grids.resample(a, affine, tissue.shape, tissue.affine) for a in (core, whole, uptake / uptake.max()))
    core, whole, uptake = maps
    return tissue, JointTarget((SegmentationTarget(core, whole), PETTarget(uptake, whole)), (1.0, 1.0))


def drawn_patient(tissue: Tissue, theta: Theta, rng: np.random.Generator, imaging: dict[str, float]) -> JointTarget:
    """A scan drawn from the likelihood, of the density of θ."""
    return scan(simulate(tissue, theta, threads=1), rng, imaging)


def scan(c: np.ndarray, rng: np.random.Generator, imaging: dict[str, float]) -> JointTarget:
    """Outlines and PET of a density [x, y, z], drawn from the likelihood."""
    outlines = []
    for name in ("threshold_core", "threshold_whole"):
        away = (c - imaging[name]) / imaging["sigma_alpha"]
        alpha = 0.5 + 0.5 * np.sign(away) * (1 - np.exp(-(away**2)))
        outlines.append((rng.random(c.shape) < alpha).astype(np.float32))
    mean = imaging["pet_background"] + c / imaging["pet_scale"]
    uptake = mean + imaging["sigma"] * rng.normal(size=c.shape)
    region = (c > 0.1).astype(np.float32)
    return JointTarget((SegmentationTarget(*outlines), PETTarget(uptake.astype(np.float32), region)), (1.0, 1.0))


IMAGING = {
    "threshold_core": 0.7,
    "threshold_whole": 0.25,
    "pet_scale": 0.9,
    "pet_background": 0.15,
    "sigma_alpha": 0.07,
    "sigma": 0.1,
}


def compare(options: argparse.Namespace) -> dict:
    """Both samplers on one problem: moments, evidence, runs, CPU seconds."""
    if options.patient:
        tissue, target = patient(Path(options.patient), options.spacing)
    else:
        tissue = phantom(options.spacing)
        target = drawn_patient(tissue, Theta((6.0, 20.0, 4.0), 7.0, 2.6), np.random.default_rng(1), IMAGING)
    out: dict = {"spacing": options.spacing, "shape": tissue.shape}
    kinds = {"tmcmc": {"samples": options.samples}, "tmcmc_manifold": {"samples": options.manifold}}
    for name, settings in kinds.items():
        if settings["samples"]:
            begun = time.process_time()
            given = {"threads": options.threads, "seed": options.seed, "predictive": 0, "final": options.final}
            given |= {"chain": options.chain} if name == "tmcmc" else {"rounds": options.rounds}
            given |= {"finer": 2 if options.patient else 0}
            fit = invert(target, tissue, name, **given, **settings)
            samples = fit.posterior
            out[name] = {
                **settings,
                "cpu_seconds": time.process_time() - begun,
                "runs": fit.evaluations,
                "coarser_runs": fit.details["coarser_runs"],
                "label_power": fit.details["label_power"],
                "stages": samples.stages,
                "effective": samples.effective.tolist(),
                "log_evidence": [samples.log_evidence, samples.log_evidence_error],
                **{key: samples.summary()[key] for key in ("parameters", "names")},
            }
            print(json.dumps(out[name]), flush=True)
    out["paper_core_hours"] = PAPER_CORE_HOURS
    return out


def parts(options: argparse.Namespace) -> dict:
    """Processor ms of one likelihood at the mode: the solver, the voxels; and on a grid of twice the spacing."""
    tissue, target = patient(Path(options.patient), options.spacing)
    problem = Problem(tissue, target, threads=1)
    fine = Posterior(problem)
    fit = invert(target, tissue, "gauss_newton", uncertainty=False)
    mode = climbed(fine, fine.near(np.array([*fit.parameters.values(), *fit.extras.values()]))).unit
    out: dict = {"values": fine.likelihood.voxels}
    for name, posterior in {"fine": fine, "coarse": fine.coarser(2)}.items():
        values = fine.parameters(mode)
        (c,) = posterior.forward.densities(values[:, : problem.model.size], lambda _, c: c)
        own = dict(zip(fine.names[problem.model.size :], values[0, problem.model.size :], strict=True))
        steps = {
            "likelihood": partial(posterior.evaluate, mode),
            "density": partial(posterior.forward.densities, values[:, : problem.model.size], lambda _, c: None),
            "voxels": partial(posterior.likelihood.value, c, own),
        }
        out[name] = {"shape": c.shape} | {step: round(_milliseconds(call), 2) for step, call in steps.items()}
        print(name, out[name], flush=True)
    return out


def _milliseconds(call: Callable, number: int = 15) -> float:
    """Processor time of a call, the median of some."""
    taken = []
    for _ in range(number):
        begun = time.process_time()
        call()
        taken.append(1e3 * (time.process_time() - begun))
    return float(np.median(taken))


def judged(options: argparse.Namespace) -> tuple[Posterior, Points | None]:
    """What the judge samples, and the mode that the samplers begin about; without one they begin with the prior."""
    if options.on == "wave":
        return wave_posterior(ball(), np.array([6.0, 21.0, 4.0, 7.0, 2.4]), 0.03), None
    if options.on == "patient":
        tissue, target = patient(Path(options.patient), options.spacing)
    else:
        tissue = phantom(options.spacing)
        target = drawn_patient(tissue, Theta((6.0, 20.0, 4.0), 7.0, 2.6), np.random.default_rng(1), IMAGING)
    problem = Problem(tissue, target, threads=options.threads)
    fit = invert(target, tissue, "gauss_newton", uncertainty=False)
    plain = Posterior(problem)
    mode = climbed(plain, plain.near(np.array([*fit.parameters.values(), *fit.extras.values()])))
    posterior = Posterior(problem, label_power=worth_of_labels(plain, mode).power)
    return posterior, climbed(posterior, mode.unit[0])


def judge(options: argparse.Namespace) -> dict:
    """Both samplers, importance sampling about them, and dynesty, on a problem with eleven unknowns."""
    posterior, mode = judged(options)
    begun = posterior if mode is None else BegunNear(posterior, mode)
    first, walk = (16, Walk(0.04, 0.8, 0.6)) if mode is None else (2, Emulated(Walk(0.04, 0.8, 0.6), options.chain))
    out: dict = {"names": posterior.names}

    def note(name: str, runs: int, evidence: list[float], mean: np.ndarray, deviation: np.ndarray) -> None:
        found = {"runs": runs, "log_evidence": evidence, "mean": mean.tolist(), "sd": deviation.tolist()}
        out[name] = found
        print(name, json.dumps(found), flush=True)

    if mode is not None and options.weighed:
        found = draws(posterior, mode, Settings(options.weighed, seed=options.seed), 12)
        assert found is not None, "weights did not become even"
        values = posterior.parameters(found.unit)
        note("weighed", found.runs, [found.log_evidence, found.log_evidence_error], values.mean(0), values.std(0))
    for name, proposal, number, final in (
        ("tmcmc", walk, options.samples, 1),
        ("tmcmc_manifold", Newton(0.6), options.manifold, 2),
    ):
        if not number:
            continue
        found = sample(begun, proposal, Settings(number, first=first, final=final, moves=20, seed=options.seed))
        values = posterior.parameters(found.unit)
        evidence = [found.log_evidence, found.log_evidence_error, *found.evidence_by_stages]
        note(name, found.runs, evidence, values.mean(0), values.std(0))
        note(f"importance about {name}", *weighed(posterior, found.unit, options.draws, options.seed))
    if options.live:
        note("dynesty", *nested(posterior, mode if options.integrated else None, options))
    return out


def nested(
    posterior: Posterior, mode: Points | None, options: argparse.Namespace
) -> tuple[int, list[float], np.ndarray, np.ndarray]:
    """
    Likelihoods, log-evidence and its error, means and deviations by dynesty.

    With a mode, of the growth model's unknowns alone, the imaging's integrated out (`posterior.imaging`,
    with the same random numbers everywhere); means and deviations are then of all values at the mode's imaging.
    """
    import dynesty

    rng = np.random.default_rng(options.seed)
    supported = np.mean([posterior.supported(rng.random((20_000, posterior.size))).mean() for _ in range(5)])
    imaging = None if mode is None else Imaging(posterior, mode)
    size = posterior.size if imaging is None else imaging.growth.size

    def whole(unit: np.ndarray) -> np.ndarray:
        if imaging is None:
            return unit
        full = np.tile(mode.unit[0], (len(unit), 1))
        full[:, imaging.growth] = unit
        return full

    def likelihood(unit: np.ndarray) -> float:
        full = whole(unit[None])
        if not posterior.supported(full)[0]:
            return -np.inf
        if imaging is None:
            return float(posterior.evaluate(full).log_likelihood[0])
        values = posterior.parameters(full)[:, : posterior.problem.model.size]
        (mass,) = posterior.forward.densities(
            values, lambda _, c: imaging.given(c, np.random.default_rng(0), 1).log_mass
        )
        return mass

    live = {"nlive": options.live, "sample": "rwalk", "walks": options.walks, "bound": "multi", "rstate": rng}
    sampler = dynesty.NestedSampler(likelihood, lambda unit: unit, size, **live)
    sampler.run_nested(dlogz=0.1, print_progress=False)
    found = sampler.results
    weights = np.exp(found.logwt - found.logz[-1])
    weights /= weights.sum()
    values = posterior.parameters(whole(found.samples))
    mean = weights @ values
    evidence = [float(found.logz[-1] - np.log(supported)), float(found.logzerr[-1])]
    return int(np.sum(found.ncall)), evidence, mean, np.sqrt(weights @ (values - mean) ** 2)


def weighed(
    posterior: Posterior, unit: np.ndarray, number: int, seed: int
) -> tuple[int, list[float], np.ndarray, np.ndarray]:
    """
    Likelihoods, log-evidence and its error, means and deviations by importance sampling.

    Drawn from Student's t (6 degrees of freedom) about samples, with half as much again of their covariance: where
    those were wrong, weights would show it.
    """
    rng = np.random.default_rng(seed)
    centre, spread = unit.mean(0), 1.5 * np.cov(unit.T)
    proposal = multivariate_t(centre, spread, 6, seed=rng)
    drawn = proposal.rvs(number)
    inside = posterior.supported(drawn)
    logs = np.full(number, -np.inf)
    logs[inside] = posterior.evaluate(drawn[inside]).log_likelihood - proposal.logpdf(drawn[inside])
    weights = np.exp(logs - logs.max())
    share = posterior.supported(rng.random((100_000, posterior.size))).mean()
    evidence = float(logs.max() + np.log(weights.mean()) - np.log(share))
    error = float(weights.std() / weights.mean() / np.sqrt(number))
    weights /= weights.sum()
    values = posterior.parameters(drawn)
    mean = weights @ values
    return int(inside.sum()), [evidence, error], mean, np.sqrt(weights @ (values - mean) ** 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("study", choices=("compare", "parts", "judge"))
    parser.add_argument("--spacing", type=float, default=4.0)
    parser.add_argument("--samples", type=int, default=2048, help="of each stage of tmcmc; 0: leave it out")
    parser.add_argument("--manifold", type=int, default=128, help="of each stage of tmcmc_manifold; 0: leave it out")
    parser.add_argument("--rounds", type=int, default=12, help="of importance sampling of tmcmc_manifold, at most")
    parser.add_argument("--final", type=int, default=1, help="stages after the first at the full power")
    parser.add_argument("--chain", type=int, default=30, help="of an emulator, of tmcmc; 0: points walk without one")
    parser.add_argument("--patient", default="", help="folder of GliomaSolver's example, or results/PATIENT/prepared")
    parser.add_argument("--on", choices=("wave", "solver", "patient"), default="wave", help="what the judge samples")
    parser.add_argument("--live", type=int, default=120, help="of dynesty; 0: leave it out")
    parser.add_argument("--draws", type=int, default=1500, help="of the importance sampler that weighs the samples")
    parser.add_argument("--walks", type=int, default=40, help="steps to a new point of dynesty")
    parser.add_argument("--weighed", type=int, default=0, help="effective draws of the judge's `weighed`; 0: none")
    parser.add_argument("--integrated", action="store_true", help="dynesty: the growth model's unknowns alone")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = {"compare": compare, "parts": parts, "judge": judge}[options.study](options)
    write_text(FOLDER / f"bayesian_{options.study}.json", json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
