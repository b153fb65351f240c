"""How well a surrogate stands in for the solver: errors and times of single forward runs on simulated test cases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from gliofit.anatomy.tissue import Tissue
from gliofit.base import grids
from gliofit.base.arrays import Array
from gliofit.evaluation import metrics
from gliofit.growth import compile_kernels, simulate
from gliofit.growth.theta import Theta

if TYPE_CHECKING:
    import pandas as pd

BATCH = 8
"""Cases in a batch, where one is timed."""

REPEATS = 3
"""Runs of which the median time is taken, after one that is not counted."""


@dataclass(frozen=True, eq=False)
class ForwardCase:
    """
    One forward run of both models.

    Parameters
    ----------
    tissue : Tissue
        The crop.
    theta : Theta
        Origin in mm of the tissue's affine.
    truth, predicted : ndarray [x, y, z]
        Densities by the numerical solver and by the surrogate.
    """

    tissue: Tissue
    theta: Theta
    truth: Array
    predicted: Array

    @property
    def error(self) -> float:
        """MSE over the crop, as the paper gives it (Sec. 3.1)."""
        volume = float(np.prod(self.tissue.spacing * self.tissue.shape))
        return metrics.mse(self.predicted, self.truth, self.tissue, volume)

    def errors(self) -> dict[str, float]:
        """
        The run's errors, and the truth they belong to.

        Returns
        -------
        dict
            mse_crop (the paper's), mse_tissue (mean over tissue voxels of the crop), mse_relative (divided by the error
            of predicting no tumour at all, ∫(ĉ − c)² / ∫c²: small tumours have a small MSE whatever is predicted),
            max_error (largest |ĉ − c|), true_mu_D (mm), true_mu_rho, true_volume (ml).
        """
        inside = self.tissue.mask
        difference = self.predicted[inside].astype(np.float64) - self.truth[inside]
        squares = float(difference @ difference)
        return {
            "mse_crop": self.error,
            "mse_tissue": squares / difference.size,
            "mse_relative": squares / float(np.sum(self.truth[inside].astype(np.float64) ** 2)),
            "max_error": float(np.abs(difference).max()),
            "true_mu_D": self.theta.mu_D,
            "true_mu_rho": self.theta.mu_rho,
            "true_volume": metrics.tumour_volume(self.truth, self.tissue) / 1000.0,
        }


@dataclass(frozen=True, eq=False)
class Input:
    """A test case as a surrogate takes it: crop of tissue and density, static channels, θ relative to the centre."""

    tissue: Tissue
    truth: Array
    static: Any
    theta: Any


def prepare(tissue: Tissue, theta: Theta, surrogate: Any, threads: int = 1) -> Input:
    """
    Run the solver on the whole brain and cut the surrogate's crop, centred on the tumour's centre of mass.

    Parameters
    ----------
    tissue : Tissue
        Whole brain on the surrogate's spacing.
    theta : Theta
    surrogate : gliofit.networks.surrogate.Surrogate
    threads : int
    """
    import torch

    density = simulate(tissue, theta, threads=threads)
    offset = tissue.crop_offset(tissue.centre_of_mass(density), surrogate.shape)
    crop = tissue.crop(offset, surrogate.shape)
    centre = crop.to_world((np.array(crop.shape) - 1) / 2)
    static = surrogate.prepare(crop)
    values = torch.tensor((theta.to_array() - [*centre, 0, 0])[None], dtype=torch.float32, device=static.device)
    return Input(crop, grids.take(density, offset, surrogate.shape), static, values)


def compare(tissue: Tissue, theta: Theta, surrogate: Any, threads: int = 1) -> ForwardCase:
    """One forward run of both models; parameters as for `prepare`."""
    import torch

    case = prepare(tissue, theta, surrogate, threads)
    with torch.inference_mode():
        predicted = surrogate(case.static, case.theta)[0].cpu().numpy()
    return ForwardCase(case.tissue, theta, case.truth, predicted)


def solver_times(tissue: Tissue, thetas: list[Theta], threads: int = 1, device: str = "cpu") -> list[dict[str, float]]:
    """
    Milliseconds of the solver per case, on the whole brain.

    A batch is a loop on the CPU, where one run at a time is fastest, and one call on a GPU.

    Returns
    -------
    list of dict
        By case: ms_1 and ms_gradient_1 (one case at a time), ms_8 and ms_gradient_8 (per case of a batch).
    """
    compile_kernels()

    def run(batch: list[Theta], jacobian: bool):
        if device == "cpu":
            for theta in batch:
                simulate(tissue, theta, jacobian=jacobian, threads=threads)
        else:
            from gliofit.growth.gpu.batch import simulate_batch

            simulate_batch(tissue, batch, jacobian=jacobian, device=device)

    return _times(thetas, run, device)


def surrogate_times(
    tissue: Tissue, thetas: list[Theta], surrogate: Any, threads: int = 1, device: str = "cpu"
) -> list[dict[str, float]]:
    """Milliseconds of a surrogate on `device` per case, as for `solver_times`; the gradient is that in θ."""
    import torch

    from gliofit.base.threads import torch_threads

    cases = [prepare(tissue, theta, surrogate, threads) for theta in thetas]

    def run(batch: list[Input], gradient: bool):
        static = batch[0].static if len(batch) == 1 else torch.stack([case.static for case in batch])
        theta = torch.cat([case.theta for case in batch]).requires_grad_(gradient)
        with torch.set_grad_enabled(gradient):
            density = surrogate(static, theta)
            if gradient:
                density.square().sum().backward()

    with torch_threads(threads):
        return _times(cases, run, device)


def _times(cases: list, run: Callable[[list, bool], None], device: str) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = [{} for _ in cases]
    for gradient, name in ((False, "ms"), (True, "ms_gradient")):
        for case, row in zip(cases, rows, strict=True):
            row[f"{name}_1"] = _milliseconds(partial(run, [case], gradient), device)
        for start in range(0, len(cases) - BATCH + 1, BATCH):
            batch = cases[start : start + BATCH]
            each = _milliseconds(partial(run, batch, gradient), device) / BATCH
            for row in rows[start : start + BATCH]:
                row[f"{name}_{BATCH}"] = each
    return rows


def _milliseconds(function: Callable[[], None], device: str) -> float:
    """Median time of some runs: on a CPU the process's own, which other jobs on the machine do not lengthen."""
    clock = time.process_time if device == "cpu" else time.perf_counter

    def finished():
        if device != "cpu":
            import torch

            torch.cuda.synchronize()

    taken = []
    for _ in range(1 + REPEATS):
        finished()
        started = clock()
        function()
        finished()
        taken.append(1000 * (clock() - started))
    return median(taken[1:])


def table_rows(cases: Iterable[str], name: str, rows: Iterable[dict[str, float]]) -> pd.DataFrame:
    """Tidy rows (`gliofit.evaluation.metrics.COLUMNS`) of one model on named cases."""
    import pandas as pd

    return pd.concat([metrics.tidy(case, "forward", name, row) for case, row in zip(cases, rows, strict=True)])
