"""
Coverage: how often intervals of 50 % and 90 % hold the truth, of tumours and scans drawn from prior and likelihood.

    python benchmarks/bayesian_coverage.py sampler [--cases 200] [--samples 256] [--emulated]
    python benchmarks/bayesian_coverage.py bent [--cases 8] [--samples 200]
    python benchmarks/bayesian_coverage.py repeated [--cases 2] [--samples 96] [--repeats 20]
    python benchmarks/bayesian_coverage.py wave [--cases 60] [--samples 128]
    python benchmarks/bayesian_coverage.py solver [--cases 50] [--samples 96] [--spacing 4] [--finer 2 [--sampled]]
        [--corrected 2]

`sampler` needs no tumour: a linear problem of eleven unknowns with normal noise and uniform priors. `bent` has standard
deviations of a density whose own are known, with an emulator and without. `repeated` runs such a problem many times and
compares the means' scatter with the errors that each run states. `wave` has analytic tumours (8 mm), `solver` those of
the numerical solver, fitted from end to end by `--method`, and by `gauss_newton` with its Laplace intervals.
`--finer N` grows the truth on the N-th part of the spacing; `--corrected` is its `finer`. Ends with a table; errors
are those between cases, as unknowns of one case go together. Writes FOLDER/coverage_STUDY.json (GLIOFIT_BENCHMARKS or
results/benchmarks).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from time import process_time

import numpy as np
from analytic_tumour import Wave
from cases import FOLDER
from phantom import ball, phantom
from scipy.stats import binomtest, norm

from gliofit import Problem, Theta, Tissue, invert, simulate
from gliofit.base import grids
from gliofit.base.files import write_text
from gliofit.inversion.finer import divided
from gliofit.inversion.posterior.emulated import Emulated
from gliofit.inversion.posterior.likelihood import Likelihood
from gliofit.inversion.posterior.points import Points
from gliofit.inversion.posterior.proposals import Walk
from gliofit.inversion.posterior.start import BegunNear, climbed
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.tmcmc import Settings, sample
from gliofit.synthetic.drawn_scan import IMAGING, draw_imaging, draw_scan

PRIOR = {
    "wave": IMAGING
    | {"mu_D": (5.0, 10.0), "mu_rho": (2.0, 3.0)}
    | {"pet_scale": (0.6, 1.02), "pet_background": (0.0, 0.5), "sigma": (0.05, 0.15)},
    "solver": IMAGING | {"mu_D": (4.0, 8.0), "mu_rho": (2.8, 3.8)},
}
"""Every tumour of these is seen: a study that leaves some out has another prior than its posterior."""

WALK = Walk(0.04, 0.8, 0.6)
EMULATED = Emulated(WALK, 30)
"""As by default."""


class Linear:
    """y = A·x + normal noise, with x uniform in the unit cube; some directions are told, some are not."""

    size = 11

    def __init__(self, rng: np.random.Generator):
        turn, _ = np.linalg.qr(rng.normal(size=(self.size, self.size)))
        self.matrix = turn @ np.diag(np.exp(rng.uniform(np.log(0.5), np.log(100), self.size))) @ turn.T
        self.truth = rng.random(self.size)
        self.seen = self.matrix @ self.truth + rng.normal(size=self.size)

    def draw(self, rng, number):
        return rng.random((number, self.size))

    def supported(self, unit):
        return np.all((unit >= 0) & (unit <= 1), axis=1)

    def evaluate(self, unit, linearised=False):
        return Points(unit.copy(), -0.5 * ((self.seen - unit @ self.matrix.T) ** 2).sum(1))


Ranks = dict[str, tuple[tuple[str, ...], np.ndarray]]
"""By kind of interval: names, and the share of the posterior below the truth of each."""


def sampler(options: argparse.Namespace) -> Iterator[Ranks]:
    for case in range(options.cases):
        problem = Linear(np.random.default_rng([options.seed, case]))
        steps = EMULATED if options.emulated else WALK
        found = sample(problem, steps, Settings(options.samples, first=8, final=1, moves=20, seed=case))
        yield {"samples": (tuple(f"x{i}" for i in range(problem.size)), (found.unit < problem.truth).mean(0))}


class Bent:
    """A normal density of three unknowns, bent along a parabola: no quadratic tells its logarithm."""

    size = 3
    deviation = np.array([0.02, 0.1, 0.03])
    known = np.hypot(deviation, [4 * np.sqrt(2) * deviation[1] ** 2, 0, 0])
    draw, supported = Linear.draw, Linear.supported

    def evaluate(self, unit, linearised=False):
        away = unit - 0.5
        away[:, 0] -= 4 * (away[:, 1] ** 2 - self.deviation[1] ** 2)
        return Points(unit.copy(), norm(0, self.deviation).logpdf(away).sum(1))


def bent(options: argparse.Namespace) -> None:
    """Standard deviations that are found, over the right ones; and runs of the likelihood."""
    for name, steps in {"walk": WALK, "emulated": EMULATED}.items():
        each = [Settings(options.samples, final=1, moves=20, seed=seed) for seed in range(options.cases)]
        runs = [sample(Bent(), steps, settings) for settings in each]
        ratios = np.array([run.unit.std(0) for run in runs]) / Bent.known
        error = ratios.std(0) / np.sqrt(len(ratios))
        print(name, ratios.mean(0).round(3), "±", error.round(3), int(np.mean([r.runs for r in runs])), flush=True)


def repeated(options: argparse.Namespace) -> None:
    """Independent points that the means of many runs are worth, about those of a long one, and what runs say."""
    for case in range(options.cases):
        problem = Linear(np.random.default_rng([options.seed, case]))
        long = sample(problem, WALK, Settings(2000, first=8, final=2, moves=20, seed=99))
        each = [Settings(options.samples, first=8, final=1, moves=20, seed=seed) for seed in range(options.repeats)]
        runs = [sample(problem, WALK, settings) for settings in each]
        off = np.array([run.unit.mean(0) for run in runs]) - long.unit.mean(0)
        worth = long.unit.var(0) / (off**2).mean(0)
        stated = np.array([run.effective(run.unit) for run in runs])
        told = [float(np.exp(np.log(a).mean())) for a in (worth, stated)]
        print(f"{len(runs[0].unit)} points: worth {told[0]:.0f}, stated {told[1]:.0f}", flush=True)


def wave(options: argparse.Namespace) -> Iterator[Ranks]:
    tissue = ball().working_grid(8.0)
    grown = Wave(Problem(tissue, np.full(tissue.shape, 0.3, np.float32)))
    for case in range(options.cases):
        rng = np.random.default_rng([options.seed, case])
        theta, imaging = drawn(tissue, rng, PRIOR["wave"])
        c = grown.density(theta.to_array())
        problem = Problem(tissue, draw_scan(c, tissue, imaging, rng))
        posterior = Posterior(problem, ranges=PRIOR["wave"])
        posterior.forward = Wave(problem)
        posterior.likelihood = Likelihood(tissue, problem.target, posterior._centre, posterior.radius)
        truth = np.array([*theta.to_array(), *(imaging[name] for name in posterior.names[5:])])
        begun = BegunNear(posterior, climbed(posterior, posterior.near(truth[:9])))
        found = sample(begun, WALK, Settings(options.samples, first=2, final=1, moves=20, seed=case))
        yield {"samples": (posterior.names, (posterior.parameters(found.unit) < truth).mean(0))}


def solver(options: argparse.Namespace) -> Iterator[Ranks]:
    tissue = phantom(options.spacing)
    fine = tissue
    if options.finer > 1:
        fine = phantom(options.spacing / options.finer) if options.sampled else divided(tissue, times=options.finer)
    for case in range(options.cases):
        rng = np.random.default_rng([options.seed, case])
        theta, imaging = drawn(tissue, rng, PRIOR["solver"])
        c = grids.resample(simulate(fine, theta, threads=1), fine.affine, tissue.shape, tissue.affine)
        target = draw_scan(c, tissue, imaging, rng)
        given = {"samples": options.samples, "ranges": PRIOR["solver"], "predictive": 0, "seed": case}
        given["finer"] = options.corrected
        begun = process_time()
        fit = invert(target, tissue, options.method, **given)
        truth = np.array([*theta.to_array(), *(imaging[name] for name in fit.names[5:])])
        ranks = {"samples": (tuple(fit.names), (fit.posterior.values < truth).mean(0))}
        say = [fit.evaluations, process_time() - begun, fit.details["label_power"], fit.posterior.effective.min()]
        print("runs {}, {:.0f} CPU s, label power {:.2f}, effective {:.0f}".format(*say), flush=True)
        laplace = invert(target, tissue, "gauss_newton")
        values = np.array([*laplace.parameters.values(), *laplace.extras.values()])
        z = (truth[: len(values)] - values) / np.array(list(laplace.deviations().values()))
        yield ranks | {"laplace": (tuple(laplace.names), norm.cdf(z))}


def drawn(tissue: Tissue, rng: np.random.Generator, ranges: dict) -> tuple[Theta, dict[str, float]]:
    """A tumour of the prior and its imaging."""
    while True:
        origin = rng.uniform(-30, 30, 3)
        voxel = tissue.to_voxel(origin).round().astype(int)
        if np.all((voxel >= 0) & (voxel < tissue.shape)) and tissue.mask[tuple(voxel)]:
            growth = [float(np.exp(rng.uniform(*np.log(ranges[name])))) for name in ("mu_D", "mu_rho")]
            return Theta(tuple(origin), *growth), draw_imaging(rng, {name: ranges[name] for name in IMAGING})


def table(ranks: list[Ranks]) -> str:
    """Markdown: share of truths in intervals of 50 % and 90 %, with binomial 95 % intervals for each unknown."""
    lines = ["| intervals | unknown | N | 50 % hold | 90 % hold | mean rank |", "|---|---|---|---|---|---|"]
    for kind in ranks[0]:
        names, every = ranks[0][kind][0], np.array([r[kind][1] for r in ranks])
        held = {share: np.abs(every - 0.5) <= share / 2 for share in (0.5, 0.9)}
        cells = []
        for inside in held.values():
            of_case = inside.mean(1)
            cells.append(f"{inside.mean():.3f} ± {of_case.std() / np.sqrt(len(of_case)):.3f}")
        lines.append(f"| {kind} | all | {every.size} | {' | '.join(cells)} | {every.mean():.2f} |")
        for i, name in enumerate(names):
            cells = []
            for inside in held.values():
                found = binomtest(int(inside[:, i].sum()), len(inside)).proportion_ci(0.95)
                cells.append(f"{inside[:, i].mean():.2f} ({found.low:.2f}–{found.high:.2f})")
            lines.append(f"| {kind} | {name} | {len(every)} | {' | '.join(cells)} | {every[:, i].mean():.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=("sampler", "bent", "repeated", "wave", "solver"))
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--spacing", type=float, default=4.0)
    parser.add_argument("--finer", type=int, default=1, help="times that the truth's grid is finer")
    parser.add_argument("--sampled", action="store_true", help="with a head sampled there, not interpolated")
    parser.add_argument("--method", choices=("tmcmc", "tmcmc_manifold"), default="tmcmc", help="of solver")
    parser.add_argument("--corrected", type=int, default=0, help="rounds of `tmcmc`'s `finer`")
    parser.add_argument("--emulated", action="store_true", help="of sampler: with an emulator")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    if options.study in ("bent", "repeated"):
        return {"bent": bent, "repeated": repeated}[options.study](options)
    ranks = []
    for found in {"sampler": sampler, "wave": wave, "solver": solver}[options.study](options):
        ranks.append(found)
        plain = [{kind: [list(names), r.tolist()] for kind, (names, r) in case.items()} for case in ranks]
        write_text(FOLDER / f"coverage_{options.study}{'_finer' * options.finer}.json", json.dumps(plain))
        if len(ranks) % 8 == 0:
            print(len(ranks), *(line for line in table(ranks).splitlines() if "| all |" in line), flush=True)
    print(table(ranks))


if __name__ == "__main__":
    main()
