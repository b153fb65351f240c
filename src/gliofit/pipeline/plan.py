"""What a run makes: its methods, sets of cases, tables and figures, by the names that rules and pages share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gliofit.inversion import describe
from gliofit.patients.sample_sheet import Patient
from gliofit.pipeline.cohort_plan import CohortPlan, told_row
from gliofit.pipeline.config import MADE
from gliofit.pipeline.config_sections import Config
from gliofit.pipeline.geometry_study import GeometryStudy
from gliofit.pipeline.weights import Weights

REFERENCE = "cmaes_solver"
"""The method whose fit to a patient's segmentation is the truth of Table 3, as in the paper."""

SOLVER = "solver"
"""The numerical solver's name among the forward models."""

FOCI = ("single", "multi")
"""Kinds of GliODIL's synthetic patients."""

TOLD = {"mri": "MRI", "mri_pet": "MRI + PET"}
"""What a fit of such a patient is told."""

PATIENTS = "patients"
"""The set of cases that patients are."""

Table = tuple[int, str]
"""Number of a table of Weidner 2026, and its set of cases."""


def forward_row(model: str, where: str) -> str:
    """The row of a surrogate (or the solver) on a set of cases or on a device."""
    return f"{model}_{where}"


def volumes(fits: Iterable[str]) -> list[str]:
    """The npz beside fits, with the densities that are the methods' own."""
    return [str(Path(fit).with_suffix(".npz")) for fit in fits]


@dataclass(frozen=True)
class Plan:
    """
    A run of the workflow. All paths are relative to its folder.

    Parameters
    ----------
    config : Config
    sheet : dict of str → Patient
        Patients by their id.
    weights : Weights
    """

    config: Config
    sheet: dict[str, Patient]
    weights: Weights

    @property
    def methods(self) -> list[str]:
        return list(self.config.methods)

    @property
    def compared(self) -> list[str]:
        """Methods that Table 3 compares with the reference."""
        return [method for method in self.methods if method != REFERENCE]

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the methods."""
        return {method: describe(method).title for method in self.methods}

    @property
    def sets(self) -> list[str]:
        """Sets of cases that metrics are computed on."""
        return [*self.config.case_sets] + [PATIENTS] * bool(self.sheet and self.compared)

    @property
    def anatomies(self) -> list[str]:
        """Anatomies that a rule may be asked for."""
        return list(dict.fromkeys([self.config.anatomy, self.config.unseen_anatomy, "mni152"]))

    # the tables of Weidner 2026

    @cached_property
    def weidner(self) -> dict[str, Table]:
        """Number and set of cases of the tables of Weidner 2026, by name: those that can be made."""
        main, others = self.config.anatomy, [cases for cases in self.config.case_sets if cases != self.config.anatomy]
        named = {f"{number}_{cases}": (number, cases) for number in (1, 2) for cases in others}
        return {"1": (1, main), "2": (2, main)} | named | {"3": (3, PATIENTS)}

    @cached_property
    def tables(self) -> dict[str, str]:
        """Those of them that the report and the page of results show."""
        shown = {"1"} | {name for name, (number, _) in self.weidner.items() if number == 2}
        shown |= {"3"} if self.sheet else set()
        return {name: f"results/tables/weidner_table{name}.csv" for name in self.weidner if name in shown}

    def table_keys(self, tables: Iterable[str]) -> list[int | str | tuple[int | str, str]]:
        """Tables as report and page know them: by number and, off the main test cases, set, or by name."""
        main = (self.config.anatomy, PATIENTS)
        keys = (self.weidner.get(table, (table, self.config.anatomy)) for table in tables)
        return [key if cases in main else (key, cases) for key, cases in keys]

    @property
    def clinical_tables(self) -> dict[str, str]:
        """Of patients, beside Weidner's."""
        return {"patients": "results/tables/patients.csv"} if self.sheet else {}

    @property
    def forward_tables(self) -> dict[str, str]:
        """Of the surrogates alone."""
        tables = ("surrogate_error", "surrogate_time") if self.weights.surrogates else ()
        return {table: f"results/tables/{table}.csv" for table in tables}

    @property
    def error_rows(self) -> dict[str, tuple[str, str]]:
        """Surrogate and set of test cases of each row of the surrogates' errors."""
        pairs = ((name, cases) for cases in self.config.case_sets for name in self.weights.surrogates)
        return {forward_row(*pair): pair for pair in pairs}

    @property
    def time_rows(self) -> dict[str, tuple[str, str]]:
        """Model and device of each row of the surrogates' times."""
        devices = ["cpu"] + ["cuda"] * (self.config.device == "cuda")
        pairs = ((name, device) for device in devices for name in [SOLVER, *self.weights.surrogates])
        return {forward_row(*pair): pair for pair in pairs}

    @property
    def forward_titles(self) -> dict[str, dict[str, str]]:
        """Titles of the rows of both tables."""
        tables = {"surrogate_error": self.error_rows, "surrogate_time": self.time_rows}
        return {table: {row: ", ".join(pair) for row, pair in rows.items()} for table, rows in tables.items()}

    @cached_property
    def in_silico(self) -> dict[str, tuple[str, str]]:
        """Methods on GliODIL's synthetic patients, and what they are told, by row."""
        given = self.config.gliodil_synthetic
        methods = [method for method in given.methods if method in self.methods and given.number]
        return {told_row(method, told): (method, told) for method in methods for told in given.methods[method]}

    @property
    def in_silico_titles(self) -> dict[str, str]:
        """Titles of their rows."""
        return {row: f"{self.titles[method]}, {TOLD[told]}" for row, (method, told) in self.in_silico.items()}

    @property
    def in_silico_fits(self) -> list[str]:
        return [
            f"results/gliodil_synthetic/{foci}_{index}/{told}/{method}.json"
            for foci in FOCI
            for method, told in self.in_silico.values()
            for index in range(self.config.gliodil_synthetic.cases(method))
        ]

    @property
    def gliodil_tables(self) -> dict[str, str]:
        """Of GliODIL's synthetic patients."""
        names = [f"gliodil_synthetic_{foci}" for foci in FOCI if self.in_silico]
        return {name: f"results/tables/{name}.csv" for name in names}

    @cached_property
    def cohort(self) -> CohortPlan:
        """The cohort without patients."""
        return CohortPlan(self.config, self.titles)

    @cached_property
    def geometry(self) -> GeometryStudy:
        """The study of the geometry-aware surrogate."""
        return GeometryStudy(self.config, list(self.sheet), self.weights)

    @property
    def other_tables(self) -> dict[str, str]:
        """All that are not Weidner's."""
        own = self.clinical_tables | self.gliodil_tables | self.cohort.tables
        return own | self.geometry.tables | self.forward_tables

    # figures, by the keys of the report's captions

    @property
    def figures(self) -> dict[str, str]:
        """The paper's."""
        drawn = {
            "1b": "surrogate" in self.weights.needed,
            "3": True,
            "4": bool(self.sheet),
            "5": "gb_surrogate" in self.methods,
        }
        return {key: f"results/figures/weidner_figure{key}.png" for key, wanted in drawn.items() if wanted}

    @property
    def forward_figures(self) -> dict[str, str]:
        """Of the surrogates alone."""
        return {"surrogate_error": "results/figures/surrogate_error.png"} if self.weights.surrogates else {}

    @property
    def analysis_figures(self) -> dict[str, str]:
        """Those that the papers do not have."""
        names = ["failures", "volumes"] + ["learning"] * bool(self.weights.logs)
        return {name: f"results/figures/{name}.png" for name in names}

    @property
    def report_figures(self) -> dict[str, str]:
        """What the report shows."""
        gliodil = {"gliodil_synthetic": "results/figures/gliodil_synthetic.png"} if self.in_silico else {}
        training = {network: f"results/networks/{network}/training.png" for network in self.weights.trained}
        cohort = {"cohort": "results/figures/cohort.png"} if self.config.cohort.number else {}
        own = self.figures | self.analysis_figures | self.forward_figures | self.geometry.figures
        return own | gliodil | cohort | training

    @property
    def page_figures(self) -> dict[str, str]:
        """What docs/results.md shows: no patient's scan."""
        found = self.figures | self.forward_figures | self.geometry.figures | self.analysis_figures
        return {key: path for key, path in found.items() if key != "4"}

    @property
    def page_tables(self) -> dict[str, str]:
        """What docs/results.md shows and tells of."""
        return self.tables | self.forward_tables | self.geometry.tables | self.gliodil_tables

    @property
    def on_page(self) -> str:
        """The method that the large pictures of a patient's page show."""
        return self._first_of("gauss_newton")

    @property
    def shown(self) -> str:
        """The method whose density Figure 4 shows."""
        return self._first_of("hybrid_com")

    def _first_of(self, method: str) -> str:
        return method if method in self.methods else self.methods[-1]

    def fits_to_cases(self, cases: str, method: str) -> list[str]:
        """A method's fits to a set of test cases, in jobs of `test_cases.per_job` (first-last, both included)."""
        number, size = self.config.cases(cases, method), self.config.test_cases.per_job
        return [
            f"results/cases/{cases}/{method}/{start}-{min(start + size, number) - 1}.json"
            for start in range(0, number, size)
        ]

    def fits(self, cases: str) -> list[tuple[str, str]]:
        """All methods' fits in a set of cases, each with the white-matter map that tells its anatomy."""
        if cases == PATIENTS:
            pairs = [(patient, method) for method in self.compared for patient in self.sheet]
            return [(f"results/{p}/prepared/wm.nii.gz", f"results/table3/{p}/{m}.json") for p, m in pairs]
        wm = f"results/anatomy/{self.config.case_sets[cases]}/wm.nii.gz"
        return [(wm, fit) for method in self.methods for fit in self.fits_to_cases(cases, method)]

    def references(self, cases: str) -> list[str]:
        """Fits whose density is the truth of a set: of patients, the reference method's."""
        return [f"results/{patient}/{REFERENCE}.json" for patient in self.sheet] if cases == PATIENTS else []

    def shard_size(self, split: str, item: str) -> int:
        """Samples of a shard "n-of-m": a split's number, shared out evenly."""
        part, parts = map(int, item.split("-of-"))
        total = getattr(self.config.samples, split)
        return total // parts + (part <= total % parts)

    def made_here(self, patient: str) -> bool:
        """Whether a patient is an in-silico one of this pipeline."""
        return any(str(path).startswith(MADE) for path in self.sheet[patient].files.values())

    def notes(self, patient: str) -> list[str]:
        """What the report and the page of a patient say first."""
        return ["Synthetic: simulated on a healthy anatomy; not a scan of a person."] * self.made_here(patient)

    def synthetic_seed(self, patient: str) -> int:
        """The seed of an in-silico patient: its id's last number makes it another than its neighbour's."""
        digits = re.search(r"\d*$", patient)
        return self.config.seeds.patients + int((digits and digits[0]) or "0")

    def gives_deviation(self, method: str) -> bool:
        """Whether a method's fit comes with a covariance."""
        return bool((describe(method).settings() | self.config.settings(method)).get("uncertainty"))
