"""Prior → θ → forward simulations: HDF5 shards for the networks, and the test cases of Tables 1 and 2."""


rule simulate_shard:
    input:
        tissue=tissue(CONFIG.anatomy),
        sources=sources("simulate_shard.py"),
    output:
        "results/shards/{split}/{scatteritem}.h5",
    log:
        "results/logs/simulate_shard/{split}-{scatteritem}.log",
    benchmark:
        "results/benchmarks/simulate_shard/{split}-{scatteritem}.tsv"
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=memory(4),
        runtime="1d",
    params:
        number=shard_size,
        shape=CONFIG.crop,
        spacing=CONFIG.spacing,
        prior=CONFIG.prior.model_dump(),
        seed=CONFIG.seeds.samples,
    script:
        "../scripts/simulate_shard.py"


rule check_shards:
    """Every shard against docs/data_format.md."""
    input:
        gather.train("results/shards/train/{scatteritem}.h5"),
        gather.validation("results/shards/validation/{scatteritem}.h5"),
        sources=sources("check_shards.py"),
    output:
        "results/shards/check.txt",
    log:
        "results/logs/check_shards.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(2),
        runtime="2h",
    script:
        "../scripts/check_shards.py"


rule draw_cases:
    input:
        tissue=case_tissue,
        sources=sources("draw_cases.py"),
    output:
        "results/cases/{cases}/truth.json",
    log:
        "results/logs/draw_cases/{cases}.log",
    benchmark:
        "results/benchmarks/draw_cases/{cases}.tsv"
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=memory(4),
        runtime="1d",
    params:
        number=lambda wildcards: CONFIG.drawn(wildcards.cases),
        spacing=CONFIG.spacing,
        prior=CONFIG.prior.model_dump(),
        seed=CONFIG.seeds.samples,
        beyond=lambda wildcards: {"edge": 0.0, "beyond": CONFIG.test_cases.beyond}.get(
            wildcards.cases
        ),
    script:
        "../scripts/draw_cases.py"
