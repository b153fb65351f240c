"""Fits → metrics → tables, figures and the report."""


rule score:
    """Per-case metrics of every method, so that each reference is simulated once."""
    input:
        unpack(fits),
        sources=sources("score.py"),
    output:
        "results/metrics/{set}.csv",
    log:
        "results/logs/score/{set}.log",
    benchmark:
        "results/benchmarks/score/{set}.tsv"
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=memory(4),
        runtime="4h",
    params:
        spacing=CONFIG.spacing,
    script:
        "../scripts/score.py"


rule collect_metrics:
    input:
        metrics=expand("results/metrics/{set}.csv", set=SETS),
        sources=sources("collect_metrics.py"),
    output:
        "results/metrics.csv",
    log:
        "results/logs/collect_metrics.log",
    localrule: True
    conda:
        ENVIRONMENT
    script:
        "../scripts/collect_metrics.py"


rule table:
    input:
        metrics="results/metrics.csv",
        sources=sources("table.py"),
    output:
        csv=report(
            "results/tables/weidner_table{table}.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        md="results/tables/weidner_table{table}.md",
        tex="results/tables/weidner_table{table}.tex",
    log:
        "results/logs/table/{table}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        number=lambda wildcards: int(wildcards.table[0]),
        methods=METHODS,
        titles=TITLES,
        cases=lambda wildcards: (
            "patients"
            if wildcards.table == "3"
            else wildcards.table[2:] or CONFIG.anatomy
        ),
    script:
        "../scripts/table.py"


rule surrogate_error:
    """A surrogate against the solver, on every test case of a set."""
    input:
        tissue=case_tissue,
        cases="results/cases/{cases}/truth.json",
        weights=lambda wildcards: SURROGATES[wildcards.surrogate],
        sources=sources("surrogate_error.py"),
    output:
        "results/forward/{surrogate}-{cases}.csv",
    log:
        "results/logs/surrogate_error/{surrogate}-{cases}.log",
    benchmark:
        "results/benchmarks/surrogate_error/{surrogate}-{cases}.tsv"
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(12),
        runtime="4h",
    params:
        spacing=CONFIG.spacing,
    script:
        "../scripts/surrogate_error.py"


rule forward_times:
    """The solver and all surrogates on the same cases, one after another in one job."""
    input:
        tissue=tissue(CONFIG.anatomy),
        cases=f"results/cases/{CONFIG.anatomy}/truth.json",
        weights=list(SURROGATES.values()),
        sources=sources("forward_times.py"),
    output:
        "results/forward/times.csv",
    log:
        "results/logs/forward_times.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(24),
        runtime="2h",
        gpu=int(CONFIG.device == "cuda"),
    params:
        number=8,
        spacing=CONFIG.spacing,
        surrogates=list(SURROGATES),
        devices=DEVICES,
    script:
        "../scripts/forward_times.py"


rule collect_forward:
    input:
        metrics=expand(
            "results/forward/{surrogate}-{cases}.csv",
            surrogate=SURROGATES,
            cases=CONFIG.case_sets,
        )
        + ["results/forward/times.csv"],
        sources=sources("collect_metrics.py"),
    output:
        "results/forward.csv",
    log:
        "results/logs/collect_forward.log",
    localrule: True
    conda:
        ENVIRONMENT
    script:
        "../scripts/collect_metrics.py"


rule table_forward:
    """Errors and times of the surrogates."""
    input:
        metrics="results/forward.csv",
        sources=sources("table.py"),
    output:
        csv=report(
            "results/tables/{forward}.csv",
            caption="../report/table_forward.rst",
            category="Tables",
            labels={"table": "{forward}"},
        ),
        md="results/tables/{forward}.md",
        tex="results/tables/{forward}.tex",
    log:
        "results/logs/table/{forward}.log",
    wildcard_constraints:
        forward="surrogate_error|surrogate_time",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        number=lambda wildcards: wildcards.forward,
        methods=lambda wildcards: list(FORWARD_TITLES[wildcards.forward]),
        titles=lambda wildcards: FORWARD_TITLES[wildcards.forward],
        cases="forward",
        ours=lambda wildcards: next(iter(FORWARD_TITLES[wildcards.forward])),
    script:
        "../scripts/table.py"


rule figure_surrogate:
    """Where the surrogate is wrong: error over θ and volume."""
    input:
        metrics="results/forward.csv",
        sources=sources("figure_surrogate.py"),
    output:
        png=report(
            "results/figures/surrogate_error.png",
            caption="../report/table_forward.rst",
            category="Figures",
            labels={"figure": "surrogate", "shows": "error of the surrogate"},
        ),
        pdf="results/figures/surrogate_error.pdf",
    log:
        "results/logs/figure_surrogate.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        method=f"surrogate_{CONFIG.anatomy}",
    script:
        "../scripts/figure_surrogate.py"


rule html_report:
    """Tables, figures and patients in one file."""
    input:
        tables=TABLES,
        figures=FIGURES + ANALYSIS,
        others=[*CLINICAL, *GLIODIL, *FORWARD],
        losses=expand("results/networks/{network}/training.png", network=TRAINED),
        fits=expand("results/{patient}/{method}.json", patient=PATIENTS, method=METHODS),
        pictures=expand(
            "results/{patient}/{shown}.png",
            patient=PATIENTS,
            shown=["preparation", SHOWN],
        ),
        prepared=expand("results/{patient}/prepared/prepared.json", patient=PATIENTS),
        pages=expand("results/{patient}/page.html", patient=PATIENTS),
        config="results/config.yaml",
        sources=sources("html_report.py"),
    output:
        "results/report.html",
    log:
        "results/logs/html_report.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        tables=SHOWN_TABLES,
        patients=PATIENTS,
        methods=METHODS,
        titles=TITLES,
        other_titles=GLIODIL_TITLES
        | FORWARD_TITLES["surrogate_error"]
        | FORWARD_TITLES["surrogate_time"],
        shown=SHOWN,
        synthetic=SYNTHETIC,
        cases=CONFIG.anatomy,
    script:
        "../scripts/html_report.py"


rule deviation:
    """What the posterior of θ means for the density: a standard deviation in every voxel."""
    input:
        prepared=prepared("{patient}"),
        summary="results/{patient}/{method}.json",
        sources=sources("deviation.py"),
    output:
        "results/{patient}/{method}_deviation.nii.gz",
    log:
        "results/logs/deviation/{patient}-{method}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=memory(8),
        runtime="1h",
    params:
        spacing=CONFIG.spacing,
    script:
        "../scripts/deviation.py"


rule patient_page:
    """All methods, plans, uncertainty and an interactive viewer of one patient, for reading offline."""
    input:
        prepared=prepared("{patient}"),
        scans=scans,
        preparation="results/{patient}/preparation.png",
        densities=expand("results/{{patient}}/{method}.nii.gz", method=METHODS),
        summaries=expand("results/{{patient}}/{method}.json", method=METHODS),
        scores=expand("results/{{patient}}/plans/{method}.json", method=METHODS),
        plans=expand(
            "results/{{patient}}/plans/{plan}.nii.gz", plan=[STANDARD_PLAN, ON_PAGE]
        ),
        standard_scores=f"results/{{patient}}/plans/{STANDARD_PLAN}.json",
        deviation=[f"results/{{patient}}/{ON_PAGE}_deviation.nii.gz"]
        * gives_deviation(ON_PAGE),
        sources=sources("patient_page.py"),
    output:
        report(
            "results/{patient}/page.html",
            caption="../report/page.rst",
            category="Patients",
            subcategory="{patient}",
            labels={"shows": "all of it"},
        ),
    log:
        "results/logs/patient_page/{patient}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=4000,
        runtime="1h",
    params:
        methods=METHODS,
        titles=TITLES,
        shown=ON_PAGE,
        margin=CONFIG.plans.margin_mm,
        notes=lambda wildcards: (
            [SYNTHETIC] if wildcards.patient.startswith("synthetic") else []
        ),
    script:
        "../scripts/patient_page.py"


rule save_config:
    """What was run, with every default and override."""
    output:
        "results/config.yaml",
    log:
        "results/logs/save_config.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        config=CONFIG.model_dump(exclude_none=True),
    script:
        "../scripts/save_config.py"


rule figure_forward:
    """Figure 1b: the surrogate beside the solver, on test cases."""
    input:
        tissue=tissue(CONFIG.anatomy),
        cases=f"results/cases/{CONFIG.anatomy}/truth.json",
        weights=weights_of("surrogate"),
        sources=sources("figure_forward.py"),
    output:
        png=report(
            "results/figures/weidner_figure1b.png",
            caption="../report/figure1b.rst",
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
        runtime="1h",
    params:
        number=3,
        spacing=CONFIG.spacing,
    script:
        "../scripts/figure_forward.py"


rule figure_errors:
    """Figure 3 (distribution of errors) and Figure 5 (where errors are large)."""
    input:
        metrics="results/metrics.csv",
        sources=sources("figure_errors.py"),
    output:
        png=report(
            "results/figures/weidner_figure{figure}.png",
            caption="../report/figure_errors.rst",
            category="Figures",
            labels={"figure": "{figure}", "shows": "errors on synthetic tumours"},
        ),
        pdf="results/figures/weidner_figure{figure}.pdf",
    log:
        "results/logs/figure_errors/{figure}.log",
    wildcard_constraints:
        figure="[35]",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        methods=METHODS,
        titles=TITLES,
        cases=CONFIG.anatomy,
    script:
        "../scripts/figure_errors.py"


rule figure_patients:
    """Figure 4: scan, segmentation and inferred density of the first patients."""
    input:
        scans=[os.path.relpath(SHEET[patient].scan) for patient in PATIENTS[:5]],
        segmentations=[
            f"results/{patient}/prepared/seg.nii.gz" for patient in PATIENTS[:5]
        ],
        densities=expand(
            "results/{patient}/{method}.nii.gz", patient=PATIENTS[:5], method=SHOWN
        ),
        sources=sources("figure_patients.py"),
    output:
        png=report(
            "results/figures/weidner_figure4.png",
            caption="../report/figure4.rst",
            category="Figures",
            labels={"figure": "4", "shows": "patients"},
        ),
        pdf="results/figures/weidner_figure4.pdf",
    log:
        "results/logs/figure_patients.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        names=PATIENTS[:5],
    script:
        "../scripts/figure_patients.py"


rule figure_failures:
    """The case that each method does worst on."""
    input:
        metrics="results/metrics.csv",
        tissue=tissue(CONFIG.anatomy),
        fits=[
            f"results/cases/{CONFIG.anatomy}/{method}/{chunk}.json"
            for method in METHODS
            for chunk in chunks(CONFIG.anatomy, method)
        ],
        sources=sources("figure_failures.py"),
    output:
        png=report(
            "results/figures/failures.png",
            caption="../report/figure_failures.rst",
            category="Figures",
            labels={"figure": "failures", "shows": "worst case of each method"},
        ),
        pdf="results/figures/failures.pdf",
    log:
        "results/logs/figure_failures.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        methods=METHODS,
        titles=TITLES,
        cases=CONFIG.anatomy,
        shape=CONFIG.crop,
        spacing=CONFIG.spacing,
    script:
        "../scripts/figure_failures.py"


rule figure_volumes:
    """What the prior draws, beside real tumours where there are any."""
    input:
        cases=f"results/cases/{CONFIG.anatomy}/truth.json",
        whole=[
            f"results/{patient}/prepared/whole.nii.gz"
            for patient in PATIENTS
            if not patient.startswith("synthetic")
        ],
        sources=sources("figure_volumes.py"),
    output:
        png=report(
            "results/figures/volumes.png",
            caption="../report/figure_volumes.rst",
            category="Figures",
            labels={"figure": "volumes", "shows": "volumes of tumours"},
        ),
        pdf="results/figures/volumes.pdf",
    log:
        "results/logs/figure_volumes.log",
    localrule: True
    conda:
        ENVIRONMENT
    script:
        "../scripts/figure_volumes.py"


rule figure_learning:
    """How the networks learned."""
    input:
        logs=LOGS.values(),
        sources=sources("figure_learning.py"),
    output:
        png=report(
            "results/figures/learning.png",
            caption="../report/training.rst",
            category="Networks",
            labels={"network": "all"},
        ),
        pdf="results/figures/learning.pdf",
    log:
        "results/logs/figure_learning.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        networks=list(LOGS),
    script:
        "../scripts/figure_learning.py"


rule results_page:
    """`docs/results.md` as of this run; `make results-doc` puts it there."""
    input:
        tables=TABLES + FORWARD[:2],
        metrics="results/metrics.csv",
        figures=PAGE_FIGURES.values(),
        config="results/config.yaml",
        sources=sources("results_page.py"),
        published=os.path.relpath(ROOT / "src/gliofit/data/weidner2026.csv"),
    output:
        page="results/page/results.md",
        images=expand("results/page/images/results_{key}.png", key=PAGE_FIGURES),
    log:
        "results/logs/results_page.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        names=list(PAGE_FIGURES),
        titles=TITLES,
    script:
        "../scripts/results_page.py"
