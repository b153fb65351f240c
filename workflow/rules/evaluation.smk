"""Fits → metrics → tables."""


rule score:
    """Per-case metrics of every method, so that each reference is simulated once."""
    input:
        unpack(fits),
    output:
        "results/metrics/{set}.csv",
    log:
        "results/logs/score/{set}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=memory(4),
        runtime=hours(4),
    params:
        spacing=CONFIG.spacing,
        sources=sources("score.py"),
    script:
        "../scripts/score.py"


rule collect_metrics:
    input:
        metrics=expand("results/metrics/{set}.csv", set=PLAN.sets),
    output:
        "results/metrics.csv",
    log:
        "results/logs/collect_metrics.log",
    group:
        "metrics"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        sources=sources("collect_metrics.py"),
    script:
        "../scripts/collect_metrics.py"


rule table:
    input:
        metrics="results/metrics.csv",
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
    group:
        "metrics"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        number=lambda wildcards: PLAN.weidner[wildcards.table][0],
        methods=METHODS,
        titles=PLAN.titles,
        cases=lambda wildcards: PLAN.weidner[wildcards.table][1],
        sources=sources("table.py"),
    script:
        "../scripts/table.py"


rule surrogate_error:
    """A surrogate against the solver, on every test case of a set."""
    input:
        tissue=case_tissue,
        cases="results/cases/{cases}/truth.json",
        weights=lambda wildcards: WEIGHTS.surrogates[wildcards.surrogate],
    output:
        metrics="results/forward/{surrogate}-{cases}.csv",
        made_by="results/forward/{surrogate}-{cases}.json",
    log:
        "results/logs/surrogate_error/{surrogate}-{cases}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(12),
        runtime=hours(4),
    params:
        spacing=CONFIG.spacing,
        row=lambda wildcards: forward_row(wildcards.surrogate, wildcards.cases),
        sources=sources("surrogate_error.py"),
    script:
        "../scripts/surrogate_error.py"


rule forward_times:
    """The solver and all surrogates on the same cases, one after another in one job."""
    input:
        tissue=tissue(CONFIG.anatomy),
        cases=f"results/cases/{CONFIG.anatomy}/truth.json",
        weights=list(WEIGHTS.surrogates.values()),
    output:
        metrics="results/forward/times.csv",
        made_by="results/forward/times.json",
    log:
        "results/logs/forward_times.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(24),
        runtime=hours(2),
        gpu=int(CONFIG.device == "cuda"),
    params:
        number=8,
        spacing=CONFIG.spacing,
        surrogates=list(WEIGHTS.surrogates),
        rows=PLAN.time_rows,
        sources=sources("forward_times.py"),
    script:
        "../scripts/forward_times.py"


rule collect_forward:
    input:
        metrics=expand(
            "results/forward/{surrogate}-{cases}.csv",
            surrogate=WEIGHTS.surrogates,
            cases=CONFIG.case_sets,
        )
        + ["results/forward/times.csv"],
    output:
        "results/forward.csv",
    log:
        "results/logs/collect_forward.log",
    group:
        "forward"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        sources=sources("collect_metrics.py"),
    script:
        "../scripts/collect_metrics.py"


rule table_forward:
    """Errors and times of the surrogates."""
    input:
        metrics="results/forward.csv",
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
    group:
        "forward"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        number=lambda wildcards: wildcards.forward,
        methods=lambda wildcards: list(PLAN.forward_titles[wildcards.forward]),
        titles=lambda wildcards: PLAN.forward_titles[wildcards.forward],
        cases="forward",
        ours=lambda wildcards: next(iter(PLAN.forward_titles[wildcards.forward])),
        sources=sources("table.py"),
    script:
        "../scripts/table.py"
