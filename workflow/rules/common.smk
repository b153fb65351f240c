"""Validation before anything runs, and the names that the other rules share."""

import os
import re
import sys

from gliofit import config as settings
from gliofit.errors import InputError
from gliofit.inversion import describe
from gliofit.workflow import dependencies

ROOT = Path(workflow.basedir)
"The repository; paths of the config may be relative to it."

ENVIRONMENT = "../../envs/environment.yaml"
"Used only with `--sdm conda`; otherwise the environment that runs Snakemake serves every rule."


def checked(function, *args):
    """Call a validation and end with its one sentence, before any job is planned."""
    try:
        return function(*args)
    except InputError as error:
        sys.exit(f"Error: {error}")  # raised as an exception, Snakemake would print lines of this file around it


CONFIG = checked(settings.load_config, config)
METHODS = list(CONFIG.methods)
SHEET, PASSED_OVER = checked(settings.read_patients, CONFIG, ROOT)
PATIENTS = list(SHEET)
for warning in PASSED_OVER:
    print(f"Note: {warning}", file=sys.stderr)
ANATOMIES = [CONFIG.anatomy] + [CONFIG.unseen_anatomy] * (CONFIG.test_cases.unseen_anatomy > 0)
REFERENCE = "cmaes_solver"
"The method whose fit to a patient's segmentation is the truth of Table 3, as in the paper."
COMPARED = [method for method in METHODS if method != REFERENCE]

TRAINED = sorted({network for method in METHODS for network in describe(method).networks})
"Networks that the methods need."


def sources(script, *modules):
    """
    The package's source files that a rule's results depend on, declared as its inputs.

    They are found from the script's import statements. Editing the solver then reruns the simulations, and editing a
    figure does not.
    """
    files = dependencies(ROOT / "workflow" / "scripts" / script, *modules)
    return [os.path.relpath(path) for path in files]


def chunks(anatomy, method):
    """The test cases of a method, in jobs of `test_cases.per_job` (first-last, both included)."""
    number, size = CONFIG.cases(anatomy, method), CONFIG.test_cases.per_job
    return [f"{start}-{min(start + size, number) - 1}" for start in range(0, number, size)]


def memory(gigabytes_at_1mm):
    """
    `mem_mb` of a job from what it needs at 1 mm: voxels scale with spacing⁻³, the process itself takes 1.5 GB.

    A retried job, as after running out of memory on a cluster, asks for more.
    """
    scaled = 1500 + 1000 * gigabytes_at_1mm / CONFIG.spacing**3
    return lambda wildcards, attempt: int(scaled * attempt)


scattergather:
    train=CONFIG.samples.shards,
    validation=1,


wildcard_constraints:
    patient="|".join(map(re.escape, PATIENTS)) or "(?!)",
    method="|".join([*METHODS, REFERENCE]),
    set="|".join([*ANATOMIES, "patients"]),
    synthetic=r"synthetic[\w.-]*",
    table="[123]|[12]_(sri24|mni152)",
    anatomy="|".join(dict.fromkeys([*ANATOMIES, CONFIG.unseen_anatomy, "mni152"])),
    network="surrogate|inverse",
    split="train|validation|test",
    chunk=r"\d+-\d+",
    scatteritem=r"\d+-of-\d+",
