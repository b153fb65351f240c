"""Every method on every simulated test case and every patient: one rule each, so that all methods run alike."""


rule fit_cases:
    """Simulated tumours: the density is observed, as in the paper's Tables 1 and 2."""
    input:
        tissue=case_tissue,
        cases="results/cases/{cases}/truth.json",
        networks=weights,
    output:
        fits="results/cases/{cases}/{method}/{first}-{last}.json",
        volumes="results/cases/{cases}/{method}/{first}-{last}.npz",
    log:
        "results/logs/fit_cases/{cases}-{method}-{first}-{last}.log",
    # the longest jobs: no core should wait for one of them at the end
    priority: 10
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(12),
        runtime=hours(48),
        gpu=gpus,
    params:
        settings=lambda wildcards: CONFIG.settings(wildcards.method),
        seed=CONFIG.seeds.inversion,
        spacing=CONFIG.spacing,
        growth_model=CONFIG.growth_model,
        sources=method_sources("fit_cases.py"),
    script:
        "../scripts/fit_cases.py"


rule fit_patient:
    """A patient: tumour core and whole tumour are observed, at unknown imaging thresholds."""
    input:
        prepared=prepared("{patient}"),
        networks=weights,
        atlas=atlas,
    output:
        density="results/{patient}/{method}.nii.gz",
        summary="results/{patient}/{method}.json",
        volumes="results/{patient}/{method}.npz",
    log:
        "results/logs/fit_patient/{patient}-{method}.log",
    wildcard_constraints:
        method="|".join(m for m in [*METHODS, REFERENCE] if m not in SAMPLERS),
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(12),
        runtime=hours(48),
        gpu=gpus,
    params:
        settings=lambda wildcards: CONFIG.settings(wildcards.method),
        seed=CONFIG.seeds.inversion,
        spacing=CONFIG.spacing,
        growth_model=CONFIG.growth_model,
        checkpoint="",
        sources=method_sources("fit_patient.py"),
    script:
        "../scripts/fit_patient.py"


use rule fit_patient as sample_patient with:
    output:
        density="results/{patient}/{method}.nii.gz",
        summary="results/{patient}/{method}.json",
        volumes="results/{patient}/{method}.npz",
        posterior=multiext(
            "results/{patient}/{method}/",
            "samples.npz",
            "posterior.json",
            *(f"{name}.nii.gz" for name in MAPS),
        ),
    log:
        "results/logs/sample_patient/{patient}-{method}.log",
    wildcard_constraints:
        method="|".join(SAMPLERS) or "(?!)",
    params:
        settings=lambda wildcards: CONFIG.settings(wildcards.method),
        seed=CONFIG.seeds.inversion,
        spacing=CONFIG.spacing,
        growth_model=CONFIG.growth_model,
        checkpoint="results/checkpoints/{patient}-{method}.npz",


rule corner_plot:
    """The posterior of a patient's parameters, each alone and every two together."""
    input:
        samples="results/{patient}/{method}/samples.npz",
    output:
        multiext("results/{patient}/{method}/corner", ".png", ".pdf"),
    log:
        "results/logs/corner_plot/{patient}-{method}.log",
    group:
        "patient"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(3),
        runtime=hours(1 / 2),
    params:
        sources=sources("corner_plot.py"),
    script:
        "../scripts/corner_plot.py"


rule fit_reference:
    """A patient as in the paper's Table 3: the observed density is the reference method's fit to the segmentation."""
    input:
        prepared=prepared("{patient}"),
        reference=f"results/{{patient}}/{REFERENCE}.json",
        networks=weights,
        atlas=atlas,
    output:
        summary="results/table3/{patient}/{method}.json",
        volumes="results/table3/{patient}/{method}.npz",
    log:
        "results/logs/fit_reference/{patient}-{method}.log",
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.inversion
    resources:
        mem_mb=memory(12),
        runtime=hours(48),
        gpu=gpus,
    params:
        settings=lambda wildcards: CONFIG.settings(wildcards.method),
        seed=CONFIG.seeds.inversion,
        spacing=CONFIG.spacing,
        growth_model=CONFIG.growth_model,
        sources=method_sources("fit_reference.py"),
    script:
        "../scripts/fit_reference.py"


rule deviation:
    """What the posterior of θ means for the density: a standard deviation in every voxel."""
    input:
        prepared=prepared("{patient}"),
        summary="results/{patient}/{method}.json",
    output:
        "results/{patient}/{method}_deviation.nii.gz",
    log:
        "results/logs/deviation/{patient}-{method}.log",
    group:
        "patient"
    conda:
        ENVIRONMENT
    threads: CONFIG.threads.simulation
    resources:
        mem_mb=memory(8),
        runtime=hours(1),
    params:
        spacing=CONFIG.spacing,
        sources=sources("deviation.py"),
    script:
        "../scripts/deviation.py"
