"""Learn-Morph-Infer's Table 2: tumours with and without mass effect, networks with different targets, and how they do."""


rule lmi_tumours:
    """Tumours of the paper's D, ρ and T in the atlas."""
    input:
        tissue=tissue(CONFIG.anatomy),
    output:
        "results/lmi_study/{model}/{split}/{shard}.h5",
    log:
        "results/logs/lmi_tumours/{model}-{split}-{shard}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=gigabytes(3),
        runtime=hours(24),
    params:
        number=lambda wildcards: LMI.shard_size(
            wildcards.model, wildcards.split, int(wildcards.shard)
        ),
        spacing=CONFIG.lmi_study.spacing,
        crop=LMI.crop_mm,
        prior=CONFIG.prior.model_dump(),
        gamma=CONFIG.lmi_study.gamma,
        seed=CONFIG.seeds.samples,
        sources=sources("lmi_tumours.py", "gliofit.growth.models.mass_effect"),
    script:
        "../scripts/lmi_tumours.py"


rule train_lmi:
    """One network: for all of θ, for a part of it, or for D, ρ and T."""
    input:
        train=lambda wildcards: LMI.shards(wildcards.model, "train"),
        validation=lambda wildcards: LMI.shards(wildcards.model, "validation"),
        start=lambda wildcards: LMI.followed(wildcards.model, wildcards.targets),
    output:
        weights="results/lmi_study/{model}/{targets}.safetensors",
        card="results/lmi_study/{model}/{targets}.json",
        log="results/lmi_study/{model}/{targets}.csv",
        figure="results/lmi_study/{model}/{targets}.png",
    log:
        "results/logs/train_lmi/{model}-{targets}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.training
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(96),
        gpu=int(CONFIG.device == "cuda"),
    params:
        role=lambda wildcards: "lmi" if wildcards.targets == "all" else "lmi_part",
        settings=lambda wildcards: LMI.settings(wildcards.model, wildcards.targets),
        seed=CONFIG.seeds.training,
        device=CONFIG.device,
        threads=CONFIG.threads.training,
        checkpoint="results/lmi_study/{model}/{targets}.checkpoint.pt",
        sources=sources("train_network.py"),
    script:
        "../scripts/train_network.py"


use rule release_network as release_lmi with:
    """A network for all of θ, tested on tumours of the study and of the prior."""
    input:
        weights="results/lmi_study/{model}/all.safetensors",
        card="results/lmi_study/{model}/all.json",
        log="results/lmi_study/{model}/all.csv",
        tests=lambda wildcards: [
            path
            for paths in LMI.released_tests(wildcards.model).values()
            for path in paths
        ],
    output:
        multiext("results/release/lmi_study/{model}", ".safetensors", ".json", ".md"),
    log:
        "results/logs/release_network/lmi_{model}.log",
    params:
        anatomies=lambda wildcards: [
            name
            for name, paths in LMI.released_tests(wildcards.model).items()
            for _ in paths
        ],
        about=lambda wildcards: LMI.about(wildcards.model),
        sources=sources("release_network.py"),


rule score_lmi:
    """A shard of test tumours: what the networks infer from their outlines."""
    input:
        tissue=tissue(CONFIG.anatomy),
        tests="results/lmi_study/{model}/test/{shard}.h5",
        networks=lambda wildcards: list(LMI.weights(wildcards.model).values()),
    output:
        "results/lmi_study/{model}/scores/{shard}.csv",
    log:
        "results/logs/score_lmi/{model}-{shard}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=gigabytes(3),
        runtime=hours(24),
    params:
        names=lambda wildcards: list(LMI.weights(wildcards.model)),
        spacing=CONFIG.lmi_study.spacing,
        gamma=CONFIG.lmi_study.gamma,
        refine=lambda wildcards: wildcards.model in CONFIG.lmi_study.refined,
        sources=sources(
            "score_lmi.py",
            "gliofit.growth.models.mass_effect",
            "gliofit.inversion.methods.gauss_newton",
        ),
    script:
        "../scripts/score_lmi.py"


rule collect_lmi_scores:
    input:
        metrics=LMI.scores,
    output:
        "results/lmi_study.csv",
    log:
        "results/logs/collect_lmi_scores.log",
    group:
        "lmi"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        sources=sources("collect_metrics.py"),
    script:
        "../scripts/collect_metrics.py"


rule table_lmi:
    input:
        metrics="results/lmi_study.csv",
    output:
        csv=report(
            "results/tables/lmi.csv",
            caption="../report/table_lmi.rst",
            category="Tables",
            labels={"table": "Learn-Morph-Infer 2"},
        ),
        md="results/tables/lmi.md",
        tex="results/tables/lmi.tex",
    log:
        "results/logs/table/lmi.log",
    group:
        "lmi"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        number="lmi",
        methods=list(LMI.experiments),
        titles=LMI.experiments,
        cases="lmi",
        sources=sources("table.py"),
    script:
        "../scripts/table.py"


rule figure_lmi_errors:
    """Figure 5 of Learn-Morph-Infer: the error over μ_D and μ_ρ."""
    input:
        metrics="results/lmi_study.csv",
    output:
        png=report(
            "results/figures/lmi_errors.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={
                "figure": "Learn-Morph-Infer 5",
                "shows": "error over μ_D and μ_ρ",
            },
        ),
        pdf="results/figures/lmi_errors.pdf",
    log:
        "results/logs/figure_lmi_errors.log",
    group:
        "lmi"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        caption=CAPTIONS["lmi_errors"],
        method=next(
            (name for name in ("lmi_3", "lmi_6") if name in LMI.experiments), None
        ),
        sources=sources("figure_lmi_errors.py"),
    script:
        "../scripts/figure_lmi_errors.py"


rule figure_lmi_examples:
    """Figures 3, 4 and 6 of Learn-Morph-Infer on the first test tumours."""
    input:
        tissue=tissue(CONFIG.anatomy),
        tests=[LMI.shards(model, "test")[0] for model in LMI.models],
        networks=[path for model in LMI.models for path in LMI.weights(model).values()],
    output:
        png=report(
            "results/figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "Learn-Morph-Infer 3, 4, 6", "shows": "{figure}"},
        ),
        pdf="results/figures/{figure}.pdf",
    log:
        "results/logs/figure_lmi_examples/{figure}.log",
    wildcard_constraints:
        figure="lmi_targets|lmi_examples",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(3),
        runtime=hours(2),
    params:
        caption=lambda wildcards: CAPTIONS[wildcards.figure],
        models=LMI.models,
        names=[
            (model, targets) for model in LMI.models for targets in LMI.weights(model)
        ],
        spacing=CONFIG.lmi_study.spacing,
        gamma=CONFIG.lmi_study.gamma,
        number=3,
        sources=sources(
            "figure_lmi_examples.py",
            "gliofit.growth.models.mass_effect",
            "gliofit.inversion.methods.gauss_newton",
        ),
    script:
        "../scripts/figure_lmi_examples.py"


use rule figure_learning as figure_lmi_learning with:
    input:
        logs=LMI.logs.values(),
    output:
        png=report(
            "results/figures/lmi_learning.png",
            caption="../report/figure.rst",
            category="Networks",
            labels={"network": "Learn-Morph-Infer's study"},
        ),
        pdf="results/figures/lmi_learning.pdf",
    log:
        "results/logs/figure_lmi_learning.log",
    params:
        caption=CAPTIONS["lmi_learning"],
        networks=list(LMI.logs),
        sources=sources("figure_learning.py"),
