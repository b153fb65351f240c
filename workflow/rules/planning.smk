"""Radiotherapy plans of patients, and how well each method explains what is known of them."""


rule standard_plan:
    """A margin around the tumour core, within the brain; and one along tissue, of the same volume."""
    input:
        prepared=prepared("{patient}"),
        scans=scans,
    output:
        plans=[
            "results/{patient}/plans/standard.nii.gz",
            "results/{patient}/plans/geodesic.nii.gz",
        ],
        scores=[
            "results/{patient}/plans/standard.json",
            "results/{patient}/plans/geodesic.json",
        ],
    log:
        "results/logs/standard_plan/{patient}.log",
    group:
        "patient"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        margin=CONFIG.plans.margin_mm,
        exclude_csf=CONFIG.plans.exclude_csf,
        sources=sources("standard_plan.py"),
    script:
        "../scripts/standard_plan.py"


rule model_plan:
    """As many voxels as the standard plan has, where the density is highest."""
    input:
        prepared=prepared("{patient}"),
        scans=scans,
        standard="results/{patient}/plans/standard.nii.gz",
        density="results/{patient}/{method}.nii.gz",
        summary="results/{patient}/{method}.json",
    output:
        plan="results/{patient}/plans/{method}.nii.gz",
        scores="results/{patient}/plans/{method}.json",
    log:
        "results/logs/model_plan/{patient}-{method}.log",
    group:
        "patient"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        exclude_csf=CONFIG.plans.exclude_csf,
        sources=sources("model_plan.py"),
    script:
        "../scripts/model_plan.py"


rule probability_plan:
    """As many voxels as the standard plan has, those that are most probably infiltrated by the samples of a posterior."""
    input:
        prepared=prepared("{patient}"),
        standard="results/{patient}/plans/standard.nii.gz",
        by_density="results/{patient}/plans/{method}.nii.gz",
        mean="results/{patient}/{method}/mean.nii.gz",
        above=f"results/{{patient}}/{{method}}/above_{CONFIG.plans.probability_above:g}.nii.gz",
    output:
        plan="results/{patient}/plans/{method}_probability.nii.gz",
        scores="results/{patient}/plans/{method}_probability.json",
    log:
        "results/logs/probability_plan/{patient}-{method}.log",
    wildcard_constraints:
        method="|".join(SAMPLERS) or "(?!)",
    group:
        "patient"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        level=CONFIG.plans.probability_above,
        exclude_csf=CONFIG.plans.exclude_csf,
        sources=sources("probability_plan.py"),
    script:
        "../scripts/probability_plan.py"


rule dicom:
    """Plans and densities as a planner loads them: structure set, segmentation and parametric maps."""
    input:
        prepared=prepared("{patient}"),
        scans=scans,
        standard="results/{patient}/plans/standard.nii.gz",
        plans=expand("results/{{patient}}/plans/{method}.nii.gz", method=METHODS),
        densities=expand("results/{{patient}}/{method}.nii.gz", method=METHODS),
    output:
        folder=directory("results/{patient}/dicom"),
        about="results/{patient}/dicom.json",
    log:
        "results/logs/dicom/{patient}.log",
    group:
        "patient"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(1 / 2),
    params:
        methods=METHODS,
        margin=CONFIG.plans.margin_mm,
        levels=CONFIG.plans.isodensities,
        sources=sources("dicom.py"),
    script:
        "../scripts/dicom.py"


rule picture_dicom:
    """The structure set's contours on the slices that they refer to, both read back from DICOM."""
    input:
        folder="results/{patient}/dicom",
        about="results/{patient}/dicom.json",
    output:
        "results/{patient}/dicom.png",
    log:
        "results/logs/picture_dicom/{patient}.log",
    group:
        "patient"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        sources=sources("picture_dicom.py"),
    script:
        "../scripts/picture_dicom.py"


rule collect_scores:
    """Per-patient values of all methods."""
    input:
        scores=expand(
            "results/{patient}/plans/{method}.json",
            patient=PATIENTS,
            method=[*recurrences.MARGINS, *METHODS],
        ),
    output:
        "results/patients.csv",
    log:
        "results/logs/collect_scores.log",
    group:
        "patients"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        sources=sources("collect_scores.py"),
    script:
        "../scripts/collect_scores.py"


rule table_patients:
    """GliODIL's metrics over all patients."""
    input:
        metrics="results/patients.csv",
    output:
        csv=report(
            "results/tables/patients.csv",
            caption="../report/table_patients.rst",
            category="Tables",
            labels={"table": "patients"},
        ),
        md="results/tables/patients.md",
        tex="results/tables/patients.tex",
    log:
        "results/logs/table/patients.log",
    group:
        "patients"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        number="patients",
        methods=[*recurrences.MARGINS, *METHODS],
        titles=PLAN.titles
        | recurrences.MARGINS
        | {STANDARD_PLAN: f"Standard plan ({CONFIG.plans.margin_mm:g} mm)"},
        cases="patients",
        sources=sources("table.py"),
    script:
        "../scripts/table.py"
