"""Posteriors by the numerical solver and by the surrogate, on synthetic patients and on real ones: Ezhov 2021, Table II."""

from gliofit.evaluation.bayesian_scores import KINDS

BAYESIAN = CONFIG.bayesian if "surrogate" in WEIGHTS.needed else None
"None without a surrogate to compare with."
CALIBRATED = (
    [
        *(f"simulated-{index}" for index in range(BAYESIAN.number)),
        *PATIENTS[: BAYESIAN.patients],
    ]
    if BAYESIAN
    else []
)
TABLE_II = {"table_ii": "results/tables/table_ii.csv"} if CALIBRATED else {}


rule sample_posterior:
    """Samples of one case's posterior, by the solver or by the surrogate."""
    input:
        tissue=tissue(CONFIG.anatomy),
        prepared=lambda wildcards: (
            prepared(wildcards.case) if wildcards.case in PATIENTS else []
        ),
        surrogate=lambda wildcards: WEIGHTS.path("surrogate"),
    output:
        summary="results/bayesian/{case}/{forward}.json",
        density="results/bayesian/{case}/{forward}.npz",
        samples="results/bayesian/{case}/{forward}.samples.npz",
    log:
        "results/logs/sample_posterior/{case}-{forward}.log",
    wildcard_constraints:
        case="|".join(map(re.escape, CALIBRATED)) or "(?!)",
        forward="|".join(KINDS),
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(8),
        runtime=hours(24),
    params:
        method=CONFIG.bayesian.method,
        settings=CONFIG.bayesian.settings,
        prior=CONFIG.prior.model_dump(),
        seed=CONFIG.seeds.patients,
        spacing=CONFIG.spacing,
        sources=sources("sample_posterior.py", "gliofit.inversion.methods.tmcmc", MODEL),
    script:
        "../scripts/sample_posterior.py"


rule table_ii:
    """What both find, how far apart they are, and what they cost."""
    input:
        summaries=expand(
            "results/bayesian/{case}/{forward}.json", case=CALIBRATED, forward=KINDS
        ),
        densities=expand(
            "results/bayesian/{case}/{forward}.npz", case=CALIBRATED, forward=KINDS
        ),
    output:
        csv=report(
            "results/tables/table_ii.csv",
            caption="../report/table_ii.rst",
            category="Tables",
            labels={"table": "posteriors by solver and surrogate"},
        ),
        md="results/tables/table_ii.md",
        tex="results/tables/table_ii.tex",
        parameters=multiext("results/tables/table_ii_parameters", ".csv", ".md", ".tex"),
    log:
        "results/logs/table/table_ii.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        sources=sources("table_ii.py"),
    script:
        "../scripts/table_ii.py"
