"""Shards → the forward surrogate and the direct inverse network, one training loop for both."""

from dataclasses import asdict


rule train_network:
    input:
        train=gather.train("results/shards/train/{scatteritem}.h5"),
        validation=gather.validation("results/shards/validation/{scatteritem}.h5"),
    output:
        weights="results/networks/{network}/weights.safetensors",
        card="results/networks/{network}/weights.json",
        log="results/networks/{network}/training.csv",
        figure=report(
            "results/networks/{network}/training.png",
            caption="../report/training.rst",
            category="Networks",
            labels={"network": "{network}"},
        ),
    log:
        "results/logs/train_network/{network}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.training
    resources:
        mem_mb=memory(24),
        runtime=hours(96),
        gpu=int(CONFIG.device == "cuda"),
    params:
        settings=lambda wildcards: asdict(CONFIG.training(wildcards.network)),
        seed=CONFIG.seeds.training,
        device=CONFIG.device,
        # given apart from `threads`, which Snakemake lowers on a small machine: sums, and so weights, depend on it
        threads=CONFIG.threads.training,
        checkpoint="results/networks/{network}/checkpoint.pt",
        sources=sources("train_network.py"),
    script:
        "../scripts/train_network.py"


rule release_network:
    """A network trained here, tested and ready to be put into resources/weights."""
    input:
        weights="results/networks/{network}/weights.safetensors",
        card="results/networks/{network}/weights.json",
        log="results/networks/{network}/training.csv",
        tests=[
            f"results/shards/test/{anatomy}.h5"
            for anatomy in (CONFIG.anatomy, CONFIG.unseen_anatomy)
        ],
    output:
        multiext("results/release/{network}", ".safetensors", ".json", ".md"),
    log:
        "results/logs/release_network/{network}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.training
    resources:
        mem_mb=memory(12),
        runtime=hours(4),
    params:
        anatomies=[CONFIG.anatomy, CONFIG.unseen_anatomy],
        sources=sources("release_network.py"),
    script:
        "../scripts/release_network.py"
