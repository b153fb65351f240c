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
        tables=TABLES.values(),
        others=(CLINICAL | GLIODIL | FORWARD).values(),
        figures=REPORT_FIGURES.values(),
        fits=expand("results/{patient}/{method}.json", patient=PATIENTS, method=METHODS),
        preparations=expand("results/{patient}/preparation.png", patient=PATIENTS),
        pictures=expand("results/{patient}/{shown}.png", patient=PATIENTS, shown=SHOWN),
        prepared=expand("results/{patient}/prepared/prepared.json", patient=PATIENTS),
        pages=expand("results/{patient}/page.html", patient=PATIENTS),
        config="results/config.yaml",
        sources=sources("html_report.py"),
        templates=templates("report.html"),
    output:
        "results/report.html",
    log:
        "results/logs/html_report.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        tables=page_tables(TABLES),
        others=list(CLINICAL | GLIODIL | FORWARD),
        figures=list(REPORT_FIGURES),
        patients=PATIENTS,
        notes=[notes(patient) for patient in PATIENTS],
        methods=METHODS,
        titles=TITLES
        | GLIODIL_TITLES
        | FORWARD_TITLES["surrogate_error"]
        | FORWARD_TITLES["surrogate_time"],
        shown=SHOWN,
        cases=CONFIG.anatomy,
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
            "results/{{patient}}/plans/{plan}.nii.gz", plan=[STANDARD_PLAN, ON_PAGE]
        ),
        standard_scores=f"results/{{patient}}/plans/{STANDARD_PLAN}.json",
        deviation=[f"results/{{patient}}/{ON_PAGE}_deviation.nii.gz"]
        * gives_deviation(ON_PAGE),
        sources=sources("patient_page.py"),
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
        notes=lambda wildcards: notes(wildcards.patient),
    script:
        "../scripts/patient_page.py"


rule record_run:
    """Which commits and configs made the results that the page of results shows."""
    input:
        cases=[
            file
            for cases in CONFIG.case_sets
            for method in METHODS
            for file in fits_to_cases(cases, method)
        ],
        patients=[
            f"results/table3/{patient}/{method}.json"
            for method in COMPARED
            for patient in PATIENTS
        ],
        in_silico=IN_SILICO_FITS,
        surrogates=[
            *expand(
                "results/forward/{surrogate}-{cases}.json",
                surrogate=SURROGATES,
                cases=CONFIG.case_sets,
            ),
            *["results/forward/times.json"] * bool(SURROGATES),
        ],
        config="results/config.yaml",
        sources=sources("record_run.py"),
    output:
        "results/run.json",
    log:
        "results/logs/record_run.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        configs=[
            os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else path.name
            for path in (
                Path(given).absolute() for given in workflow.overwrite_configfiles
            )
        ],
    script:
        "../scripts/record_run.py"


rule results_page:
    """`docs/results.md` as of this run; `make results-doc` puts it there."""
    input:
        tables=PAGE_TABLES.values(),
        printed=[str(Path(path).with_suffix(".md")) for path in PAGE_TABLES.values()],
        metrics="results/metrics.csv",
        forward=["results/forward.csv"] * bool(FORWARD),
        in_silico=["results/gliodil_synthetic.csv"] * bool(GLIODIL),
        figures=PAGE_FIGURES.values(),
        config="results/config.yaml",
        run="results/run.json",
        cards=CARDS.values(),
        sources=sources("results_page.py"),
        published=data("reporting/tables/weidner2026.csv"),
        captions=data("reporting/templates/captions.json"),
    output:
        page="results/page/results.md",
        images=expand("results/page/images/results_{key}.png", key=PAGE_FIGURES),
    log:
        "results/logs/results_page.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        tables=page_tables(PAGE_TABLES),
        figures=list(PAGE_FIGURES),
        titles=TITLES,
        networks=list(CARDS),
        errors=ERROR_ROWS,
        times=TIME_ROWS,
        told=IN_SILICO,
    script:
        "../scripts/results_page.py"
