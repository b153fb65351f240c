"""Metrics and fits → figures."""


rule figure_surrogate:
    """Where the surrogate is wrong: error over θ and volume."""
    input:
        metrics="results/forward.csv",
    output:
        png=report(
            "results/figures/surrogate_error.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "surrogate", "shows": "error of the surrogate"},
        ),
        pdf="results/figures/surrogate_error.pdf",
    log:
        "results/logs/figure_surrogate.log",
    group:
        "forward"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        caption=CAPTIONS["surrogate_error"],
        method=forward_row("surrogate", CONFIG.anatomy),
        sources=sources("figure_surrogate.py"),
    script:
        "../scripts/figure_surrogate.py"


rule figure_forward:
    """Figure 1b: the surrogate beside the solver, on test cases."""
    input:
        tissue=tissue(CONFIG.anatomy),
        cases=f"results/cases/{CONFIG.anatomy}/truth.json",
        weights=WEIGHTS.path("surrogate"),
    output:
        png=report(
            "results/figures/weidner_figure1b.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "1b", "shows": "surrogate and solver"},
        ),
        pdf="results/figures/weidner_figure1b.pdf",
    log:
        "results/logs/figure_forward.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(12),
        runtime=hours(1),
    params:
        caption=CAPTIONS["1b"],
        number=3,
        spacing=CONFIG.spacing,
        sources=sources("figure_forward.py"),
    script:
        "../scripts/figure_forward.py"


rule figure_errors:
    """Figure 3 (distribution of errors) and Figure 5 (where errors are large)."""
    input:
        metrics="results/metrics.csv",
    output:
        png=report(
            "results/figures/weidner_figure{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}", "shows": "errors on synthetic tumours"},
        ),
        pdf="results/figures/weidner_figure{figure}.pdf",
    log:
        "results/logs/figure_errors/{figure}.log",
    wildcard_constraints:
        figure="[35]",
    group:
        "metrics"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        caption=lambda wildcards: CAPTIONS[wildcards.figure],
        methods=METHODS,
        titles=PLAN.titles,
        cases=CONFIG.anatomy,
        sources=sources("figure_errors.py"),
    script:
        "../scripts/figure_errors.py"


rule figure_patients:
    """Figure 4: scan, segmentation and inferred density of the first patients."""
    input:
        scans=[os.path.relpath(SHEET[patient].scan) for patient in SHOWN_PATIENTS],
        segmentations=[
            f"results/{patient}/prepared/seg.nii.gz" for patient in SHOWN_PATIENTS
        ],
        densities=expand(
            "results/{patient}/{method}.nii.gz",
            patient=SHOWN_PATIENTS,
            method=PLAN.shown,
        ),
    output:
        png=report(
            "results/figures/weidner_figure4.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "4", "shows": "patients"},
        ),
        pdf="results/figures/weidner_figure4.pdf",
    log:
        "results/logs/figure_patients.log",
    group:
        "report"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(3),
        runtime=hours(1 / 2),
    params:
        caption=CAPTIONS["4"],
        names=SHOWN_PATIENTS,
        sources=sources("figure_patients.py"),
    script:
        "../scripts/figure_patients.py"


rule figure_failures:
    """The case that each method does worst on."""
    input:
        metrics="results/metrics.csv",
        tissue=tissue(CONFIG.anatomy),
        fits=[file for m in METHODS for file in PLAN.fits_to_cases(CONFIG.anatomy, m)],
        volumes=[
            volume
            for m in METHODS
            for volume in volumes(PLAN.fits_to_cases(CONFIG.anatomy, m))
        ],
    output:
        png=report(
            "results/figures/failures.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "failures", "shows": "worst case of each method"},
        ),
        pdf="results/figures/failures.pdf",
    log:
        "results/logs/figure_failures.log",
    group:
        "metrics"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(4),
        runtime=hours(1 / 2),
    params:
        caption=CAPTIONS["failures"],
        methods=METHODS,
        titles=PLAN.titles,
        cases=CONFIG.anatomy,
        shape=CONFIG.crop,
        spacing=CONFIG.spacing,
        sources=sources("figure_failures.py"),
    script:
        "../scripts/figure_failures.py"


rule figure_volumes:
    """What the prior draws, beside real tumours where there are any."""
    input:
        cases=f"results/cases/{CONFIG.anatomy}/truth.json",
        whole=[
            f"results/{patient}/prepared/whole.nii.gz"
            for patient in PATIENTS
            if not PLAN.made_here(patient)
        ],
        segmented=data("reporting/figures/segmented_volumes.csv"),
    output:
        png=report(
            "results/figures/volumes.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "volumes", "shows": "volumes of tumours"},
        ),
        pdf="results/figures/volumes.pdf",
    log:
        "results/logs/figure_volumes.log",
    group:
        "report"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        caption=CAPTIONS["volumes"],
        sources=sources("figure_volumes.py"),
    script:
        "../scripts/figure_volumes.py"


rule figure_learning:
    """How the networks learned."""
    input:
        logs=WEIGHTS.logs.values(),
    output:
        png=report(
            "results/figures/learning.png",
            caption="../report/figure.rst",
            category="Networks",
            labels={"network": "all"},
        ),
        pdf="results/figures/learning.pdf",
    log:
        "results/logs/figure_learning.log",
    group:
        "report"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        caption=CAPTIONS["learning"],
        networks=list(WEIGHTS.logs),
        sources=sources("figure_learning.py"),
    script:
        "../scripts/figure_learning.py"
