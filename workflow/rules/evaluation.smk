"""Fits → metrics → tables, figures and the report."""

from gliofit.inversion.registry import METHODS as REGISTRY

TITLES = {method: REGISTRY[method].title for method in METHODS}
SHOWN_TABLES = ["1", "2"] + [f"2_{anatomy}" for anatomy in ANATOMIES[1:]] + ["3"] * bool(PATIENTS)
TABLES = expand("results/tables/weidner_table{table}.csv", table=SHOWN_TABLES)
FIGURES = expand(
    "results/figures/weidner_figure{figure}.png",
    figure=["1b"] * ("surrogate" in TRAINED) + ["3"] + ["4"] * bool(PATIENTS) + ["5"] * ("gb_surrogate" in METHODS),
)
SHOWN = "hybrid_com" if "hybrid_com" in METHODS else METHODS[-1]
"The method whose density Figure 4 shows."


def fits(wildcards):
    """Fits of a method in a set of cases, and the white-matter map that tells the anatomy of each."""
    if wildcards.set == "patients":
        files = expand("results/table3/{patient}/{method}.json", patient=PATIENTS, method=wildcards.method)
        return dict(fits=files, wm=[f"results/{patient}/prepared/wm.nii.gz" for patient in PATIENTS])
    folder = f"results/cases/{wildcards.set}/{wildcards.method}"
    files = [f"{folder}/{chunk}.json" for chunk in chunks(wildcards.set, wildcards.method)]
    return dict(fits=files, wm=[tissue(wildcards.set)[0]] * len(files))


rule score:
    """Per-case metrics of one method."""
    input:
        unpack(fits),
        sources=sources("score.py"),
    output:
        "results/metrics/{set}/{method}.csv",
    params:
        spacing=CONFIG.spacing,
    log:
        "results/logs/score/{set}-{method}.log",
    benchmark:
        "results/benchmarks/score/{set}-{method}.tsv"
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=memory(4),
        runtime="4h",
    script:
        "../scripts/score.py"


rule collect_metrics:
    localrule: True
    input:
        metrics=expand("results/metrics/{set}/{method}.csv", set=ANATOMIES, method=METHODS)
        + expand("results/metrics/patients/{method}.csv", method=COMPARED if PATIENTS else []),
        sources=sources("collect_metrics.py"),
    output:
        "results/metrics.csv",
    log:
        "results/logs/collect_metrics.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/collect_metrics.py"


rule table:
    localrule: True
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
    params:
        number=lambda wildcards: int(wildcards.table[0]),
        methods=METHODS,
        titles=TITLES,
        cases=lambda wildcards: "patients" if wildcards.table == "3" else wildcards.table[2:] or CONFIG.anatomy,
    log:
        "results/logs/table/{table}.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/table.py"


rule html_report:
    """Tables, figures and patients in one file."""
    localrule: True
    input:
        tables=TABLES,
        figures=FIGURES,
        losses=expand("results/networks/{network}/training.png", network=TRAINED),
        fits=expand("results/{patient}/{method}.json", patient=PATIENTS, method=METHODS),
        pictures=expand("results/{patient}/{shown}.png", patient=PATIENTS, shown=["preparation", SHOWN]),
        checks=expand("results/{patient}/check.txt", patient=PATIENTS),
        config="results/config.yaml",
        sources=sources("html_report.py"),
    output:
        "results/report.html",
    params:
        tables=SHOWN_TABLES,
        patients=PATIENTS,
        methods=METHODS,
        titles=TITLES,
        shown=SHOWN,
        cases=CONFIG.anatomy,
    log:
        "results/logs/html_report.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/html_report.py"


rule save_config:
    """What was run, with every default and override."""
    localrule: True
    output:
        "results/config.yaml",
    params:
        config=config,
    log:
        "results/logs/save_config.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/save_config.py"


rule figure_forward:
    """Figure 1b: the surrogate beside the solver, on test cases."""
    input:
        tissue=tissue(CONFIG.anatomy),
        cases=f"results/cases/{CONFIG.anatomy}/truth.json",
        weights="results/networks/surrogate/weights.safetensors",
        sources=sources("figure_forward.py"),
    output:
        png=report(
            "results/figures/weidner_figure1b.png",
            caption="../report/figure1b.rst",
            category="Figures",
            labels={"figure": "1b", "shows": "surrogate and solver"},
        ),
        pdf="results/figures/weidner_figure1b.pdf",
    params:
        number=3,
        spacing=CONFIG.spacing,
    log:
        "results/logs/figure_forward.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(12),
        runtime="1h",
    script:
        "../scripts/figure_forward.py"


rule figure_errors:
    """Figure 3 (distribution of errors) and Figure 5 (where errors are large)."""
    localrule: True
    input:
        metrics="results/metrics.csv",
        sources=sources("figure_errors.py"),
    output:
        png=report(
            "results/figures/weidner_figure{figure}.png",
            caption="../report/figure{figure}.rst",
            category="Figures",
            labels={"figure": "{figure}", "shows": "errors on synthetic tumours"},
        ),
        pdf="results/figures/weidner_figure{figure}.pdf",
    wildcard_constraints:
        figure="[35]",
    params:
        methods=METHODS,
        titles=TITLES,
        cases=CONFIG.anatomy,
    log:
        "results/logs/figure_errors/{figure}.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/figure_errors.py"


rule figure_patients:
    """Figure 4: scan, segmentation and inferred density of the first patients."""
    localrule: True
    input:
        scans=[os.path.relpath(SHEET[patient].scan) for patient in PATIENTS[:5]],
        segmentations=[f"results/{patient}/prepared/seg.nii.gz" for patient in PATIENTS[:5]],
        densities=expand("results/{patient}/{method}.nii.gz", patient=PATIENTS[:5], method=SHOWN),
        sources=sources("figure_patients.py"),
    output:
        png=report(
            "results/figures/weidner_figure4.png",
            caption="../report/figure4.rst",
            category="Figures",
            labels={"figure": "4", "shows": "patients"},
        ),
        pdf="results/figures/weidner_figure4.pdf",
    params:
        names=PATIENTS[:5],
    log:
        "results/logs/figure_patients.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/figure_patients.py"
