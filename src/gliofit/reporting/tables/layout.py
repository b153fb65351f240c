"""What the paper's tables hold: columns, units, cases and the method the others are tested against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gliofit.base.errors import InputError
from gliofit.evaluation.bayesian_scores import KINDS

STANDARD_PLAN = "standard"
"""The standard plan's place among the methods of a table."""


@dataclass(frozen=True)
class Column:
    """A metric as a table prints it: in units of 10^`exponent`, to `decimals` places."""

    metric: str
    label: str
    exponent: int = 0
    unit: str = ""
    higher_is_better: bool = False
    decimals: int = 2
    spread: bool = True


@dataclass(frozen=True)
class Layout:
    """
    One of the paper's tables.

    Parameters
    ----------
    caption : str
    columns : tuple of Column
    cases : str
        Set of cases it is made from (`set` in results/metrics.csv).
    ours : str
        The method that the others are tested against.
    reference : str, optional
        Method whose fits are the truth here; it gets no row.
    medians : bool
        Whether rows with medians follow those with means.
    test : str
        Name in `gliofit.evaluation.statistics.PAIRED_TESTS`.
    ranks : bool
        Whether the best and second-best of each column are marked: not where rows are of different cases.
    titles : mapping of str → str
        Of its rows, where they are no methods.
    """

    caption: str
    columns: tuple[Column, ...]
    cases: str
    ours: str
    reference: str | None = None
    medians: bool = False
    test: str = "paired t-test"
    ranks: bool = True
    titles: Mapping[str, str] = field(default_factory=dict)


_FIT = (
    Column("mse", "MSE", -3),
    Column("mae", "MAE", -3),
    Column("mse_norm", "MSE norm.", -8),
    Column("mae_norm", "MAE norm.", -8),
    Column("ncc", "NCC", -1, higher_is_better=True),
    Column("minutes", "Runtime", unit="min", spread=False),
)

_PARAMETERS = tuple(
    Column(f"{name.lower()}_{error.lower()}", f"{name} {error}", -3, decimals=1)
    for name in ("Growth", "Diffusion", "Origin")
    for error in ("MSE", "MAE")
)

_PATIENTS = (
    Column("dice_core", "Core Dice", -2, "%", higher_is_better=True, decimals=1),
    Column("dice_whole", "Whole Dice", -2, "%", higher_is_better=True, decimals=1),
    Column("dice_edema", "Edema Dice", -2, "%", higher_is_better=True, decimals=1),
    Column("pet_correlation", "FET-PET", unit="r", higher_is_better=True),
    Column("coverage_narrow", "Coverage narrow", -2, "%", higher_is_better=True, decimals=1),
    Column("coverage_broad", "Coverage broad", -2, "%", higher_is_better=True, decimals=1),
    Column("seconds", "Runtime", unit="s", spread=False),
)

_SURROGATE = (
    Column("mse_crop", "MSE crop", -3),
    Column("mse_tissue", "MSE tissue", -3),
    Column("mse_relative", "MSE relative", -2, "%"),
    Column("max_error", "max. error", unit="c"),
)

_TIMES = (
    Column("ms_1", "Density", unit="ms", spread=False),
    Column("ms_gradient_1", "with gradient", unit="ms", spread=False),
    Column("ms_8", "Density, 8 at once", unit="ms per case", spread=False),
    Column("ms_gradient_8", "with gradient, 8 at once", unit="ms per case", spread=False),
)

_IN_SILICO = (
    Column("rmse", "RMSE", -2),
    Column("rmse_edema", "RMSE edema", -2),
    Column("rmse_hidden", "RMSE unseen", -2),
    Column("dice_low", "Dice 10 %", -2, "%", higher_is_better=True, decimals=1),
    Column("dice_core", "Core Dice", -2, "%", higher_is_better=True, decimals=1),
    Column("dice_whole", "Whole Dice", -2, "%", higher_is_better=True, decimals=1),
    Column("pet_correlation", "FET-PET", unit="r", higher_is_better=True),
    *(
        column
        for margin in (15, 5)
        for column in (
            Column(f"missed_{margin}", f"Missed {margin} mm", -2, "%"),
            Column(f"better_{margin}", f"Better {margin} mm", -2, "%", higher_is_better=True, decimals=0),
        )
    ),
    Column("seconds", "Runtime", unit="s", spread=False),
)

_COHORT = (
    Column("dice_core", "Core Dice", -2, "%", higher_is_better=True, decimals=1),
    Column("dice_whole", "Whole Dice", -2, "%", higher_is_better=True, decimals=1),
    Column("rmse_unseen", "RMSE beyond the outlines", -2),
    Column("failed", "Failed", -2, "%", decimals=0),
    Column("one_found", "One focus found", -2, "%", higher_is_better=True, decimals=0),
    Column("several_found", "Several found", -2, "%", higher_is_better=True, decimals=0),
    Column("cpu_seconds", "CPU time", unit="s", spread=False),
)

_GEOMETRY_AWARE = (
    *(
        Column(f"{split}_dice_{level}", f"{split}, {level / 10:g}", unit="Dice", higher_is_better=True, decimals=3)
        for split in ("validation", "test")
        for level in (2, 4, 8)
    ),
    Column("test_mae_tumour", "MAE tumour", decimals=3, unit="c"),
    Column("test_mae_csf", "MAE CSF", decimals=3, unit="c"),
    Column("test_ms", "Density", unit="ms", spread=False, decimals=0),
)

_LMI = (
    *(Column(f"mae_{name}", f"MAE {name.upper()}", -3, decimals=0) for name in ("gm", "wm", "csf")),
    *(
        Column(name, f"Dice {level}", -2, "%", higher_is_better=True, decimals=1)
        for name, level in (("dice_001", "0.01"), ("dice_01", "0.1"), ("dice_08", "0.8"))
    ),
    Column("too_dense", "Falsely 0.8", -2, "%", spread=False, decimals=0),
)

_TABLE_II = (
    Column("origin_off", "Origin off", unit="mm"),
    Column("mu_D_off", "μ_D off", -2, "%", decimals=1),
    Column("mu_rho_off", "μ_ρ off", -2, "%", decimals=1),
    Column("inside_90", "Truth in 90 %", -2, "%", higher_is_better=True, decimals=0),
    Column("mae_truth", "MAE to the truth", -2),
    Column("mae_between", "MAE between the two", -2),
    Column("runs", "Densities", unit="runs", spread=False, decimals=0),
    Column("cpu_seconds", "CPU time", unit="s", spread=False, decimals=0),
)

TABLES: dict[int | str, Layout] = {
    1: Layout(
        "Parameter recovery: growth μ_ρ and diffusion μ_D relative to the truth, origin in fractions of the image.",
        _PARAMETERS,
        "sri24",
        "hybrid",
        medians=True,
    ),
    2: Layout("Fit to synthetic tumours, after a final run of the numerical solver.", _FIT, "sri24", "hybrid"),
    3: Layout("Fit to patients, relative to the CMA-ES fit.", _FIT, "patients", "hybrid_com", reference="cmaes_solver"),
    "patients": Layout(
        "Patients: fit to the segmentation, and coverage of the recurrence by plans of the standard plan's volume "
        "(narrow: enhancing core; broad: all of it). What a patient lacks is left out of N.",
        _PATIENTS,
        "patients",
        STANDARD_PLAN,
    ),
    "surrogate_error": Layout(
        "Densities of surrogates against the numerical solver's at the same θ: mean squared error over the crop (as in "
        "the paper), over its tissue, and relative to that of predicting no tumour; largest error of a voxel.",
        _SURROGATE,
        "forward",
        "surrogate_sri24",
        medians=True,
        ranks=False,
    ),
    "surrogate_time": Layout(
        "Times of a density, and of a density with its derivatives in θ, by the numerical solver on the whole brain "
        "and by surrogates on their crop; the same cases in one job, processor time on a CPU.",
        _TIMES,
        "forward",
        "solver_cpu",
    ),
    "ezhov_table1": Layout(
        "Ezhov 2021, Table I: surrogates against the numerical solver on tumours of given D, ρ and T, in heads that no "
        "network has seen. Dice of what lies above densities of 0.2, 0.4 and 0.8 (tumours without such a density in "
        "either are left out); mean absolute error over the tumour and over CSF, and processor time, on the test set. "
        "Square brackets: one term of the loss for all that is in them. Rows (a) to (f) were trained alike.",
        _GEOMETRY_AWARE,
        "geometry_aware",
        "f_10",
    ),
    "lmi": Layout(
        "Learn-Morph-Infer's experiments on simulated tumours: growth model (FK: Fisher–Kolmogorov, ME: with mass "
        "effect) and what networks tell from outlines, one network for each pair of brackets. Error of the density "
        "that comes of it, where it or the true one is at least 0.01. Networks called released were not trained in "
        "this run, but for longer and on more tumours, none of them among these; their pages in resources/weights tell "
        "how. Rows with Gauss–Newton, which goes on from a network's answer, are not the network's alone.",
        _LMI,
        "lmi",
        "lmi_3",
        medians=True,
        ranks=False,
    ),
    "table_ii": Layout(
        "Posteriors by the numerical solver and by a surrogate (Ezhov 2021, Table II): synthetic patients with "
        "outlines and a PET drawn from the likelihood, and patients. MAE: of the density at the most likely θ. Each "
        "parameter of each case: table_ii_parameters.",
        _TABLE_II,
        "table_ii",
        "solver",
        ranks=False,
        titles=KINDS,
    ),
    "cohort": Layout(
        "A cohort without patients: simulated tumours with outlines as rough as real ones. RMSE beyond the outlines: "
        "of the density outside the whole tumour, within 20 mm of it; failed: mean of 1 − core and 1 − whole "
        "Dice > 0.4; foci found: share of the tumours that grew from one focus, and of those from several more "
        "than 20 mm apart. The tumours themselves: of the true densities, which rough outlines do not follow.",
        _COHORT,
        "cohort",
        "gauss_newton/1",
        ranks=False,
    ),
    **{
        f"gliodil_synthetic_{foci}": Layout(
            f"GliODIL's synthetic patients with {number}. RMSE within 15 mm of the tumour core; unseen: outside the "
            "visible tumour; missed: share of the unseen cells outside a plan of the volume of the standard plan with "
            "that margin; better: share of patients of whom it misses less than the standard plan.",
            _IN_SILICO,
            foci,
            STANDARD_PLAN,
            medians=True,
            test="Wilcoxon signed-rank test",
        )
        for foci, number in (("single", "one focus"), ("multi", "three foci"))
    },
}
"""By the paper's number (Weidner 2026), or name."""


def layout_of(number: int | str, cases: str | None = None, ours: str | None = None) -> Layout:
    """The layout of a table of `TABLES`, for other cases or another method of ours if given."""
    if number not in TABLES:
        raise InputError(f"there is no table {number}; there are tables {', '.join(map(str, TABLES))}")
    layout = TABLES[number]
    return replace(layout, cases=cases or layout.cases, ours=ours or layout.ours)
