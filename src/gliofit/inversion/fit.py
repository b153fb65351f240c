"""What every inversion method returns."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base.arrays import Array
from gliofit.base.errors import InputError
from gliofit.base.versions import Source
from gliofit.growth import growth_model
from gliofit.growth.theta import Theta
from gliofit.inversion.doubts import at_bounds, unexplained
from gliofit.inversion.fit_format import check
from gliofit.inversion.own_density import Field, stored_field
from gliofit.inversion.problem import Problem
from gliofit.inversion.samples import Samples
from gliofit.observation.observation import Observation


@dataclass(eq=False)
class Fit:
    """
    What a method found.

    Parameters
    ----------
    theta : Theta
        θ̂; of several foci, that of the one with the most cells.
    density : ndarray [x, y, z], optional
        The numerical solver's density at θ̂ on the problem's grid, or that of `own`. A fit that was read from its file
        has none; see `density_on`.
    loss : float
        The target's loss of `density`, comparable between methods; where the number of foci was sought, that of the
        target with its thresholds blurred less (`Observation.sharpened`).
    history : list of float
        The method's own loss per iteration (surrogate methods: the surrogate's loss).
    evaluations : int
        Forward runs (solver or surrogate, gradients counted once each).
    seconds : float
        Wall time of the search, without the final solver run.
    converged : bool
        Whether the search ended where the loss has no slope within the bounds, and the outlines are explained.
    reason : str
        Why it stopped.
    method : str
        Name of the method.
    model : dict
        Name and options of the growth model, as `growth_model` takes them.
    parameters : dict of str → float
        All of the growth model's parameters by name, in its order.
    extras : dict of str → float
        Imaging parameters (thresholds) that were fitted along.
    comparable : int, optional
        So many first entries of `history` are of one and the same loss; None: all are.
    uncorrected_loss : float, optional
        `loss` before the surrogate's error was taken off, of methods that do so.
    covariance : ndarray (n, n), optional
        Posterior covariance of `names`: of samples, or Laplace's.
    deviation : ndarray [x, y, z], optional
        Posterior standard deviation of the density.
    posterior : Samples, optional
        Of methods that sample it; kept in a file of its own (`gliofit.inversion.samples`).
    own : Field, optional
        The density of a method whose result is not a solver run, on the method's own grid.
    warnings : list of str
        What a reader should know of this fit, in sentences.
    foci : dict, optional
        Where their number was sought: `loss` and `dice` (by outline) with one focus, two, …; the first that was not
        worth its coordinates, if any, comes last.
    details : dict
        A method's own notes for people, JSON-ready. Nothing reads them.
    case, target : str
        The patient or test case, and what of it was observed.
    spacing : float, optional
        Of the working grid, mm.
    true_theta : Theta, optional
        What the case was made with.
    cpu_seconds : float, optional
        Processor time, final solver run included.
    source : Source, optional
    machine : str
        What made a fit that was read from its file.
    """

    theta: Theta
    density: Array | None
    loss: float
    history: list[float]
    evaluations: int
    seconds: float
    converged: bool
    reason: str
    method: str = ""
    model: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, float] = field(default_factory=dict)
    extras: dict[str, float] = field(default_factory=dict)
    comparable: int | None = None
    uncorrected_loss: float | None = None
    covariance: Array | None = None
    deviation: Array | None = None
    posterior: Samples | None = None
    own: Field | None = None
    warnings: list[str] = field(default_factory=list)
    foci: dict[str, list] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    case: str = ""
    target: str = ""
    spacing: float | None = None
    true_theta: Theta | None = None
    cpu_seconds: float | None = None
    source: Source | None = None
    machine: str = ""

    @classmethod
    def of(
        cls,
        problem: Problem,
        parameters: Array,
        started: float,
        own: Field | None = None,
        density: Array | None = None,
        **values: Any,
    ) -> Fit:
        """
        Finish a search that began at `time.perf_counter()` = `started`.

        θ̂ is rerun through the solver, unless its `density` is known or the method has one of its `own`. A search that
        ended where the outlines are not explained has not converged, whatever its slope; `reason` and `warnings` say
        so.

        `parameters` (n + k,) are the growth model's values and the target's extras. `values` are further fields of
        `Fit`: history, evaluations, converged and reason at least.
        """
        seconds = time.perf_counter() - started
        parameters = np.asarray(parameters, float)
        if density is None:
            density = problem.density(parameters) if own is None else own.on(problem.tissue)
        of_model, extras = problem.split(parameters)
        doubts = unexplained(problem, parameters, density)
        if doubts:
            values |= {"converged": False, "reason": f"{', '.join(doubts)} ({values['reason']})"}
        return cls(
            theta=problem.model.theta(of_model, problem.tissue, density),
            density=density,
            loss=problem.target.loss(density, extras),
            seconds=seconds,
            model=problem.model.to_dict(),
            parameters=dict(zip(problem.model.names, of_model.tolist(), strict=True)),
            extras=dict(zip(problem.target.extra_names, extras.tolist(), strict=True)),
            own=own,
            warnings=[*doubts, *at_bounds(problem, parameters), *problem.model.doubts(of_model)],
            **values,
        )

    @property
    def origins(self) -> Array:
        """Where growth began [foci, 3], mm."""
        values = np.array(list(self.parameters.values()))
        return values[growth_model(self.model).origins]

    @property
    def names(self) -> list[str]:
        """Of the fitted values, in the order of `covariance`."""
        return [*self.parameters, *self.extras]

    def covariance_of(self, *names: str) -> Array | None:
        """Covariance of some of `names`; None if none was computed."""
        if self.covariance is None:
            return None
        places = [self.names.index(name) for name in names]
        return np.asarray(self.covariance)[np.ix_(places, places)]

    def deviations(self) -> dict[str, float]:
        """Posterior standard deviations by name; empty if there is no covariance."""
        if self.covariance is None:
            return {}
        return dict(zip(self.names, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    def explained(self, target: Observation) -> dict[str, float]:
        """Dice of each outline by the fit's density and thresholds; empty without either."""
        return {} if self.density is None else target.explained(self.density, np.array(list(self.extras.values())))

    def density_on(self, tissue: Tissue, threads: int | None = None) -> Array:
        """
        The density [x, y, z], as tables and figures take it.

        Parameters
        ----------
        tissue : Tissue
            On the grid that is wanted.
        threads : int, optional

        Returns
        -------
        ndarray [x, y, z]
            The method's own density if it has one, else the growth model's at `parameters`.
        """
        if self.own is not None:
            return self.own.on(tissue)
        model = growth_model(self.model)
        return model.grow(tissue, model.values_of(self.parameters), threads=threads)

    def to_dict(self) -> dict[str, Any]:
        """
        Everything but the voxel maps, JSON-ready, with the keys of `docs/result_format.md`.

        What tells where the method's own density is kept, and what wrote the file, `gliofit.inversion.fit_file` adds.
        """
        covariance = None
        if self.covariance is not None:
            covariance = {"names": self.names, "values": np.asarray(self.covariance).tolist()}
        return _json_ready(
            {
                "case": self.case,
                "target": self.target,
                "spacing": self.spacing,
                "method": self.method,
                "model": self.model,
                "parameters": self.parameters,
                "theta": self.theta.to_dict(),
                "extras": self.extras,
                "loss": self.loss,
                "history": list(self.history),
                "comparable": self.comparable,
                "uncorrected_loss": self.uncorrected_loss,
                "evaluations": int(self.evaluations),
                "seconds": float(self.seconds),
                "cpu_seconds": self.cpu_seconds,
                "converged": bool(self.converged),
                "reason": self.reason,
                "warnings": list(self.warnings),
                "covariance": covariance,
                "foci": self.foci,
                "own": None if self.own is None else self.own.to_dict(),
                "true_theta": None if self.true_theta is None else self.true_theta.to_dict(),
                "details": self.details,
            }
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], path: str | Path = "the fit") -> Fit:
        """
        A fit from the JSON object that `gliofit.inversion.fit_file` wrote.

        Parameters
        ----------
        values : mapping
        path : path
            Of the file, for errors; the npz with the method's own density is looked for beside it.

        Raises
        ------
        InputError
            One sentence naming the file, if the object is not as `docs/result_format.md` has it, or its covariance
            is of other names.
        """
        record = check(values, str(path))
        own = None
        if record.own is not None:
            kept = record.own
            own = stored_field(
                Path(path).parent / kept.file, kept.array, np.array(kept.affine), kept.visible, kept.width
            )
        fit = cls(
            theta=Theta.from_dict(record.theta.model_dump()),
            density=None,
            loss=_number(record.loss),
            history=[_number(v) for v in record.history],
            evaluations=record.evaluations,
            seconds=record.seconds,
            converged=record.converged,
            reason=record.reason,
            method=record.method,
            model=record.model.model_dump(),
            parameters=record.parameters,
            extras=record.extras,
            comparable=record.comparable,
            uncorrected_loss=record.uncorrected_loss,
            own=own,
            warnings=record.warnings,
            foci=None if record.foci is None else record.foci.model_dump(),
            details=record.details,
            case=record.case,
            target=record.target,
            spacing=record.spacing,
            true_theta=None if record.true_theta is None else Theta.from_dict(record.true_theta.model_dump()),
            cpu_seconds=record.cpu_seconds,
            source=Source(**record.source.model_dump()),
            machine=record.machine,
        )
        if record.covariance is not None:
            fit.covariance = np.array(record.covariance.values, float)
            if record.covariance.names != fit.names or fit.covariance.shape != (len(fit.names),) * 2:
                raise InputError(f"{path}: its covariance is not of its parameters and extras, {', '.join(fit.names)}")
        return fit


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _json_ready(value: Any) -> Any:
    """Numpy's numbers as Python's, and None for those that are not finite, which JSON does not know."""
    if isinstance(value, Mapping):
        return {str(key): _json_ready(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_json_ready(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
