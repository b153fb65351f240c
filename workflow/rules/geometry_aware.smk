"""Ezhov 2021: tumours of given D, ρ and T in many heads, the geometry-aware surrogate and its ablations, Table I."""

STUDY = PLAN.geometry


rule geometry_aware_train:
    """Tumours in deformed heads, shared out among them."""
    input:
        tissue=tissue(CONFIG.anatomy),
    output:
        expand(
            "results/geometry_aware/samples/{{ratio}}/train/{head}.h5",
            head=range(CONFIG.geometry_aware.train_heads),
        ),
    log:
        "results/logs/geometry_aware_samples/{ratio}-train.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=memory(4),
        runtime=hours(24),
    params:
        number=CONFIG.geometry_aware.train,
        shape=STUDY.crop,
        spacing=STUDY.spacing,
        prior=lambda wildcards: CONFIG.geometry_aware.prior(float(wildcards.ratio)),
        seed=CONFIG.seeds.samples,
        split="train",
        deformation=CONFIG.geometry_aware.deformation_mm,
        sources=sources("geometry_aware_samples.py"),
    script:
        "../scripts/geometry_aware_samples.py"


use rule geometry_aware_train as geometry_aware_held_out with:
    """Tumours in other heads, for validation or test."""
    output:
        expand(
            "results/geometry_aware/samples/{{ratio}}/{{held_out}}/{head}.h5",
            head=range(CONFIG.geometry_aware.test_heads),
        ),
    log:
        "results/logs/geometry_aware_samples/{ratio}-{held_out}.log",
    params:
        number=lambda wildcards: getattr(CONFIG.geometry_aware, wildcards.held_out),
        shape=STUDY.crop,
        spacing=STUDY.spacing,
        prior=lambda wildcards: CONFIG.geometry_aware.prior(float(wildcards.ratio)),
        seed=CONFIG.seeds.samples,
        split="{held_out}",
        deformation=CONFIG.geometry_aware.deformation_mm,


use rule geometry_aware_train as geometry_aware_unseen with:
    """Tumours in an anatomy as it is: another atlas, or a patient's registered tissue."""
    input:
        tissue=lambda wildcards: (
            prepared(wildcards.head)[:3]
            if wildcards.head in PATIENTS
            else tissue(wildcards.head)
        ),
    output:
        "results/geometry_aware/samples/{ratio}/unseen/{head}.h5",
    log:
        "results/logs/geometry_aware_samples/{ratio}-unseen-{head}.log",
    params:
        number=CONFIG.geometry_aware.unseen,
        shape=STUDY.crop,
        spacing=STUDY.spacing,
        prior=lambda wildcards: CONFIG.geometry_aware.prior(float(wildcards.ratio)),
        seed=CONFIG.seeds.samples,
        split="test",
        deformation=0,
        sources=sources("geometry_aware_samples.py"),


use rule train_network as train_geometry_aware with:
    """A row of Table I, for a ratio D_w/D_g."""
    input:
        train=lambda wildcards: expand(
            "results/geometry_aware/samples/{ratio:g}/train/{head}.h5",
            ratio=STUDY.networks[wildcards.geometry_aware].ratio,
            head=range(CONFIG.geometry_aware.train_heads),
        ),
        validation=lambda wildcards: expand(
            "results/geometry_aware/samples/{ratio:g}/validation/{head}.h5",
            ratio=STUDY.networks[wildcards.geometry_aware].ratio,
            head=range(CONFIG.geometry_aware.test_heads),
        ),
    output:
        weights="results/geometry_aware/networks/{geometry_aware}/weights.safetensors",
        card="results/geometry_aware/networks/{geometry_aware}/weights.json",
        log="results/geometry_aware/networks/{geometry_aware}/training.csv",
        figure="results/geometry_aware/networks/{geometry_aware}/training.png",
    log:
        "results/logs/train_geometry_aware/{geometry_aware}.log",
    params:
        role="geometry_aware",
        settings=lambda wildcards: STUDY.settings(wildcards.geometry_aware),
        seed=CONFIG.seeds.training,
        device=CONFIG.device,
        threads=CONFIG.threads.training,
        checkpoint="results/geometry_aware/networks/{geometry_aware}/checkpoint.pt",
        sources=sources("train_network.py"),


use rule release_network as release_geometry_aware with:
    """The paper's network, tested and ready to be put into resources/weights."""
    input:
        weights=STUDY.weights_of(STUDY.ours),
        card=str(Path(STUDY.weights_of(STUDY.ours)).with_suffix(".json")),
        log=str(Path(STUDY.weights_of(STUDY.ours)).with_name("training.csv")),
        tests=list(STUDY.released_tests),
    output:
        multiext("results/release/geometry_aware", ".safetensors", ".json", ".md"),
    log:
        "results/logs/release_network/geometry_aware.log",
    params:
        anatomies=list(STUDY.released_tests.values()),
        sources=sources("release_network.py"),


rule geometry_aware_scores:
    """All networks on the tumours of their ratio; on unseen anatomies those that figures show."""
    input:
        samples=[shard.path for shard in STUDY.tumours],
        weights=[path for path, _ in STUDY.methods.values()],
    output:
        "results/geometry_aware.csv",
    log:
        "results/logs/geometry_aware_scores.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(12),
        runtime=hours(8),
    params:
        tumours=[tuple(shard) for shard in STUDY.tumours],
        methods={name: ratio for name, (_, ratio) in STUDY.methods.items()},
        unseen=STUDY.shown,
        sources=sources("geometry_aware_scores.py"),
    script:
        "../scripts/geometry_aware_scores.py"


rule table_geometry_aware:
    """Ezhov 2021, Table I."""
    input:
        metrics="results/geometry_aware.csv",
    output:
        csv=report(
            "results/tables/ezhov_table1.csv",
            caption="../report/table_geometry_aware.rst",
            category="Tables",
            labels={"table": "Ezhov 2021, Table I"},
        ),
        md="results/tables/ezhov_table1.md",
        tex="results/tables/ezhov_table1.tex",
    log:
        "results/logs/table/ezhov_table1.log",
    group:
        "geometry_aware"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        titles=STUDY.titles,
        ours=STUDY.ours,
        sources=sources("table_geometry_aware.py"),
    script:
        "../scripts/table_geometry_aware.py"


rule figure_geometry_aware:
    """Ezhov 2021, Fig. 6 (error over age), 7 (per tissue), 8 (Dice) and 9 (unseen anatomies)."""
    input:
        metrics="results/geometry_aware.csv",
    output:
        png=report(
            "results/figures/ezhov_figure{number}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={
                "figure": "Ezhov 2021, {number}",
                "shows": "geometry-aware surrogate",
            },
        ),
        pdf="results/figures/ezhov_figure{number}.pdf",
    log:
        "results/logs/figure_geometry_aware/{number}.log",
    wildcard_constraints:
        number="[6-9]",
    group:
        "geometry_aware"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(2),
        runtime=hours(1 / 2),
    params:
        caption=lambda wildcards: CAPTIONS[f"ezhov_{wildcards.number}"],
        titles=STUDY.titles,
        shown=STUDY.shown,
        compared=STUDY.compared,
        sources=sources("figure_geometry_aware.py"),
    script:
        "../scripts/figure_geometry_aware.py"
