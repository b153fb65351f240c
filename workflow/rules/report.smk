"""Tables, figures and patients → pages to read."""


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


rule html_report:
    """Tables, figures and patients in one file."""
    input:
        tables=PLAN.tables.values(),
        others=[
            *(PLAN.other_tables | LMI.tables).values(),
            *TABLE_II.values(),
        ],
        figures=(PLAN.report_figures | LMI.figures).values(),
        fits=expand("results/{patient}/{method}.json", patient=PATIENTS, method=METHODS),
        preparations=expand("results/{patient}/preparation.png", patient=PATIENTS),
        pictures=expand(
            "results/{patient}/{shown}.png", patient=PATIENTS, shown=PLAN.shown
        ),
        prepared=expand("results/{patient}/prepared/prepared.json", patient=PATIENTS),
        pages=expand("results/{patient}/page.html", patient=PATIENTS),
        config="results/config.yaml",
        templates=templates("report.html"),
    output:
        "results/report.html",
    log:
        "results/logs/html_report.log",
    group:
        "report"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        tables=PLAN.table_keys(PLAN.tables),
        others=[*PLAN.other_tables, *LMI.tables, *TABLE_II],
        figures=list(PLAN.report_figures | LMI.figures),
        patients=PATIENTS,
        notes=[PLAN.notes(patient) for patient in PATIENTS],
        methods=METHODS,
        titles=TITLES,
        shown=PLAN.shown,
        cases=CONFIG.anatomy,
        sources=sources("html_report.py"),
    script:
        "../scripts/html_report.py"


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
            "results/{{patient}}/plans/{plan}.nii.gz",
            plan=[STANDARD_PLAN, PLAN.on_page],
        ),
        standard_scores=f"results/{{patient}}/plans/{STANDARD_PLAN}.json",
        deviation=[f"results/{{patient}}/{PLAN.on_page}_deviation.nii.gz"]
        * PLAN.gives_deviation(PLAN.on_page),
        contours=contours,
        posterior=expand(
            "results/{{patient}}/{method}/posterior.json", method=SAMPLERS[:1]
        ),
        by_probability=expand(
            "results/{{patient}}/plans/{method}_probability.json",
            method=SAMPLERS[:1],
        ),
        templates=templates("patient.html") + templates("viewer.html"),
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
    group:
        "patient"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(1),
    params:
        methods=METHODS,
        titles=PLAN.titles,
        shown=PLAN.on_page,
        margin=CONFIG.plans.margin_mm,
        notes=lambda wildcards: PLAN.notes(wildcards.patient),
        sources=sources("patient_page.py"),
    script:
        "../scripts/patient_page.py"


rule record_run:
    """Which commits and configs made the results that the page of results shows."""
    input:
        cases=[
            file
            for cases in CONFIG.case_sets
            for method in METHODS
            for file in PLAN.fits_to_cases(cases, method)
        ],
        patients=[
            f"results/table3/{patient}/{method}.json"
            for method in PLAN.compared
            for patient in PATIENTS
        ],
        in_silico=PLAN.in_silico_fits,
        surrogates=[
            *expand(
                "results/forward/{surrogate}-{cases}.json",
                surrogate=WEIGHTS.surrogates,
                cases=CONFIG.case_sets,
            ),
            *["results/forward/times.json"] * bool(WEIGHTS.surrogates),
        ],
        config="results/config.yaml",
    output:
        "results/run.json",
    log:
        "results/logs/record_run.log",
    group:
        "report"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        configs=[
            os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else path.name
            for path in (
                Path(given).absolute() for given in workflow.overwrite_configfiles
            )
        ],
        sources=sources("record_run.py"),
    script:
        "../scripts/record_run.py"


rule results_page:
    """`docs/results.md` as of this run; `make results-doc` puts it there."""
    input:
        tables=PLAN.page_tables.values(),
        printed=[
            str(Path(path).with_suffix(".md")) for path in PLAN.page_tables.values()
        ],
        metrics="results/metrics.csv",
        forward=["results/forward.csv"] * bool(PLAN.forward_tables),
        in_silico=["results/gliodil_synthetic.csv"] * bool(PLAN.gliodil_tables),
        figures=PLAN.page_figures.values(),
        config="results/config.yaml",
        run="results/run.json",
        cards=WEIGHTS.cards.values(),
        published=data(
            "reporting/tables/weidner2026.csv", "reporting/tables/ezhov2021.csv"
        ),
        captions=data("reporting/templates/captions.json"),
    output:
        page="results/page/results.md",
        images=expand("results/page/images/results_{key}.png", key=PLAN.page_figures),
    log:
        "results/logs/results_page.log",
    group:
        "report"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        tables=PLAN.table_keys(PLAN.page_tables),
        figures=list(PLAN.page_figures),
        titles=PLAN.titles,
        networks=list(WEIGHTS.cards),
        errors=PLAN.error_rows,
        times=PLAN.time_rows,
        told=PLAN.in_silico,
        sources=sources("results_page.py"),
    script:
        "../scripts/results_page.py"
