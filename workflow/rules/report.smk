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


rule results_page:
    """`docs/results.md` as of this run; `make results-doc` puts it there."""
    input:
        tables=TABLES + FORWARD[:2] + GLIODIL[:2],
        metrics="results/metrics.csv",
        forward=["results/forward.csv"] * bool(FORWARD),
        plans=["results/gliodil_synthetic.csv"] * bool(GLIODIL),
        figures=PAGE_FIGURES.values(),
        config="results/config.yaml",
        cards=CARDS.values(),
        sources=sources("results_page.py"),
        published=os.path.relpath(ROOT / "src/gliofit/reporting/tables/weidner2026.csv"),
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
        networks=list(CARDS),
        configs=[
            os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else path.name
            for path in (
                Path(given).absolute() for given in workflow.overwrite_configfiles
            )
        ],
    script:
        "../scripts/results_page.py"
