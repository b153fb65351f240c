"""GliODIL's studies on its synthetic patients: recurrences and plans, λ_PDE, and the initial guess."""


rule compare_plans:
    """All ways of planning against the standard plan, on recurrences by kind: intervals, paired tests, who gains."""
    input:
        metrics="results/gliodil_synthetic.csv",
    output:
        csv="results/tables/recurrences.csv",
        md="results/tables/recurrences.md",
        png=report(
            "results/figures/recurrences.png",
            caption="../report/figure_recurrences.rst",
            category="Figures",
            labels={"figure": "GliODIL 5", "shows": "coverage over volume"},
        ),
        pdf="results/figures/recurrences.pdf",
    log:
        "results/logs/compare_plans.log",
    group:
        "gliodil"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        titles=recurrences.ways(PLAN),
        sets=recurrences.SETS,
        sources=sources("compare_plans.py"),
    script:
        "../scripts/compare_plans.py"


rule study_gliodil:
    """One patient: gliodil with every λ_PDE, and from guesses that are off."""
    input:
        tissue=tissue(CONFIG.anatomy),
        patient=rules.gliodil_patient.output.volumes,
        truth=rules.gliodil_patient.output.truth,
    output:
        "results/gliodil_study/{foci}_{index}.csv",
    log:
        "results/logs/study_gliodil/{foci}_{index}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(12),
        runtime=hours(8),
    params:
        settings=CONFIG.settings("gliodil"),
        weights=CONFIG.gliodil_studies.pde_weights,
        guesses=CONFIG.gliodil_studies.guesses,
        scatter=CONFIG.gliodil_studies.scatter,
        spacing=CONFIG.spacing,
        seed=CONFIG.seeds.inversion,
        sources=sources("study_gliodil.py", "gliofit.inversion.methods.gliodil", MODEL),
    script:
        "../scripts/study_gliodil.py"


rule table_study:
    """Means over patients by λ_PDE, and the spread that the start makes; and the first as a figure."""
    input:
        studies=recurrences.studies(PLAN),
    output:
        csv="results/tables/gliodil_study.csv",
        md="results/tables/gliodil_study.md",
        png=report(
            "results/figures/gliodil_study.png",
            caption="../report/figure_gliodil_study.rst",
            category="Figures",
            labels={"figure": "GliODIL 2 e", "shows": "λ_PDE"},
        ),
        pdf="results/figures/gliodil_study.pdf",
    log:
        "results/logs/table_study.log",
    group:
        "gliodil"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        sources=sources("table_study.py"),
    script:
        "../scripts/table_study.py"
