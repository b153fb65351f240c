"""
Reading the workflow's configuration, with errors a user can act on.

The sections are those of `config_sections`. Methods are described by their own functions: a method's settings
are the keyword arguments it takes, checked against their defaults' types and signs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gliofit.base.errors import InputError
from gliofit.base.files import user_path
from gliofit.base.section import fault
from gliofit.growth import GrowthModel, growth_model
from gliofit.observation.labels import labelling
from gliofit.patients.discovery import discover
from gliofit.patients.headers import check_headers
from gliofit.patients.raw.rows import check_raw, is_raw
from gliofit.patients.raw.segmenting import check_command
from gliofit.patients.sample_sheet import Patient, read_sample_sheet
from gliofit.pipeline.config_sections import Config
from gliofit.synthetic.physical_prior import PhysicalPrior
from gliofit.synthetic.prior import Prior

MADE = "results/synthetic/"
"""Where the pipeline puts the in-silico patients that it makes itself."""

RESERVED = frozenset(
    [
        "anatomy",
        "bayesian",
        "benchmarks",
        "cases",
        "checkpoints",
        "cohort",
        "cohort.csv",
        "config.yaml",
        "figures",
        "forward",
        "forward.csv",
        "geometry_aware",
        "geometry_aware.csv",
        "gliodil_synthetic",
        "gliodil_synthetic.csv",
        "gliodil_study",
        "lmi_study",
        "lmi_study.csv",
        "logs",
        "metrics",
        "metrics.csv",
        "networks",
        "page",
        "patients",
        "patients.csv",
        "release",
        "report.html",
        "run.json",
        "shards",
        "synthetic",
        "table3",
        "tables",
    ]
)
"""Files and folders of results/ that no patient may be named after, whatever the case of its letters."""

RELEASED_SPACING = 2.0
"""Of the networks in resources/weights, mm."""


def load_config(values: dict[str, Any], source: str = "config") -> Config:
    """
    Validate a config.

    Parameters
    ----------
    values : dict
        As read from YAML.
    source : str
        Named in the error.

    Raises
    ------
    InputError
        One sentence naming the key and what is wrong with it.
    """
    given = (name for name in ("patients", "brats_dir", "labels", "segment") if name in values)
    texts: dict[str, Any] = {name: _path(name, values[name], source) for name in given}
    values, out = {**_typed(values), **texts}, list[str]()
    values["spacing"] = _as_float(values.get("spacing"))
    if isinstance(study := values.get("lmi_study"), dict):
        values["lmi_study"] = study | {"spacing": _as_float(study.get("spacing"))}
    if isinstance(methods := values.get("methods"), dict):
        # a config laid over another can only add keys: `hybrid: false` takes a method out
        out = [name for name, given in methods.items() if given is False]
        values["methods"] = {name: given for name, given in methods.items() if name not in out}
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{source}: {fault(error, Config)}") from None
    if not config.train and config.spacing != RELEASED_SPACING:
        raise InputError(
            f"{source}: the released networks are for spacing: {RELEASED_SPACING:g}; set train: true to train others"
        )
    study = config.lmi_study
    if study.models and "fisher_kolmogorov" not in study.models and study.follow:
        raise InputError(
            f"{source}: lmi_study.follow: there is no model without mass effect to follow; set it to false"
        )
    if config.samples.shards > config.samples.train:
        raise InputError(f"{source}: samples.shards = {config.samples.shards} is more than samples.train")
    if config.segment:
        try:
            check_command(config.segment)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
    try:
        Prior(**config.prior.model_dump())
        model = growth_model(config.growth_model)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    _check_prior(config, model, source)
    _check_geometry_aware(config, source)
    _check_methods(config, out, model, source)
    return config


def _typed(value: Any) -> Any:
    """
    Numbers and switches that arrived as text, as what they are.

    `--config "methods={'hybrid': {'iterations': 3}}"` gives nested values as text, and YAML reads 1e-4 as such.
    """
    if isinstance(value, dict):
        return {key: _typed(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_typed(entry) for entry in value]
    if isinstance(value, str):
        words = {"true": True, "false": False, "null": None}
        if value.lower() in words:
            return words[value.lower()]
        for number in (int, float):
            with suppress(ValueError):
                return number(value)
    return value


def _path(key: str, value: Any, source: str) -> Any:
    """
    A path of the config: `null` of a command line is none, a number is no path.

    `--config brats_dir=2024_01` arrives as the number 202401.
    """
    if isinstance(value, str):
        return None if value.strip().lower() in ("null", "none", "") else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        hint = f"; write {key}=./NAME for a path of digits" if key in ("patients", "brats_dir") else ", and is a text"
        raise InputError(f"{source}: {key} = {value} arrived as a number{hint}")
    return value


def _as_float(value: Any) -> Any:
    # `spacing: 2` means 2.0; a Literal does not convert by itself
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _check_prior(config: Config, model: GrowthModel, source: str) -> None:
    """What is simulated must lie where searches look."""
    ranges = {p.name: (p.lower, p.upper) for p in model.parameters}
    for name in ("mu_D", "mu_rho"):
        (low, high), (lowest, highest) = getattr(config.prior, name), ranges[name]
        if low < lowest or high > highest:
            raise InputError(
                f"{source}: prior.{name} = [{low:g}, {high:g}] is not within {lowest:g} … {highest:g}, where searches "
                f"of growth model {model.name} look"
            )


def _check_geometry_aware(config: Config, source: str) -> None:
    """What the samples of the geometry-aware surrogate are drawn from, and that no head is without."""
    given = config.geometry_aware
    if given.train and (fewest := min(given.validation, given.test)) < given.test_heads:
        raise InputError(
            f"{source}: geometry_aware.test_heads = {given.test_heads} is more than the {fewest} tumours in them"
        )
    if 0 < given.train < given.train_heads:
        raise InputError(
            f"{source}: geometry_aware.train_heads = {given.train_heads} is more than the {given.train} tumours in them"
        )
    try:
        for ratio in given.ratios:
            PhysicalPrior(**given.prior(ratio))
    except InputError as error:
        raise InputError(f"{source}: geometry_aware: {error}") from None


def _check_methods(config: Config, out: Sequence[str], model: GrowthModel, source: str) -> None:
    """Methods, those taken `out` too, and settings against the registry and each method's own signature."""
    from gliofit.inversion import describe
    from gliofit.inversion.registry import check_models

    if not config.methods:
        raise InputError(f"{source}: methods is empty; name at least one")
    for method in [*out, *config.methods]:
        try:
            described = describe(method)
            if method in out:
                continue
            described.check_installed()
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
        described.check_settings(config.settings(method), f"{source}: methods.{method}.")
        if "checkpoint" in config.settings(method):
            raise InputError(
                f"{source}: methods.{method}.checkpoint: is for calls from Python; the workflow keeps a checkpoint of "
                "each patient itself"
            )
    try:
        check_models(config.methods, model)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    describe(config.bayesian.method).check_settings(config.bayesian.settings, f"{source}: bayesian.settings.")
    for name in {"forward", "predictive", "checkpoint"} & config.bayesian.settings.keys():
        raise InputError(f"{source}: bayesian.settings.{name}: is the workflow's own")
    for method in config.test_cases.at_most:  # of which the config may have taken some out
        try:
            describe(method)
        except InputError as error:
            raise InputError(f"{source}: test_cases.at_most: {error}") from None
    for name, section in (("gliodil_synthetic", config.gliodil_synthetic), ("cohort", config.cohort)):
        for method in [*section.methods, *section.at_most]:
            try:
                described = describe(method)
            except InputError as error:
                raise InputError(f"{source}: {name}: {error}") from None
            if "auto" in section.methods.get(method, []) and "auto" not in described.foci:
                raise InputError(f"{source}: {name}.methods.{method}: finds no number of foci: auto is not for it")


def read_patients(config: Config, root: str | Path) -> tuple[dict[str, Patient], list[str], dict[str, str]]:
    """
    The patients of the sample sheet and of `brats_dir`, checked as far as headers tell.

    Parameters
    ----------
    config : Config
    root : path
        The repository, where relative paths are looked for when they are not under the working directory.

    Returns
    -------
    patients : dict of id → Patient
        Those whose scans have yet to be brought together have `raw`.
    warnings : list of str
        Cases of `brats_dir` that were passed over, and why.
    refused : dict of id → str
        Patients whose files cannot be used, and why; the others are not held up by them.

    Raises
    ------
    InputError
        Naming the sheet's line, or the folder, and the fault.
    """
    sheet = find(config.patients, root) if config.patients else None
    listed = read_sample_sheet(sheet, root, (MADE,), config.segment or "") if sheet else []
    patients: dict[str, Patient] = {}
    warnings, refused = [], {}
    found: list[Patient] = []
    if config.labels:
        _of_key("labels", labelling, config.labels)
    if config.brats_dir:
        result = _of_key("brats_dir", discover, find(config.brats_dir, root), config.labels)
        found, warnings, refused = result.patients, result.warnings, result.refused
    reserved = {name.lower() for name in RESERVED}
    for patient in [*listed, *found]:
        if patient.id.lower() in reserved:
            raise InputError(f"patient id '{patient.id}' is a file of the pipeline's own results; rename the patient")
        if patient.id in patients:
            raise InputError(f"{config.brats_dir}: case {patient.id} is also a patient of {config.patients}")
        patients[patient.id] = patient
    for patient in list(patients.values()):
        if any(str(path).startswith(MADE) for path in patient.files.values()):
            continue
        try:
            braced = next((path for path in patient.files.values() if set(str(path)) & set("{}")), None)
            if braced:  # they stand for wildcards of rules
                raise InputError(f"{braced}: has a brace in its path, which the workflow cannot read; rename it")
            # data sets are on one grid; a sheet may name scans as they came from the scanner
            if patient in listed and is_raw(patient):
                check_raw(patient)
                patients[patient.id] = replace(patient, raw="yes")
            else:
                check_headers(patient)
        except InputError as error:
            refused[patient.id] = str(error)
            del patients[patient.id]
    for name in refused:
        if name.lower() in reserved or name in patients:
            raise InputError(f"{refused[name]} (and its id, '{name}', is taken)")
    return patients, warnings, refused


def _of_key(key: str, function: Callable, *given: Any) -> Any:
    """What a function makes of a key's value; its complaint names the key."""
    try:
        return function(*given)
    except InputError as error:
        raise InputError(f"{key}: {error}") from None


def find(path: str, root: str | Path) -> Path:
    """A path of the config: as it is, or relative to the repository when it is not there."""
    given = user_path(path)
    return given if given.is_absolute() or given.exists() else Path(root) / given
