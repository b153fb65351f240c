"""GliODIL's synthetic patients: tumours of one and of three foci whose true density is known."""


rule gliodil_patient:
    """Grown on the atlas at 1 mm; the atlas also is the tissue that fits are given."""
    input:
        tissue=tissue(CONFIG.anatomy),
    output:
        volumes=multiext(
            "results/gliodil_synthetic/{foci}_{index}/",
            "seg.nii.gz",
            "fet.nii.gz",
            "recurrence.nii.gz",
            "truth.nii.gz",
        ),
        truth="results/gliodil_synthetic/{foci}_{index}/truth.json",
        scores=[
            "results/gliodil_synthetic/{foci}_{index}/standard.json",
            "results/gliodil_synthetic/{foci}_{index}/geodesic.json",
        ],
    log:
        "results/logs/gliodil_patient/{foci}_{index}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(1 / 2),
    params:
        seed=lambda wildcards: CONFIG.seeds.patients * 10000 + int(wildcards.index),
        sources=sources("gliodil_patient.py"),
    script:
        "../scripts/gliodil_patient.py"


rule fit_gliodil_patient:
    """Fit, plan and scores of one method, told the outlines alone (mri) or FET-PET too (mri_pet)."""
    input:
        tissue=tissue(CONFIG.anatomy),
        patient=rules.gliodil_patient.output.volumes,
        truth=rules.gliodil_patient.output.truth,
        networks=weights,
    output:
        density="results/gliodil_synthetic/{foci}_{index}/{observed}/{method}.nii.gz",
        summary="results/gliodil_synthetic/{foci}_{index}/{observed}/{method}.json",
        volumes="results/gliodil_synthetic/{foci}_{index}/{observed}/{method}.npz",
        scores="results/gliodil_synthetic/{foci}_{index}/{observed}/{method}.scores.json",
    log:
        "results/logs/fit_gliodil_patient/{foci}_{index}-{observed}-{method}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(12),
        runtime=hours(48),
        gpu=gpus,
    params:
        settings=lambda wildcards: CONFIG.settings(wildcards.method),
        row=lambda wildcards: told_row(wildcards.method, wildcards.observed),
        seed=CONFIG.seeds.inversion,
        spacing=CONFIG.spacing,
        growth_model=CONFIG.growth_model,
        sources=method_sources("fit_gliodil_patient.py"),
    script:
        "../scripts/fit_gliodil_patient.py"


rule collect_gliodil_scores:
    """Per-patient values of all methods."""
    input:
        scores=expand(
            "results/gliodil_synthetic/{foci}_{index}/{plan}.json",
            plan=["standard", "geodesic"],
            foci=["single", "multi"],
            index=range(CONFIG.gliodil_synthetic.number),
        )
        + [str(Path(fit).with_suffix(".scores.json")) for fit in PLAN.in_silico_fits],
    output:
        "results/gliodil_synthetic.csv",
    log:
        "results/logs/collect_gliodil_scores.log",
    group:
        "gliodil"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        sources=sources("collect_scores.py"),
    script:
        "../scripts/collect_scores.py"


rule table_gliodil:
    input:
        metrics="results/gliodil_synthetic.csv",
    output:
        csv=report(
            "results/tables/gliodil_synthetic_{foci}.csv",
            caption="../report/table_gliodil.rst",
            category="Tables",
            labels={"table": "GliODIL's synthetic patients, {foci}"},
        ),
        md="results/tables/gliodil_synthetic_{foci}.md",
        tex="results/tables/gliodil_synthetic_{foci}.tex",
    log:
        "results/logs/table/gliodil_synthetic_{foci}.log",
    group:
        "gliodil"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        number="gliodil_synthetic_{foci}",
        methods=[STANDARD_PLAN, *PLAN.in_silico],
        titles=recurrences.ways(PLAN),
        cases="{foci}",
        sources=sources("table.py"),
    script:
        "../scripts/table.py"


rule figure_gliodil:
    """GliODIL's Figure 2: what was seen, what was true and what was inferred."""
    input:
        tissue=tissue(CONFIG.anatomy),
        patients=expand(
            "results/gliodil_synthetic/{foci}_0/truth.json", foci=["single", "multi"]
        ),
        densities=[
            f"results/gliodil_synthetic/{foci}_0/{observed}/{method}.nii.gz"
            for foci in ("single", "multi")
            for method, observed in PLAN.in_silico.values()
        ],
        metrics="results/gliodil_synthetic.csv",
    output:
        png=report(
            "results/figures/gliodil_synthetic.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "GliODIL 2", "shows": "synthetic patients"},
        ),
        pdf="results/figures/gliodil_synthetic.pdf",
    log:
        "results/logs/figure_gliodil.log",
    group:
        "gliodil"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(1 / 2),
    params:
        caption=CAPTIONS["gliodil_synthetic"],
        fits=list(PLAN.in_silico),
        titles=recurrences.ways(PLAN),
        sources=sources("figure_gliodil.py"),
    script:
        "../scripts/figure_gliodil.py"
