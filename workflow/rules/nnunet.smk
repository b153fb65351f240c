"""nnU-Net as a comparator: synthetic patients with recurrences → its data set, plan and weights."""

from dataclasses import asdict

NNUNET = CONFIG.networks.nnunet


rule nnunet_cases:
    """Every so many-th of the patients that it learns from."""
    input:
        tissue=tissue(CONFIG.anatomy),
    output:
        "results/networks/nnunet/cases/{shard}.npz",
    log:
        "results/logs/nnunet_cases/{shard}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(24),
    params:
        indices=lambda wildcards: list(
            range(int(wildcards.shard), NNUNET.patients, NNUNET.shards)
        ),
        truth=NNUNET.truth,
        spacing=NNUNET.spacing,
        predicts=NNUNET.predicts,
        seed=CONFIG.seeds.patients * 10000,
        sources=sources("nnunet_cases.py"),
    script:
        "../scripts/nnunet_cases.py"


rule train_nnunet:
    input:
        cases=expand(
            "results/networks/nnunet/cases/{shard}.npz",
            shard=range(min(NNUNET.shards, NNUNET.patients)),
        ),
    output:
        weights="results/networks/nnunet/weights.safetensors",
        card="results/networks/nnunet/weights.json",
        log="results/networks/nnunet/training.csv",
        figure=report(
            "results/networks/nnunet/training.png",
            caption="../report/training_nnunet.rst",
            category="Networks",
            labels={"network": "nnunet"},
        ),
    log:
        "results/logs/train_nnunet.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.training
    resources:
        mem_mb=memory(24),
        runtime=hours(96),
        gpu=int(CONFIG.device == "cuda"),
    params:
        settings=asdict(NNUNET),
        seed=CONFIG.seeds.training,
        device=CONFIG.device,
        threads=CONFIG.threads.training,
        checkpoint="results/networks/nnunet/checkpoint.pt",
        sources=sources("train_nnunet.py"),
    script:
        "../scripts/train_nnunet.py"
