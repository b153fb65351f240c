"""A cohort without patients: simulated tumours with outlines as bad as real ones, and what every method makes of them."""


rule cohort_patient:
    """Grown on a deformed atlas, on another grid than fits have; outlines made rough."""
    input:
        tissue=tissue(CONFIG.anatomy),
    output:
        volumes=multiext(
            "results/cohort/{index}/", "seg.nii.gz", "truth.nii.gz", "brain.nii.gz"
        ),
        truth="results/cohort/{index}/truth.json",
        shapes="results/cohort/{index}/shapes.json",
    log:
        "results/logs/cohort_patient/{index}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(1 / 2),
    params:
        seed=lambda wildcards: CONFIG.seeds.patients * 10000 + int(wildcards.index),
        spacing=CONFIG.spacing,
        sources=sources("cohort_patient.py"),
    script:
        "../scripts/cohort_patient.py"


rule score_cohort_truth:
    """How well the true density explains outlines as rough as a rater's: what a fit should not do better than."""
    input:
        tissue=tissue(CONFIG.anatomy),
        patient=rules.cohort_patient.output.volumes,
        truth=rules.cohort_patient.output.truth,
    output:
        "results/cohort/{index}/truth.scores.json",
    log:
        "results/logs/score_cohort_truth/{index}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(1 / 2),
    params:
        row=TRUTH,
        sources=sources("score_cohort_truth.py"),
    script:
        "../scripts/score_cohort_truth.py"


rule fit_cohort_patient:
    """One method, told to find one focus, or as many as there are."""
    input:
        tissue=tissue(CONFIG.anatomy),
        patient=rules.cohort_patient.output.volumes,
        truth=rules.cohort_patient.output.truth,
        networks=weights,
    output:
        summary="results/cohort/{index}/{sought}/{method}.json",
        volumes="results/cohort/{index}/{sought}/{method}.npz",
        scores="results/cohort/{index}/{sought}/{method}.scores.json",
    log:
        "results/logs/fit_cohort_patient/{index}-{sought}-{method}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(12),
        runtime=hours(48),
        gpu=gpus,
    params:
        settings=lambda wildcards: CONFIG.settings(wildcards.method),
        row=lambda wildcards: told_row(wildcards.method, wildcards.sought),
        growth_model=lambda wildcards: PLAN.cohort.model(wildcards.sought),
        seed=CONFIG.seeds.inversion,
        spacing=CONFIG.spacing,
        sources=method_sources("fit_cohort_patient.py"),
    script:
        "../scripts/fit_cohort_patient.py"


rule collect_cohort_scores:
    """Per-patient values of all methods."""
    input:
        scores=PLAN.cohort.scores,
    output:
        "results/cohort.csv",
    log:
        "results/logs/collect_cohort_scores.log",
    group:
        "cohort"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        sources=sources("collect_scores.py"),
    script:
        "../scripts/collect_scores.py"


rule table_cohort:
    input:
        metrics="results/cohort.csv",
    output:
        csv=report(
            "results/tables/cohort.csv",
            caption="../report/table_cohort.rst",
            category="Tables",
            labels={"table": "a cohort without patients"},
        ),
        md="results/tables/cohort.md",
        tex="results/tables/cohort.tex",
    log:
        "results/logs/table/cohort.log",
    group:
        "cohort"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        number="cohort",
        methods=list(PLAN.cohort.rows),
        titles=PLAN.cohort.rows,
        cases="cohort",
        ours=next(iter(PLAN.cohort.rows), None),
        sources=sources("table.py"),
    script:
        "../scripts/table.py"


rule figure_cohort:
    """Volumes, ratios and roughness of the cohort beside real segmentations and the plain prior."""
    input:
        tissue=tissue(CONFIG.anatomy),
        shapes=expand(
            "results/cohort/{index}/shapes.json", index=range(CONFIG.cohort.number)
        ),
    output:
        png=report(
            "results/figures/cohort.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={
                "figure": "cohort",
                "shows": "outlines of a cohort without patients",
            },
        ),
        pdf="results/figures/cohort.pdf",
        csv="results/figures/cohort.csv",
    log:
        "results/logs/figure_cohort.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(1),
    params:
        caption=CAPTIONS["cohort"],
        prior=CONFIG.prior.model_dump(),
        seed=CONFIG.seeds.patients,
        spacing=CONFIG.spacing,
        sources=sources("figure_cohort.py"),
    script:
        "../scripts/figure_cohort.py"
