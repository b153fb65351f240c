"""Prior → θ → forward simulations: HDF5 shards for the networks, and the test cases of Tables 1 and 2."""


rule simulate_shard:
    input:
        tissue=tissue(CONFIG.anatomy),
    output:
        "results/shards/{split}/{scatteritem}.h5",
    log:
        "results/logs/simulate_shard/{split}-{scatteritem}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=memory(4),
        runtime=hours(24),
    params:
        number=lambda wildcards: PLAN.shard_size(wildcards.split, wildcards.scatteritem),
        shape=CONFIG.crop,
        spacing=CONFIG.spacing,
        prior=CONFIG.prior.model_dump(),
        seed=CONFIG.seeds.samples,
        split="{split}",
        shard=lambda wildcards: int(wildcards.scatteritem.split("-of-")[0]) - 1,
        deformation=lambda wildcards: (
            CONFIG.samples.deformation_mm if wildcards.split == "train" else 0
        ),
        sources=sources("simulate_shard.py"),
    script:
        "../scripts/simulate_shard.py"


use rule simulate_shard as simulate_test_shard with:
    """Tumours on an anatomy as it is, for the test figures on a released network's card."""
    input:
        tissue=tissue("{anatomy}"),
    output:
        "results/shards/test/{anatomy}.h5",
    log:
        "results/logs/simulate_shard/test-{anatomy}.log",
    params:
        number=CONFIG.samples.test,
        shape=CONFIG.crop,
        spacing=CONFIG.spacing,
        prior=CONFIG.prior.model_dump(),
        seed=CONFIG.seeds.samples,
        split="test",
        shard=0,
        deformation=0,
        sources=sources("simulate_shard.py"),


rule check_shards:
    """Every shard against docs/data_format.md."""
    input:
        gather.train("results/shards/train/{scatteritem}.h5"),
        gather.validation("results/shards/validation/{scatteritem}.h5"),
    output:
        "results/shards/check.txt",
    log:
        "results/logs/check_shards.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(2),
        runtime=hours(2),
    params:
        sources=sources("check_shards.py"),
    script:
        "../scripts/check_shards.py"


rule draw_cases:
    input:
        tissue=case_tissue,
    output:
        "results/cases/{cases}/truth.json",
    log:
        "results/logs/draw_cases/{cases}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=memory(4),
        runtime=hours(24),
    params:
        number=lambda wildcards: CONFIG.drawn(wildcards.cases),
        spacing=CONFIG.spacing,
        prior=CONFIG.prior.model_dump(),
        seed=CONFIG.seeds.samples,
        beyond=lambda wildcards: {"edge": 0.0, "beyond": CONFIG.test_cases.beyond}.get(
            wildcards.cases
        ),
        sources=sources("draw_cases.py"),
    script:
        "../scripts/draw_cases.py"
