"""
GlioFit: personalise brain-tumour growth models and reproduce the papers' tables and figures.

This file is the table of contents. Data flow in the order of the included rules; `config/README.md` documents every
key of the config.
"""

import atexit
import gc
import sys
from pathlib import Path

from snakemake.logging import logger
from snakemake.utils import min_version

from gliofit.base.errors import InputError
from gliofit.base.files import check_writable
from gliofit.pipeline.clock import check_clock
from gliofit.pipeline.ending import end_timers
from gliofit.pipeline.failures import NoSecondAttempt, forget, report as report_failures
from gliofit.pipeline.warm import begin, keep_warm

min_version("9.19")

WARM = begin(workflow)
"A process that imports what jobs need while the rules are read."

# what rules and jobs are made of stays: looking for garbage among it takes a tenth of the time of planning, and of ending
# a second
gc.disable()
atexit.register(gc.freeze)


report: "workflow/report/workflow.rst"


configfile: Path(workflow.basedir) / "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/anatomy.smk"
include: "workflow/rules/simulation.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/nnunet.smk"
include: "workflow/rules/geometry_aware.smk"
include: "workflow/rules/patients.smk"
include: "workflow/rules/inversion.smk"
include: "workflow/rules/planning.smk"
include: "workflow/rules/gliodil_synthetic.smk"
include: "workflow/rules/gliodil_studies.smk"
include: "workflow/rules/cohort.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/bayesian.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/lmi_study.smk"
include: "workflow/rules/report.smk"


onstart:
    gc.freeze()
    gc.enable()
    try:
        check_writable("results/logs")
        check_clock("results")
    except InputError as error:
        sys.exit(f"Error: {error}")
    forget("results/logs")
    logger.addFilter(NoSecondAttempt(workflow))
    keep_warm(workflow, "results/logs/warm.log", WARM)


onsuccess:
    end_timers()


onerror:
    report_failures(workflow.scheduler.failed)
    end_timers()


rule all:
    default_target: True
    input:
        "results/report.html",
        "results/config.yaml",
        "results/shards/check.txt" if WEIGHTS.on_shards else [],
        (PLAN.tables | PLAN.other_tables).values(),
        PLAN.report_figures.values(),
        recurrences.tables(PLAN),
        LMI.tables.values(),
        LMI.figures.values(),
        TABLE_II.values(),
        "results/page/results.md",
        expand("results/{patient}/{method}.nii.gz", patient=PATIENTS, method=METHODS),
        expand(
            "results/{patient}/{method}/corner.png", patient=PATIENTS, method=SAMPLERS
        ),
        expand("results/{patient}/page.html", patient=PATIENTS),
        expand("results/{patient}/check.txt", patient=REFUSED),  # fails, and says why


# a line a job, in a dry run, too; by itself Snakemake lists every source that a job reads
for each in workflow.rules:
    each.message = each.message or "{rule} → {output}"
