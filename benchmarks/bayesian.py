"""
Bayesian calibration: what a posterior costs, whether two samplers agree, and whether its intervals hold the truth.

    python benchmarks/bayesian.py compare [--spacing 2] [--samples 2048] [--manifold 128] [--patient FOLDER]
    python benchmarks/bayesian.py calibration [--spacing 4] [--cases 50]
    python benchmarks/bayesian.py judge [--samples 128] [--manifold 64] [--live 120]

`compare` runs both samplers on a patient (`FOLDER`: one with WM, GM, tumT1c, tumFLAIR and tumPET as GliomaSolver's
example has them) or, without one, on a simulated tumour. `calibration` draws tumours and scans from prior and
likelihood. `judge` has both samplers and dynesty sample an analytic tumour's outlines and PET. Each writes
FOLDER/bayesian_NAME.json (FOLDER: GLIOFIT_BENCHMARKS or results/benchmarks).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import nibabel as nib
import numpy as np
from analytic_tumour import wave_posterior
from cases import FOLDER
from phantom import ball, phantom

from gliofit import Problem, Theta, Tissue, invert, simulate
from gliofit.base import grids
from gliofit.base.files import write_text
from gliofit.inversion.posterior.laplace import covariance
from gliofit.inversion.posterior.proposals import Newton, Walk
from gliofit.inversion.posterior.tmcmc import Settings, sample
from gliofit.inversion.solver_foci import settled
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.observation.segmentation import SegmentationTarget

PAPER_CORE_HOURS = 40_000 * 15 * 8 / 3600
"""40,000 runs of 15 s on 8 cores (Ezhov 2021, Sec. III-B5)."""


def patient(folder: Path, spacing: float) -> tuple[Tissue, JointTarget]:
    """GliomaSolver's example on a working grid: outlines and PET."""

    def read(name: str) -> np.ndarray:
        return np.asarray(nib.load(folder / f"{name}.nii.gz").dataobj, np.float32)

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
            fit = invert(target, tissue, name, threads=options.threads, predictive=0, **settings)
            samples = fit.posterior
            out[name] = {
                **settings,
                "cpu_seconds": time.process_time() - begun,
                "runs": fit.evaluations,
                "stages": len(samples.stages) - 1,
                "log_evidence": [samples.log_evidence, samples.log_evidence_error],
                "accepted": [round(stage["accepted"], 2) for stage in samples.stages],
                **{key: samples.summary()[key] for key in ("parameters", "names")},
            }
            print(json.dumps(out[name]), flush=True)
    out["paper_core_hours"] = PAPER_CORE_HOURS
    return out


def judge(options: argparse.Namespace) -> dict:
    """Both samplers and dynesty, which shares no code with them, on an analytic tumour with eleven unknowns."""
    import dynesty

    posterior = wave_posterior(ball(), np.array([6.0, 21.0, 4.0, 7.0, 2.4]), 0.03)
    out: dict = {"names": posterior.names}

    def note(name: str, runs: int, evidence: list[float], mean: np.ndarray, deviation: np.ndarray) -> None:
        found = {"runs": runs, "log_evidence": evidence, "mean": mean.tolist(), "sd": deviation.tolist()}
        out[name] = found
        print(name, json.dumps(found), flush=True)

    for name, proposal, settings in (
        ("tmcmc", Walk(0.04, 0.8, 0.6), Settings(options.samples, first=16, final=1, seed=options.seed)),
        ("tmcmc_manifold", Newton(0.6), Settings(options.manifold, first=16, final=2, seed=options.seed)),
    ):
        found = sample(posterior, proposal, settings)
        values = posterior.parameters(found.unit)
        evidence = [found.log_evidence, found.log_evidence_error, *found.evidence_by_stages]
        note(name, found.runs, evidence, values.mean(0), values.std(0))

    rng = np.random.default_rng(options.seed)
    supported = np.mean([posterior.supported(rng.random((20_000, posterior.size))).mean() for _ in range(5)])

    def likelihood(unit: np.ndarray) -> float:
        legal = posterior.supported(unit[None])[0]
        return float(posterior.evaluate(unit[None]).log_likelihood[0]) if legal else -np.inf

    live = {"nlive": options.live, "sample": "rwalk", "walks": 40, "bound": "multi", "rstate": rng}
    sampler = dynesty.NestedSampler(likelihood, lambda unit: unit, posterior.size, **live)
    sampler.run_nested(dlogz=0.1, print_progress=False)
    found = sampler.results
    weights = np.exp(found.logwt - found.logz[-1])
    weights /= weights.sum()
    values = posterior.parameters(found.samples)
    mean = weights @ values
    evidence = [float(found.logz[-1] - np.log(supported)), float(found.logzerr[-1])]
    note("dynesty", int(np.sum(found.ncall)), evidence, mean, np.sqrt(weights @ (values - mean) ** 2))
    return out


def calibration(options: argparse.Namespace) -> dict:
    """Coverage of 50 % and 90 % intervals, by samples and by Laplace, of tumours and scans drawn from the prior."""
    tissue = phantom(options.spacing)
    names = ("x", "y", "z", "mu_D", "mu_rho", "threshold_core", "threshold_whole", "pet_scale", "pet_background")
    ranges = {"mu_D": (3.0, 15.0), "mu_rho": (1.5, 3.5), "sigma_alpha": (0.05, 0.2), "sigma": (0.05, 0.2)}
    noise = {n: ranges[n] for n in ("sigma_alpha", "sigma")}
    logarithmic = {"threshold_core": (0.5, 0.85), "threshold_whole": (0.05, 0.5), "pet_scale": (0.5, 1.02), **noise}
    out: dict = {"cases": 0, "names": names, "inside": {}, "z": []}
    counts = {kind: {share: np.zeros(len(names)) for share in (0.5, 0.9)} for kind in ("samples", "laplace")}
    rng = np.random.default_rng(options.seed)
    while out["cases"] < options.cases:
        theta = Theta((*rng.uniform(-20, 20, 3),), *np.exp(rng.uniform(*np.log([ranges["mu_D"], ranges["mu_rho"]]).T)))
        imaging = {
            "pet_background": rng.uniform(0.0, 0.5),
            **{n: float(np.exp(rng.uniform(*np.log(limits)))) for n, limits in logarithmic.items()},
        }
        if not tissue.mask[tuple(np.round(tissue.to_voxel(np.array(theta.origin))).astype(int))]:
            continue
        c = simulate(tissue, theta, threads=1)
        if not 5 < (c > 0.25).sum() * options.spacing**3 / 1000 < 250 or c.max() < 0.9:
            continue
        target = scan(c, rng, imaging)
        fit = invert(
            target, tissue, "tmcmc_manifold", samples=options.manifold, predictive=0, ranges=ranges, seed=out["cases"]
        )
        truth = np.array([*theta.to_array(), *(imaging[n] for n in names[5:])])
        columns = fit.posterior.values[:, : len(names)]
        rank = (columns < truth).mean(0)
        problem = Problem(tissue, target)
        end = settled(problem, np.array([*fit.parameters.values(), *list(fit.extras.values())[:4]]))
        spread = np.sqrt(np.diag(covariance(problem, end.parameters)[0]))
        z = (end.parameters - truth) / spread
        for share, quantile in ((0.5, 0.6745), (0.9, 1.6449)):
            counts["samples"][share] += np.abs(rank - 0.5) <= share / 2
            counts["laplace"][share] += np.abs(z) <= quantile
        out["cases"] += 1
        out["z"].append({"laplace": z.tolist(), "rank": rank.tolist()})
        out["inside"] = {k: {str(s): (a / out["cases"]).tolist() for s, a in v.items()} for k, v in counts.items()}
        write_text(FOLDER / "bayesian_calibration.json", json.dumps(out, indent=1))
        print(out["cases"], out["inside"], flush=True)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("study", choices=("compare", "calibration", "judge"))
    parser.add_argument("--spacing", type=float, default=4.0)
    parser.add_argument("--samples", type=int, default=2048, help="of each stage of tmcmc; 0: leave it out")
    parser.add_argument("--manifold", type=int, default=128, help="of each stage of tmcmc_manifold; 0: leave it out")
    parser.add_argument("--patient", default="", help="folder of GliomaSolver's example")
    parser.add_argument("--live", type=int, default=120, help="of dynesty")
    parser.add_argument("--cases", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = {"compare": compare, "calibration": calibration, "judge": judge}[options.study](options)
    write_text(FOLDER / f"bayesian_{options.study}.json", json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
