"""
Bayesian calibration by transitional Markov chain Monte Carlo (Ezhov 2021), on the solver itself or on a surrogate.

Both methods sample the same posterior (`gliofit.inversion.posterior`). They differ in how its points move: by a random
walk, as in the paper, or along gradient and Gauss–Newton Hessian, which takes far fewer points.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from gliofit.base.versions import source
from gliofit.inversion.checks import PositiveShare, Share
from gliofit.inversion.fit import Fit
from gliofit.inversion.legal import clock
from gliofit.inversion.methods.gauss_newton import gauss_newton
from gliofit.inversion.posterior.doubts import against_ends, few
from gliofit.inversion.posterior.label_power import Worth, labels_of
from gliofit.inversion.posterior.levels import sampled
from gliofit.inversion.posterior.mode import COARSE_MM, found_mode
from gliofit.inversion.posterior.points import Points
from gliofit.inversion.posterior.predictive import predict
from gliofit.inversion.posterior.proposals import Newton, Proposal, Walk
from gliofit.inversion.posterior.target import Posterior
from gliofit.inversion.posterior.tmcmc import Settings
from gliofit.inversion.posterior.weighed import weighed
from gliofit.inversion.problem import Problem
from gliofit.inversion.registry import method
from gliofit.inversion.samples import Samples


@method("tmcmc", "TMCMC (Bayesian)", foci=("given",), posterior=True)
def tmcmc(
    problem: Problem,
    *,
    samples: Annotated[int, Field(ge=2)] = 256,
    begin: Literal["mode", "prior"] = "mode",
    first: PositiveInt = 2,
    variation: PositiveFloat = 1.0,
    beta2: PositiveFloat = 0.04,
    wide: Share = 0.8,
    anew: Share = 0.6,
    moves: PositiveInt = 20,
    correlation: PositiveShare = 0.3,
    final: NonNegativeInt = 1,
    chain: NonNegativeInt = 30,
    parameters: Literal["unified", "paper"] = "unified",
    prior: Literal["log_uniform", "uniform"] = "log_uniform",
    ranges: dict[str, Any] | None = None,
    forward: Literal["solver", "surrogate"] = "solver",
    coarse_mm: float = 4.0,
    outline_mm: PositiveFloat = 2.0,
    stride_mm: PositiveFloat = 6.0,
    label_power: Share = 0.0,
    finer: NonNegativeInt = 2,
    predictive: NonNegativeInt = 200,
    checkpoint: str = "",
) -> Fit:
    """
    Samples of the posterior by TMCMC with the paper's random walk.

    Parameters
    ----------
    problem : Problem
    samples : int
        Points of each stage (paper: 2048).
    begin : {"mode", "prior"}
        Where the stages begin: wide about the mode that `gauss_newton` leads to, or with the prior (the paper).
    first : int
        Points of the first stage, in multiples of `samples` (paper: 1; from the prior 8 or more find most modes).
    variation : float
        Coefficient of variation of the weights that a stage goes up to.
    beta2 : float
        The walk's covariance, of the population's.
    wide : float
        Share of wide steps in the walk (paper: 0); see `proposals.Walk`.
    anew : float
        Share of draws anew among all steps (paper: 0).
    moves : int
        Steps of each point in each stage, at most (paper: 1).
    correlation : float
        With the stage's start, that ends it before.
    final : int
        Further stages at the end, once the likelihood climbs no more; each adds `samples` points.
    chain : int
        Steps of a chain on an emulator of the likelihood that make one step of a point
        (`gliofit.inversion.posterior.emulated`); 0: each step takes a run (the paper).
    parameters : {"unified", "paper"}
        Sampled are the growth model's values, the observation's extras and σ_α, σ; or the paper's eleven.
    prior : {"log_uniform", "uniform"}
    ranges : dict, optional
        Ranges of the prior by name, where not the model's own.
    forward : {"solver", "surrogate"}
        What computes densities; the latter needs weights of role "surrogate".
    coarse_mm : float
        On a finer grid than this the solver first samples the posterior on one of about this spacing, a multiple of the
        problem's; the stages of the problem's own begin there (`gliofit.inversion.posterior.refined`). 0: they do not.
    outline_mm : float
        Spacing at which voxels of an outline count as independent.
    stride_mm : float
        … and at which those of a PET or a density are taken.
    label_power : float
        Power of the outlines' likelihood, in (0, 1]; 1: every label is independent (the paper). 0: measured at the
        mode from how labels err together.
    finer : int
        Rounds in which the mode is found anew with what the solver on half the spacing adds to densities there
        (`gliofit.inversion.finer`). 0: densities are those of the problem's own grid, as for data that were made on it.
    predictive : int
        Samples whose densities make the maps; 0: none.
    checkpoint : str
        Path of a file that a killed run goes on from; none if empty.

    Returns
    -------
    Fit
        At the posterior's mean, with its covariance; all samples in `posterior`.
    """
    settings = Settings(samples, variation, moves, correlation, final, first, problem.seed)
    about: dict[str, Any] = {"parameters": parameters, "prior": prior, "ranges": ranges, "forward": forward}
    about |= {"outline_mm": outline_mm, "stride_mm": stride_mm}
    times = round(coarse_mm / float(problem.tissue.spacing.min())) if forward == "solver" else 1
    walk = Walk(beta2, wide, anew)
    return _fit(problem, about, label_power, begin, walk, settings, predictive, checkpoint, finer, chain, times)


@method("tmcmc_manifold", "Manifold TMCMC (Bayesian)", foci=("given",), posterior=True)
def tmcmc_manifold(
    problem: Problem,
    *,
    samples: Annotated[int, Field(ge=2)] = 192,
    rounds: NonNegativeInt = 12,
    begin: Literal["mode", "prior"] = "mode",
    first: PositiveInt = 2,
    variation: PositiveFloat = 1.0,
    step: PositiveShare = 0.6,
    moves: PositiveInt = 20,
    correlation: PositiveShare = 0.3,
    final: NonNegativeInt = 2,
    parameters: Literal["unified", "paper"] = "unified",
    prior: Literal["log_uniform", "uniform"] = "log_uniform",
    ranges: dict[str, Any] | None = None,
    forward: Literal["solver", "surrogate"] = "solver",
    outline_mm: PositiveFloat = 2.0,
    stride_mm: PositiveFloat = 6.0,
    label_power: Share = 0.0,
    finer: NonNegativeInt = 2,
    predictive: NonNegativeInt = 200,
    checkpoint: str = "",
) -> Fit:
    """
    Samples of the same posterior, by gradient and Gauss–Newton Hessian.

    They are drawn by importance sampling about the mode, as the Hessian has it, with the imaging's unknowns integrated
    out (`gliofit.inversion.posterior.weighed`). Where that does not settle, or where stages begin with the prior,
    points of TMCMC move along gradient and Hessian.

    Settings as for `tmcmc`, but for:

    Parameters
    ----------
    samples : int
        Effective draws at least; or points of each stage.
    rounds : int
        Of importance sampling, at most; 0: stages alone.
    step : float
        Share of the way to the local approximation's mode that a point goes in a stage, in (0, 1].
    """
    settings = Settings(samples, variation, moves, correlation, final, first, problem.seed)
    about: dict[str, Any] = {"parameters": parameters, "prior": prior, "ranges": ranges, "forward": forward}
    about |= {"outline_mm": outline_mm, "stride_mm": stride_mm}
    return _fit(
        problem, about, label_power, begin, Newton(step), settings, predictive, checkpoint, finer, rounds=rounds
    )


def _fit(
    problem: Problem,
    about: dict[str, Any],
    label_power: float,
    begin: str,
    proposal: Proposal,
    settings: Settings,
    predictive: int,
    checkpoint: str,
    finer: int,
    chain: NonNegativeInt = 0,
    times: int = 1,
    rounds: NonNegativeInt = 0,
) -> Fit:
    """
    Sample, and sum up.

    `about` says what of, `chain` how long an emulator's are, `times` how much coarser the grid is that the stages begin
    on, `rounds` how many of importance sampling come before them.
    """
    started, before = clock(), problem.runs.number
    density, mode, worth = _begun(problem, about, label_power, begin, finer)
    problem = density.problem
    searched = problem.runs.number - before
    config = {**density.fingerprint(), "begin": begin, "source": source().sha256, "times": times, "finer": finer}
    found = None
    if rounds and mode is not None:
        path = f"{checkpoint}.rounds.npz" if checkpoint else ""
        found = weighed(density, mode, settings, rounds, path, config)
    how = "importance" if found is not None else "stages"
    if found is None:
        found = sampled(density, mode, proposal, settings, chain, times, checkpoint, config)
    parameters = density.parameters(found.unit)
    mean, best = parameters.mean(0), int(found.log_likelihood.argmax())
    on_tissue = problem.model.on_tissue(problem.tissue, mean[: problem.model.size])
    fitted = problem.model.size + len(problem.target.extra_names)
    fit = Fit.of(
        problem,
        np.concatenate([on_tissue, mean[problem.model.size : fitted]]),
        started,
        history=[stage["power"] for stage in found.stages],
        comparable=0,
        evaluations=found.runs + searched,
        converged=True,
        reason=(
            f"the likelihood's full power after {len(found.stages) - 1} stages"
            if how == "stages"
            else f"weights even enough after {found.stages[0]['rounds']} rounds"
        ),
        details={
            "most_likely": dict(zip(density.names, parameters[best].tolist(), strict=True)),
            "log_evidence": found.log_evidence,
            "log_evidence_error": found.log_evidence_error,
            "log_evidence_by_stages": list(found.evidence_by_stages),
            "voxels": density.likelihood.voxels,
            "label_power": worth.power,
            "label_errors_mm": worth.length_mm,
            "sampled_by": how,
            "searched": searched,
            "corrected_for_grid": problem.correction is not None,
            "coarser_runs": int(sum(stage.get("coarser", 0) for stage in found.stages)),
        },
    )
    fit.extras |= dict(zip(density.names[fitted:], mean[fitted:].tolist(), strict=True))
    chosen = np.linspace(0, len(parameters) - 1, min(predictive, len(parameters))).round().astype(int)
    predicted = predict(problem, parameters[chosen]) if len(chosen) else None
    fit.posterior = Samples(
        density.names,
        parameters,
        dict(zip(density.unknowns.names, density.unknowns.from_unit(found.unit).T, strict=True)),
        np.full(len(parameters), 1 / len(parameters)),
        found.log_likelihood,
        found.error_of_mean(parameters),
        found.effective(parameters),
        found.log_evidence,
        found.log_evidence_error,
        list(found.stages),
        {u.name: (float(u.lower), float(u.upper), bool(u.log)) for u in density.unknowns.unknowns},
        {} if predicted is None else predicted.volumes,
        predicted,
        labels=labels_of(density, worth),
    )
    fit.covariance = fit.posterior.covariance
    fit.warnings = [*against_ends(fit.posterior), *fit.warnings]
    if doubts := few(fit.posterior):
        fit.converged, fit.warnings = False, [*doubts, *fit.warnings]
        fit.reason = "points that are not independent; " + fit.reason
    fit.deviation = None if predicted is None else predicted.deviation
    return fit


def _begun(
    problem: Problem, about: dict[str, Any], label_power: float, begin: str, finer: int
) -> tuple[Posterior, Points | None, Worth]:
    """The posterior; its mode, if the stages begin there; and what the labels are worth."""
    rounds = finer if about["forward"] == "solver" else 0
    if begin == "prior" and label_power and not rounds:
        return Posterior(problem, **about, label_power=label_power), None, Worth(label_power, np.nan)
    density = Posterior(problem, **about)
    coarse = float(problem.tissue.spacing.max()) < COARSE_MM
    # a coarse grid cannot explain a density, so that further starts would be tried for nothing
    start = {"problem": problem.coarser(COARSE_MM), "retries": 0} if coarse else {"problem": problem}
    fit = gauss_newton(**start, uncertainty=False)
    density, mode, worth = found_mode(density, [*fit.parameters.values(), *fit.extras.values()], label_power, rounds)
    return density, mode if begin == "mode" else None, worth
